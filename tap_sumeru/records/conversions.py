"""Conversions to the types that a catalog sets, for values that the API sends as another type."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from sumeru_api.json_values import UndecodableError, decode
from tap_sumeru.records.type_checks import MAX_INTEGER, Converter, TypeMismatch, converter_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_sumeru.catalog.stream_schemas import Schema

_encode = msgspec.json.Encoder(decimal_format="number").encode


def converting(schema: Schema) -> Converter:
    """Return a function that converts a value to a type of a schema, and raises `TypeMismatch` if it cannot.

    A value that has one of the types already is left as `converter_for` leaves it.
    """
    exact = converter_for(schema)
    converters = [_CONVERSIONS[kind](schema) for kind in schema["type"] if kind != "null"]

    def convert(value: object) -> object:
        for converter in (exact, *converters):
            try:
                return converter(value)
            except TypeMismatch:
                continue
        raise TypeMismatch

    return convert


def _to_string(schema: Schema) -> Converter:
    """Return the JSON text of a value that is no string; a number keeps its digits."""
    if "format" not in schema:
        return _json_text
    exact = converter_for({"type": "string", "format": schema["format"]})
    return lambda value: exact(value if isinstance(value, str) else _json_text(value))


def _json_text(value: object) -> str:
    if value is None:
        raise TypeMismatch
    return _encode(value).decode()


def _to_scalar(kind: str) -> Callable[[Schema], Converter]:
    """Return how to read numbers and booleans, in strings too."""
    exact = converter_for({"type": kind})
    adapt = _ADAPTATIONS.get(kind, _unchanged)

    def convert(value: object) -> object:
        if isinstance(value, str):
            try:
                value = decode(value.encode())
            except (UndecodableError, UnicodeEncodeError):
                raise TypeMismatch from None
        return exact(adapt(value))

    return lambda _: convert


def _whole(value: object) -> object:
    """Return an integer for a number without a fraction, such as `5.0`."""
    if isinstance(value, msgspec.Raw):
        try:
            value = Decimal(bytes(value).decode())
        except ArithmeticError:
            return value
    if isinstance(value, Decimal) and abs(value) <= MAX_INTEGER and value == int(value):
        return int(value)
    return value


def _truth(value: object) -> object:
    """Return a boolean for 0 and 1."""
    return bool(value) if type(value) is int and value in (0, 1) else value


def _unchanged(value: object) -> object:
    return value


_ADAPTATIONS: dict[str, Converter] = {"integer": _whole, "boolean": _truth}


def _to_array(schema: Schema) -> Converter:
    convert_item = converting(schema["items"]) if schema.get("items") else _unchanged

    def convert(value: object) -> object:
        if type(value) is not list:
            raise TypeMismatch
        return [convert_item(item) for item in value]

    return convert


def _to_object(schema: Schema) -> Converter:
    members = {name: converting(member) for name, member in schema.get("properties", {}).items()}

    def convert(value: object) -> object:
        if type(value) is not dict:
            raise TypeMismatch
        return {name: members[name](inner) if name in members else inner for name, inner in value.items()}

    return convert


_CONVERSIONS: dict[str, Callable[[Schema], Converter]] = {
    "string": _to_string,
    "array": _to_array,
    "object": _to_object,
    **{kind: _to_scalar(kind) for kind in ("integer", "number", "boolean")},
}
