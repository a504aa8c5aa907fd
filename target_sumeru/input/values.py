"""Checks and converts the values of a row, so that the API gets the types that it documents."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import msgspec

from sumeru_api import timestamps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Convert = Callable[[Any], Any]

_MAX_INTEGER = 2**63


class WrongType(Exception):
    """A value does not have the type of its column."""


def converter(schema: Mapping[str, Any]) -> Convert:
    """Return what checks and converts the values of a column; it raises `WrongType`.

    Args:
        schema: JSON Schema of the column.
    """
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    kind = next(one for one in kinds if one != "null")
    if kind == "string" and schema.get("format") in ("date-time", "date"):
        return _timestamp
    return _CONVERTERS[kind]


def as_key(value: object) -> str:
    """Return a value that identifies a row as text, empty if it cannot identify one."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return ""
    if isinstance(value, Decimal):
        return str(int(value)) if _is_whole(value) else ""
    return str(value).strip()


def as_name(value: object) -> str:
    """Return a name as text by which it is looked up: an accented letter may be one character or two."""
    return normalize("NFC", as_key(value))


def _string(value: object) -> str:
    if isinstance(value, str):
        return value
    raise WrongType


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise WrongType


def _integer(value: object) -> int:
    number = _number(value)
    if _is_whole(number):
        return int(number)
    raise WrongType


def _is_whole(number: int | Decimal) -> bool:
    """Return whether a number is an integer of 64 bits; only then is `int` cheap, whatever its exponent."""
    return -_MAX_INTEGER <= number < _MAX_INTEGER and number == int(number)


def _number(value: object) -> int | Decimal:
    if isinstance(value, float):  # a stream map has computed it
        value = Decimal(repr(value))
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not Decimal(value).is_finite():
        raise WrongType
    return value


def _strings(value: object) -> list[str]:
    """Return a list of texts; some warehouses store it as JSON."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (ValueError, RecursionError):
            raise WrongType from None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise WrongType
    return value


def _timestamp(value: object) -> str:
    """Return a timestamp in the form that the API documents: UTC, whole seconds, `Z`."""
    if isinstance(value, (datetime, date)):
        value = value.isoformat()
    moment = timestamps.parse(value) if isinstance(value, str) else None
    if moment is None:
        raise WrongType
    return timestamps.text(moment.replace(microsecond=0))


_CONVERTERS: Mapping[str, Convert] = {
    "array": _strings,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "string": _string,
}
