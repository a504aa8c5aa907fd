"""Options of a read: those of Spark, and the settings of the tap."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pyspark_sumeru.selections import stream_selection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.given_values import given_values
from tap_sumeru.config.json_text import decode
from tap_sumeru.config.replication_keys import check_replication_key, replication_keys
from tap_sumeru.config.schema import CONFIG_SCHEMA
from tap_sumeru.config.setting_names import check_setting_names
from tap_sumeru.config.settings import Settings
from tap_sumeru.config.unknown_names import resembling
from tap_sumeru.errors import SettingsError, StateError
from tap_sumeru.output.private_columns import check_seed
from tap_sumeru.state.validation import validate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_sumeru.catalog.selection import StreamSelection

ALL = "*"
_OWN = (
    "stream",
    "streams",
    "columns",
    "fullTable",
    "numPartitions",
    "maxSeconds",
    "state",
    "onlyShops",
    "readId",
)
_CANONICAL = {name.lower(): name for name in _OWN}
_MAP_CONFIG = "stream_map_config"
_UNSUPPORTED = {
    **dict.fromkeys(("stream_maps", "faker_config"), "Transform the DataFrame instead."),
    **dict.fromkeys(
        ("flattening_enabled", "flattening_max_depth", "flattening_max_key_length", "flattening_separator"),
        "Objects are columns of JSON.",
    ),
    "batch_config": "Spark writes the files.",
    **dict.fromkeys(("discover_rows", "openapi_file"), "Fields that no schema knows are in `extra`."),
    "path": "Pass `shops_file` or `shops` as an option instead.",
}
_KNOWN: dict[str, Any] = {
    "properties": {**CONFIG_SCHEMA["properties"], **{name: {} for name in (*_OWN, _MAP_CONFIG)}}
}


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a read returns, and how.

    Attributes:
        settings: The settings of the tap.
        stream: Name of the only stream, `*` for raw rows.
        selections: What is read of each stream.
        partitions: Groups of shops, None for one per 50 shops.
        max_seconds: When a task stops, None if it reads to the end.
        state: The state to continue from.
        only: Names of the shops to read, None for all of the settings.
        read_id: Names this read in the rows that are not records.
        seed: Salt of hashes, empty unless personal columns are hashed.
    """

    settings: Settings
    stream: str
    selections: tuple[StreamSelection, ...]
    partitions: int | None
    max_seconds: float | None
    state: dict[str, Any]
    only: frozenset[str] | None
    read_id: str
    seed: str

    @property
    def raw(self) -> bool:
        """Whether the rows are raw."""
        return self.stream == ALL

    @classmethod
    def parse(cls, options: Mapping[str, str]) -> ReadOptions:
        """Return the options of a read.

        Args:
            options: The options by name; upper and lower case of the names make no difference.

        Raises:
            SettingsError: An option is not valid; the message names it and quotes no value.
            StateError: The state is not valid.
        """
        given = {_CANONICAL.get(name.lower(), name.lower()): value for name, value in options.items()}
        for name in given:
            if name in _UNSUPPORTED:
                raise SettingsError(f"{name}: cannot be used with Spark. {_UNSUPPORTED[name]}")
        check_setting_names(given, _KNOWN)
        own = {name: given[name].strip() for name in _OWN if (given.get(name) or "").strip()}
        config = {name: value for name, value in given.items() if name not in (*_OWN, _MAP_CONFIG)}
        settings = Settings.from_config(config, datetime.now(UTC), shops_required=False)
        seed = _seed(settings.pii, given.get(_MAP_CONFIG))
        names = _streams(own)
        _check_keys(config)
        only = _names(own, "onlyShops")
        if unknown := {*(only or ())} - settings.configured:
            raise SettingsError(f"onlyShops: {len(unknown)} of its shops are not in the settings.")
        return cls(
            settings=settings,
            stream=own.get("stream", ALL),
            selections=_selections(names, own, settings),
            partitions=_integer(own, "numPartitions"),
            max_seconds=_seconds(own),
            state=_state(own, settings),
            only=None if only is None else frozenset(only),
            read_id=own.get("readId") or uuid.uuid4().hex,
            seed=seed,
        )


