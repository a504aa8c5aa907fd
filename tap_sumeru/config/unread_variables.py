"""Environment variables that a run without `--config=ENV` does not read, but that look like settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sumeru_api.redaction import mask_name
from tap_sumeru.config.given_values import nested
from tap_sumeru.config.json_text import decode
from tap_sumeru.config.setting_names import setting_variables
from tap_sumeru.config.unknown_names import resembling
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOTHING = frozenset({"[]", "{}", "null"})
_MAPS = "stream_maps"


def unread_variables(
    environment: Mapping[str, str], config: Mapping[str, Any], schema: Mapping[str, Any], prefix: str
) -> Iterator[str]:
    """Yield a warning for each variable that looks like a setting which the config lacks.

    Meltano sets a variable for each setting of its config file, so those are never warned of.

    Args:
        environment: The environment variables.
        config: The config.
        schema: JSON Schema of the config.
        prefix: What the variables of settings begin with.
    """
    known = {name.upper(): name for name in schema["properties"]}
    for name, value in setting_variables(environment, schema, prefix):
        if name not in known:
            if meant := resembling(name, known):
                yield f"{prefix}{mask_name(name)}: unknown setting. Did you mean {prefix}{meant}?"
        elif config.get(known[name]) is None and value.strip() not in _NOTHING:
            yield (
                f"{prefix}{name}: is set, but variables are read with --config=ENV only. Add that option, or "
                "unset the variable."
            )


def check_dropped_nulls(environment: Mapping[str, str], config: Mapping[str, Any], prefix: str) -> None:
    """Reject stream maps without the nulls that `meltano.yml` has: Meltano drops them from the config.

    Only its variable still has them, with the keys of all levels joined by dots. Each was meant to hide a
    column.

    Raises:
        SettingsError: A null is missing; the message names it.
    """
    try:
        maps = decode(environment.get(prefix + _MAPS.upper(), "").encode())
    except ValueError:
        return
    if not isinstance(maps, Mapping) or not any("." in name for name in maps):
        return
    given = config.get(_MAPS)
    for stream, columns in nested(maps).items():
        left = given.get(stream) if isinstance(given, Mapping) else None
        for column, value in columns.items() if isinstance(columns, Mapping) else ():
            if value is None and not (isinstance(left, Mapping) and column in left):
                where = f"{_MAPS}.{mask_name(stream)}.{mask_name(column)}"
                raise SettingsError(f"{where}: Meltano drops this null. Write __NULL__ instead.")
