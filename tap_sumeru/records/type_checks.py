"""Whether a value has the type that its schema allows, and the one form in which it is emitted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from sumeru_api import timestamps

if TYPE_CHECKING:
    from tap_sumeru.catalog.stream_schemas import Schema

Check = Callable[[object], object]

LARGEST_INTEGER = 2**63 - 1
"""Larger integers are refused, or silently lost, by the warehouses' loaders."""


class TypeMismatch(Exception):
    """A value does not have the type that the schema allows."""


def checker(schema: Schema) -> Check:
    """Return a function that brings a value to the form that a schema allows, or raises `TypeMismatch`."""
    types = schema.get("type")
    if types is None:
        return lambda value: value
    names = [types] if isinstance(types, str) else list(types)
    checks = [_TYPES[name](schema) for name in names if name != "null"]
    if len(checks) == 1:
        return checks[0] if "null" not in names else _or_null(checks[0])

    def check(value: object) -> object:
        if value is None and "null" in names:
            return None
        for one in checks:
            with suppress(TypeMismatch):
                return one(value)
        raise TypeMismatch

    return check


def _or_null(one: Check) -> Check:
    return lambda value: None if value is None else one(value)


def _string(schema: Schema) -> Check:
    def plain(value: object) -> object:
        if type(value) is str:
            return value
        raise TypeMismatch

    def date_time(value: object) -> object:
        normal = timestamps.normalise(value) if type(value) is str else None
        if normal is None:
            raise TypeMismatch
        return normal

    def day(value: object) -> object:
        with suppress(ValueError):
            if type(value) is str and date.fromisoformat(value).isoformat() == value:
                return value
        raise TypeMismatch

    return {"date-time": date_time, "date": day}.get(schema.get("format", ""), plain)


def _integer(_: Schema) -> Check:
    def check(value: object) -> object:
        if type(value) is int and -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            return value
        if isinstance(value, Decimal) and str(value) == "-0":  # an integer that Python has not
            return value
        raise TypeMismatch

    return check


def _number(schema: Schema) -> Check:
    integer = _integer(schema)

    def check(value: object) -> object:
        if isinstance(value, Decimal) or (isinstance(value, msgspec.Raw) and _is_fraction(value)):
            return value
        return integer(value)

    return check


def _is_fraction(number: msgspec.Raw) -> bool:
    return any(mark in bytes(number) for mark in (b".", b"e", b"E"))


def _boolean(_: Schema) -> Check:
    def check(value: object) -> object:
        if type(value) is bool:
            return value
        raise TypeMismatch

    return check


def _array(schema: Schema) -> Check:
    item = checker(schema.get("items") or {})

    def check(value: object) -> object:
        if type(value) is not list:
            raise TypeMismatch
        return [item(one) for one in value]

    return check


def _object(schema: Schema) -> Check:
    members = {name: checker(member) for name, member in schema.get("properties", {}).items()}

    def check(value: object) -> object:
        if type(value) is not dict:
            raise TypeMismatch
        return {name: members[name](one) if name in members else one for name, one in value.items()}

    return check


_TYPES: dict[str, Callable[[Schema], Check]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
}
