"""Layouts: msgspec types that decode the pages of one stream in C.

A layout consists of the selected columns and of the unknown fields that earlier pages had. Decoding fails for
a page with any other field; `record_builder` handles such a page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType, defstruct

from tap_sumeru.catalog.stream_schemas import MAX_INTEGER
from tap_sumeru.records.conversions import converting
from tap_sumeru.records.type_checks import Converter, converter_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_sumeru.catalog.stream_schemas import Schema

NULL = Raw(b"null")
NEVER = Annotated[str, Meta(min_length=1, max_length=0)]
"""A type that no value has."""

_INTEGER = Annotated[int, Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
_TIMESTAMP = Annotated[
    str,
    Meta(
        # The form that `timestamps.normalise` returns, except February 29th, which a pattern cannot check.
        pattern=r"\A(?!0000)[0-9]{4}-"
        r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
        r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z\Z"
    ),
]
_SCALARS = {"string": str, "boolean": bool, "integer": _INTEGER, "number": _INTEGER | float}
_STRINGS = {"type": ["string", "null"]}


class Check(Enum):
    """How the values of a column are checked after decoding."""

    DECODED = "the decoder has checked them"
    TIMESTAMPS = "all timestamp columns of a page at once"
    NUMBERS = "all number columns of a page at once"
    INTEGERS = "all integer columns of a page at once"
    NESTED = "the column at once"
    SINGLY = "value by value"


_FORMATS = {"date-time": Check.TIMESTAMPS, "date": Check.SINGLY}


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column of the schema, in a layout.

    Attributes:
        name: Its name.
        field: Name of the struct's field.
        check: How its values are checked.
        type: Type of the struct's field.
        convert: Converts one value to the emitted form, or raises `TypeMismatch`.
        nested: Decodes all values of a page if each has the type of the schema; for `Check.NESTED` only.
        related: Whether it holds related resources.
    """

    name: str
    field: str
    check: Check
    type: Any
    convert: Converter
    nested: msgspec.json.Decoder[Any] | None = None
    related: bool = False

    @property
    def default(self) -> Raw | None:
        """Value of the field if a row does not have the column."""
        return NULL if self.type is Raw else None


def build_column(
    name: str,
    field: str,
    schema: Schema,
    *,
    singly: bool = False,
    retyped: bool = False,
    related: bool = False,
) -> Column:
    """Return a column for a layout.

    Args:
        name: Its name.
        field: Name for the struct's field.
        schema: Its schema.
        singly: Whether its values must be checked one by one, because an earlier page had a mismatch.
        retyped: Whether its values are converted, because the catalog sets its type.
        related: Whether it holds related resources, which may be enveloped or stand elsewhere in the page.
    """
    types = schema.get("type")
    names = [one for one in ([types] if isinstance(types, str) else types or []) if one != "null"]
    convert = converting(schema) if retyped else converter_for(schema)
    if singly or len(names) != 1:
        return Column(name, field, Check.SINGLY, Raw, convert, related=related)
    (kind,) = names
    if kind == "array" and schema.get("items") == _STRINGS and not (related or retyped):
        return Column(name, field, Check.DECODED, list[str | None] | None, convert)
    if retyped or kind in ("array", "object"):
        value = _type({**schema, "type": kind}, related=related)
        values: Any = list[value | None]  # type: ignore[valid-type]  # built at run time
        nested: msgspec.json.Decoder[Any] = msgspec.json.Decoder(values)
        return Column(name, field, Check.NESTED, Raw, convert, nested, related)
    if kind in ("integer", "number"):
        return Column(name, field, Check.INTEGERS if kind == "integer" else Check.NUMBERS, Raw, convert)
    check = _FORMATS.get(schema.get("format", ""), Check.DECODED) if kind == "string" else Check.DECODED
    return Column(name, field, check, _SCALARS[kind] | None, convert)


