"""Learned columns: columns for fields that no schema knows, with types taken from sampled values."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from sumeru_api import timestamps
from tap_sumeru.catalog.stream_schemas import MAX_INTEGER, OWN_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_sumeru.catalog.stream_schemas import Schema

MAX_LEARNED = 200
"""Learned columns per stream, at most; further fields stay in `extra`."""

_SAFE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
"""Every warehouse takes such a name as it is; PostgreSQL cuts names after 63 bytes."""
_RESERVED_PREFIX = "_sdc_"
"""Loaders add columns of their own with this prefix."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?[\d\s().-]{8,20}", re.ASCII)
_MIN_PHONE_DIGITS = 8
_PERSONAL_NAME = re.compile(
    r"(?:^|_)(?:e?_?mails?|phones?|mobile|(?:first|last|full|middle|sur|given|family|nick|user)_?name|name"
    r"|addr(?:ess)?\d?|street|zip|post_?code|postal|city|birth\w*|dob|gender|ip|lat|lng|latitude|longitude"
    r"|contact|recipient|iban|ssn|tax_id|passport)(?:_|$)",
    re.IGNORECASE,
)
"""Parts of a field's name that suggest the data of a person."""


class Samples:
    """Values of the unknown fields of one stream.

    The order in which values are added does not matter.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, set[str]] = {}
        self._personal: set[str] = set()

    def add(self, fields: Mapping[str, Any]) -> None:
        """Add the unknown fields of one row, decoded by `json_values.decode`."""
        for name, value in fields.items():
            kinds = self._kinds.setdefault(name, set())
            if value is not None:
                kinds.add(_kind(value))
                if _looks_personal(value):
                    self._personal.add(name)

    @property
    def names(self) -> list[str]:
        """Names of all sampled fields, sorted."""
        return sorted(self._kinds)

    def columns(self, known: Iterable[str]) -> dict[str, Schema]:
        """Return a schema for each field that can be a column, by name, sorted.

        A field stays in `extra` if its values have several types, if all are null, or if its name is not
        safe, or differs from another one in upper and lower case only.

        Args:
            known: Names of the columns that the schema has.
        """
        taken = {name.lower() for name in (*known, *OWN_COLUMNS)}
        folded = [name.lower() for name in self._kinds]
        columns: dict[str, Schema] = {}
        for name in self.names:
            type_ = _type(self._kinds[name])
            unique = name.lower() not in taken and folded.count(name.lower()) == 1
            if type_ is not None and unique and is_safe(name) and len(columns) < MAX_LEARNED:
                columns[name] = self._schema(name, type_)
        return columns

    def _schema(self, name: str, type_: Schema) -> Schema:
        schema = {"description": "Learned from sampled rows.", **type_, "x-provenance": "observed"}
        if name in self._personal or suggests_person(name):
            schema["x-pii"] = "suspected"
        return schema


def is_safe(name: str) -> bool:
    """Return whether every warehouse takes a name for a column as it is."""
    return bool(_SAFE_NAME.fullmatch(name)) and not name.lower().startswith(_RESERVED_PREFIX)


def suggests_person(name: str) -> bool:
    """Return whether the name of a field suggests the data of a person."""
    return bool(_PERSONAL_NAME.search(_snake(name)))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if abs(value) <= MAX_INTEGER else "large"
    if isinstance(value, (Decimal, msgspec.Raw)):
        return "number"
    if isinstance(value, str):
        return "date-time" if _is_date_time(value) else "string"
    return "array" if isinstance(value, list) else "object"


def _is_date_time(value: str) -> bool:
    """Return whether a text is a timestamp with a time: a date alone may be a text that looks like one."""
    return len(value) > len("2026-05-10") and timestamps.parse(value) is not None


def _type(kinds: set[str]) -> Schema | None:
    """Return the narrowest type that all kinds of values fit, None if there is none."""
    if kinds <= {"string", "date-time"} and len(kinds) > 1:
        kinds = {"string"}
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    if len(kinds) != 1 or kinds == {"large"}:
        return None
    (kind,) = kinds
    if kind == "date-time":
        return {"type": ["string", "null"], "format": "date-time"}
    if kind == "object":
        return {"type": ["object", "null"], "additionalProperties": True}
    return {"type": [kind, "null"]}


def _looks_personal(value: object) -> bool:
    """Return whether a value, or a part of it, looks like an e-mail address or a phone number.

    An object also does if the name of a member suggests a person.
    """
    if isinstance(value, dict):
        return any(suggests_person(str(key)) for key in value) or any(map(_looks_personal, value.values()))
    if isinstance(value, list):
        return any(map(_looks_personal, value))
    if not isinstance(value, str):
        return False
    phone = _PHONE.fullmatch(value.strip()) and sum(map(str.isdigit, value)) >= _MIN_PHONE_DIGITS
    return bool(_EMAIL.search(value)) or (bool(phone) and not _is_date_time(value))
