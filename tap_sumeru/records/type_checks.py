"""Type checks: convert a value to its emitted form, or reject it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from sumeru_api import timestamps
from sumeru_api.json_values import UndecodableError, decode
from tap_sumeru.catalog.stream_schemas import MAX_INTEGER

if TYPE_CHECKING:
    from tap_sumeru.catalog.stream_schemas import Schema

Converter = Callable[[object], object]


class TypeMismatch(Exception):
    """A value does not have a type that the schema allows."""


def converter_for(schema: Schema) -> Converter:
    """Return a function that converts a value to the emitted form, and raises `TypeMismatch` if it cannot."""
    types = schema.get("type")
    if types is None:
        return lambda value: value
    names = [types] if isinstance(types, str) else list(types)
    nullable = "null" in names
    converters = [_converter(name, schema) for name in names if name != "null"]
    if len(converters) == 1:
        (only,) = converters
        return (lambda value: None if value is None else only(value)) if nullable else only

    def convert(value: object) -> object:
        if value is None and nullable:
            return None
        for converter in converters:
            with suppress(TypeMismatch):
                return converter(value)
        raise TypeMismatch

    return convert


def _converter(name: str, schema: Schema) -> Converter:
    if name == "array":
        return _array(converter_for(schema.get("items") or {}))
    if name == "object":
        members = schema.get("properties", {})
        return _object({member: converter_for(inner) for member, inner in members.items()})
    if name == "string":
        return _FORMATS.get(schema.get("format", ""), _string)
    return _SCALARS[name]


def _string(value: object) -> object:
    if type(value) is str:
        return value
    raise TypeMismatch


def _date_time(value: object) -> object:
    normal = timestamps.normalise(value) if type(value) is str else None
    if normal is None:
        raise TypeMismatch
    return normal


def _date(value: object) -> object:
    with suppress(ValueError):
        if type(value) is str and date.fromisoformat(value).isoformat() == value:
            return value
    raise TypeMismatch


def _decimal_text(value: object) -> object:
    with suppress(UndecodableError, UnicodeEncodeError):
        if type(value) is str and value == value.strip():
            _number(decode(value.encode()))
            return value
    raise TypeMismatch


def _integer(value: object) -> object:
    if type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER:
        return value
    if isinstance(value, Decimal) and str(value) == "-0":  # Python has no such integer
        return value
    raise TypeMismatch


def _number(value: object) -> object:
    if isinstance(value, Decimal) or (isinstance(value, msgspec.Raw) and _is_fraction(value)):
        return value
    return _integer(value)


def _is_fraction(number: msgspec.Raw) -> bool:
    return any(mark in bytes(number) for mark in (b".", b"e", b"E"))


def _boolean(value: object) -> object:
    if type(value) is bool:
        return value
    raise TypeMismatch


def _array(convert_item: Converter) -> Converter:
    def convert(value: object) -> object:
        if type(value) is not list:
            raise TypeMismatch
        return [convert_item(item) for item in value]

    return convert


def _object(members: dict[str, Converter]) -> Converter:
    def convert(value: object) -> object:
        if type(value) is not dict:
            raise TypeMismatch
        return {name: members[name](inner) if name in members else inner for name, inner in value.items()}

    return convert


_FORMATS: dict[str, Converter] = {"date-time": _date_time, "date": _date, "singer.decimal": _decimal_text}
_SCALARS: dict[str, Converter] = {"integer": _integer, "number": _number, "boolean": _boolean}
