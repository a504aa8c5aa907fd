"""Checks the names of settings at every level: a misspelt one must not go unnoticed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sumeru_api.redaction import mask_name
from tap_sumeru.config.schema_violations import allowed_types
from tap_sumeru.config.unknown_names import check_name, resembling
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOP_SETTINGS = ("api_token", "shops", "shops_file")
"""Settings that name shops; a config has exactly one of them."""
_UNDECLARED = {"batch_config": ("batch_size",), "batch_config.storage": ("params",)}
"""Keys that the SDK's schema lacks."""
_OF_THE_SDK = ("LOGLEVEL",)
"""Environment variables that are no settings, without their prefix."""


def check_setting_names(value: object, schema: Mapping[str, Any], path: str = "") -> None:
    """Check the names of the keys of a config, or of a part of one.

    Args:
        value: The config, or the part.
        schema: Its JSON Schema.
        path: Keys that lead to the part; empty for the config.

    Raises:
        SettingsError: An unknown name resembles a known one. Any other is only warned of.
    """
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            check_setting_names(item, schema["items"], f"{path}[{i}]")
    known = schema.get("properties")
    if not isinstance(value, Mapping) or not known or path == "stream_maps":
        return
    for name, inner in value.items():
        shown = name if name in known else mask_name(name)
        where = f"{path}.{shown}" if path else shown
        if name in known:
            check_setting_names(inner, known[name], where)
        else:
            kind = "stream" if path == "stream_options" else "setting"
            check_name(where, name, {*known, *_UNDECLARED.get(path, ())}, kind)


def check_variable_names(environment: Mapping[str, str], schema: Mapping[str, Any], prefix: str) -> None:
    """Check the names of the environment variables that begin with the prefix of the settings.

    Raises:
        SettingsError: An unknown name resembles a known one. Any other is only warned of.
    """
    known = {name.upper() for name in schema["properties"]}
    for name, _ in setting_variables(environment, schema, prefix):
        shown = prefix + mask_name(name)
        if name not in known and (meant := resembling(name, known)):
            raise SettingsError(f"{shown}: unknown setting. Did you mean {prefix}{meant}?")
        check_name(shown, name, known, "setting")


def setting_variables(
    environment: Mapping[str, str], schema: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, str]]:
    """Yield name and value of each environment variable that stands for a setting, without the prefix.

    An empty one sets nothing. Meltano's own variables have one more underscore behind the prefix, and those
    that it sets for the members of an object begin with the name of the object.
    """
    objects = [
        f"{name.upper()}_" for name, one in schema["properties"].items() if "object" in allowed_types(one)
    ]
    for variable, value in environment.items():
        name = variable.removeprefix(prefix)
        if name == variable or name in _OF_THE_SDK or not value.strip():
            continue
        if not name.startswith(("_", *objects)) or name.lower() in schema["properties"]:
            yield name, value
