"""Converts settings that are given as text, as environment variables are, to their types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tap_sumeru.config.json_text import RepeatedKeyError, decode
from tap_sumeru.config.schema_violations import allowed_types, expected
from tap_sumeru.errors import SettingsError

_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
_ANY = {"type": "string"}
_INTEGER = re.compile(r"-?[0-9]{1,18}")


def given_values(config: Mapping[str, Any], schema: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the settings that are set, text converted to the types of the settings.

    Null and an empty text set nothing.

    Args:
        config: The settings.
        schema: JSON Schema of the config.
        prefix: Prefix of the names in messages: that of the environment variables, or nothing.

    Raises:
        SettingsError: A text cannot be converted; the message names the setting.
    """
    known = schema["properties"]
    return {
        name: _typed(value, known.get(name, {}), prefix + (name.upper() if prefix else name))
        for name, value in config.items()
        if value is not None and not _is_empty(value, known.get(name, {}))
    }


def _is_empty(value: object, schema: Mapping[str, Any]) -> bool:
    """Return whether a text is empty. A setting of type text may be blank; for others blanks are stripped."""
    return isinstance(value, str) and not (value if "string" in allowed_types(schema) else value.strip())


def _typed(value: object, schema: Mapping[str, Any], where: str) -> object:
    """Return a value with the types of its schema; what is not text is only searched for text."""
    if isinstance(value, str):
        value = _from_text(value, schema, where)
    if isinstance(value, list) and "items" in schema:
        return [_typed(item, schema["items"], f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping) and schema.get("properties"):
        known = schema["properties"]
        return {
            name: _typed(inner, known.get(name, {}), f"{where}.{name}")
            for name, inner in value.items()
            if "string" in allowed_types(known.get(name, _ANY)) or not _is_empty(inner, known[name])
        }
    return value


def nested(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its dotted keys as nested objects: `{"a.b": 1}` becomes `{"a": {"b": 1}}`.

    Meltano sets a variable to `{"orders.details": true}` where `meltano.yml` has `orders: {details: true}`.
    """
    made: dict[str, Any] = {}
    for path, value in content.items():
        *outer, name = path.split(".")
        place = made
        for key in outer:
            inner = place.get(key)
            place[key] = place = dict(inner) if isinstance(inner, Mapping) else {}
        place[name] = value
    return made


def _from_text(text: str, schema: Mapping[str, Any], where: str) -> object:
    plain, types = text.strip(), allowed_types(schema)
    if "string" in types:
        return text
    if types & {"object", "array"}:
        try:
            content = decode(plain, Decimal)
        except RepeatedKeyError as error:
            raise SettingsError(
                f"{where}: an object has the key {error.key} twice. Remove one of the two."
            ) from None
        except ValueError:
            content = text
        if isinstance(content, str):
            raise SettingsError(f"{where}: must be JSON: {expected(schema)}.")
        return nested(content) if isinstance(content, dict) else content
    if "boolean" in types:
        if plain.lower() not in (*_TRUE, *_FALSE):
            raise SettingsError(f"{where}: must be true or false.")
        return plain.lower() in _TRUE
    if "integer" in types:
        if not _INTEGER.fullmatch(plain):
            raise SettingsError(f"{where}: must be an integer.")
        return int(plain)
    return text