def _seed(how: str, given: str | None) -> str:
    """Return the salt of hashes; empty unless personal columns are hashed."""
    schema = {"properties": {_MAP_CONFIG: {"type": "object"}}}
    map_config = given_values({_MAP_CONFIG: given}, schema).get(_MAP_CONFIG)
    check_seed(how, map_config)
    return str(map_config["hash_seed"]) if how == "hash" and map_config else ""


def _streams(own: Mapping[str, str]) -> tuple[str, ...]:
    stream = own.get("stream", ALL)
    if stream != ALL:
        check_stream("stream", stream)
        if "streams" in own:
            raise SettingsError("streams: works only with `stream=*`. Remove one of the two.")
        for option in ("maxSeconds", "readId"):
            if option in own:
                raise SettingsError(f"{option}: works only with `stream=*`, whose rows include the state.")
        return (stream,)
    names = _names(own, "streams")
    for name in names or ():
        check_stream("streams", name)
    return tuple(one for one in STREAMS if names is None or one in names)


def check_stream(option: str, name: str) -> None:
    """Reject an unknown stream. The message does not quote it: anything may have been typed there."""
    if name in STREAMS:
        return
    meant = resembling(name, STREAMS)
    advice = f"Did you mean {meant}?" if meant else f"There are: {', '.join(STREAMS)}."
    raise SettingsError(f"{option}: is not a stream. {advice}")


def _names(own: Mapping[str, str], option: str) -> tuple[str, ...] | None:
    """Return the names in an option: a list in JSON, or separated by commas; None if it is not set."""
    text = own.get(option)
    if text is None:
        return None
    names: Any = text.split(",")
    if text.startswith("["):
        try:
            names = decode(text)
        except ValueError:
            names = None
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise SettingsError(f"{option}: must be names separated by commas, or a list of names in JSON.")
    return tuple(dict.fromkeys(one.strip() for one in names if one.strip()))


def _selections(
    names: tuple[str, ...], own: Mapping[str, str], settings: Settings
) -> tuple[StreamSelection, ...]:
    columns = _names(own, "columns")
    full = _full_table(names, own)
    selections = [stream_selection(name, columns, settings.pii, full_table=name in full) for name in names]
    known = {column for one in selections for column in one.properties}
    for column in columns or ():
        if column not in known:
            meant = resembling(column, known)
            advice = f"Did you mean {meant}?" if meant else "docs/streams.md lists the columns."
            raise SettingsError(f"columns: there is no such column. {advice}")
    return tuple(selections)


def _full_table(names: tuple[str, ...], own: Mapping[str, str]) -> tuple[str, ...]:
    """Return the streams that are read in full, whatever the state says."""
    text = own.get("fullTable", "false")
    if text.lower() in ("true", "false"):
        full = names if text.lower() == "true" else ()
    else:
        full = _names(own, "fullTable") or ()
    for name in full:
        check_stream("fullTable", name)
    if full and "maxSeconds" in own:
        raise SettingsError("fullTable: a read in full cannot be continued. Remove `maxSeconds`.")
    return full


def _check_keys(config: Mapping[str, Any]) -> None:
    from tap_sumeru.catalog import stream_schemas  # noqa: PLC0415 - reads files

    given = given_values(config, CONFIG_SCHEMA)
    for name, key in replication_keys(given).items():
        if key != STREAMS[name].replication_key:
            columns = stream_schemas.load(name)["properties"]
            check_replication_key(f"stream_options.{name}.replication_key", key, columns)


def _integer(own: Mapping[str, str], option: str) -> int | None:
    text = own.get(option)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= len(text) < 7 and int(text)):  # noqa: PLR2004 - as the message says
        raise SettingsError(f"{option}: must be an integer from 1 to 999999.")
    return int(text)


def _seconds(own: Mapping[str, str]) -> float | None:
    text = own.get("maxSeconds")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise SettingsError("maxSeconds: must be a number above 0.")
    return seconds


def _state(own: Mapping[str, str], settings: Settings) -> dict[str, Any]:
    text = own.get("state")
    if text is None:
        return {}
    try:
        state = decode(text, Decimal)
    except ValueError:
        raise StateError("state: must be JSON.") from None
    validate(state, settings.configured)
    return dict(state)