def _type(schema: Schema, *, related: bool = False) -> Any:  # noqa: ANN401 - a type for msgspec
    """Return the msgspec type of values that need no conversion."""
    types = schema.get("type")
    if types is None:
        return Raw
    names = [types] if isinstance(types, str) else list(types)
    kinds = [name for name in names if name != "null"]
    if len(kinds) != 1:
        return NEVER
    if kinds == ["array"]:
        found: Any = list[_type(schema.get("items") or {}, related=related)]  # type: ignore[misc]  # as above
    elif kinds == ["object"]:
        members = {name: _type(member) for name, member in schema.get("properties", {}).items()}
        if related:
            members["attributes"] = NEVER
        found = _struct("Member", ((f"f{i}", name, type_) for i, (name, type_) in enumerate(members.items())))
    elif kinds == ["string"] and "format" in schema:
        found = _TIMESTAMP if schema["format"] == "date-time" else NEVER
    else:
        found = _SCALARS[kinds[0]]
    return found | None if "null" in names else found


def _struct(
    title: str,
    fields: Iterable[tuple[str, str, Any]],
    *,
    defaults: Mapping[str, Any] | None = None,
    forbid_unknown_fields: bool = False,
) -> type[msgspec.Struct]:
    """Return a struct type.

    Args:
        title: Its name.
        fields: Name, JSON key and type of each field.
        defaults: Default of each field that has one; all others are `UNSET` by default.
        forbid_unknown_fields: Whether decoding fails for a JSON object with other keys.
    """
    fields, defaults = list(fields), defaults or {}
    return defstruct(
        title,
        [(field, type_, defaults.get(field, UNSET)) for field, _, type_ in fields],
        rename={field: name for field, name, _ in fields},
        gc=False,
        forbid_unknown_fields=forbid_unknown_fields,
    )


@dataclass(frozen=True)
class Layout:
    """How the pages of a stream are decoded.

    Attributes:
        columns: The selected columns, without the tap's own.
        own: The selected columns of the tap's own.
        unknown_attributes: Attributes without a column, by struct field.
        unknown_members: Members beside `attributes` without a column, by struct field.
        envelope: Members of a response beside the documented ones, by struct field.
        known: Names of all columns of the schema.
        key: The replication key.
        parent_column: Column that holds the parent's id.
        protected: Columns whose original values must not reach the target.
    """

    columns: tuple[Column, ...]
    own: frozenset[str]
    unknown_attributes: Mapping[str, str]
    unknown_members: Mapping[str, str]
    known: frozenset[str]
    key: str
    parent_column: str = ""
    protected: frozenset[str] = frozenset()
    envelope: Mapping[str, str] = field(default_factory=dict)

    def column(self, name: str) -> Column:
        """Return the column of a name."""
        return next(one for one in self.columns if one.name == name)

    def checked_by(self, check: Check) -> list[Column]:
        """Return the columns whose values are checked in one way."""
        return self._by_check[check]

    @cached_property
    def decoded(self) -> Mapping[str, str]:
        """The fields of the columns whose values the decoder leaves as the API sent them, by column."""
        return {one.name: one.field for one in self.columns if one.check is Check.DECODED}

    @cached_property
    def _by_check(self) -> dict[Check, list[Column]]:
        return {check: [one for one in self.columns if one.check is check] for check in Check}

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[Any]:
        """Decoder of a response body; it fails if the body has anything that the layout does not have."""
        anything = Raw | UnsetType
        record = _struct(
            "Record",
            [
                ("shop", "shop", NEVER),
                ("id", "id", NEVER),
                *((one.field, one.name, one.type) for one in self.columns),
                *((field, name, anything) for field, name in self.unknown_attributes.items()),
                ("relationships", "relationships", NEVER),
                ("extra", "extra", NEVER),
            ],
            defaults={one.field: one.default for one in self.columns} | dict.fromkeys({"extra"} & self.own),
            forbid_unknown_fields="extra" in self.own,
        )
        row = defstruct(
            "Row",
            [
                ("id", Annotated[str, Meta(min_length=1)]),
                ("attributes", record),
                ("relationships", dict[str, Raw] | None, None),
                ("type", Raw, NULL),
                *((field, anything, UNSET) for field in self.unknown_members),
            ],
            rename=dict(self.unknown_members),
            forbid_unknown_fields=True,
            gc=False,
        )
        rows: Any = list[row]  # type: ignore[valid-type]  # built at run time
        others = [(name, anything, UNSET) for name in ("included", "error", "errors", *self.envelope)]
        body = defstruct(
            "Body",
            [("data", rows), ("pagination", Raw, NULL), *others],
            rename=dict(self.envelope),
            forbid_unknown_fields=True,
        )
        return msgspec.json.Decoder(body)
