"""How the pages of one stream are decoded in C: into records that need no more than a look at their columns.

A layout knows the columns that are wanted, and what else a stream is known to send. A page that holds
anything beyond that does not fit it, and is read by `records` instead, which handles whatever may come.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType, defstruct

from tap_sumeru.records.type_checks import LARGEST_INTEGER, Check, checker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_sumeru.catalog.stream_schemas import Schema

NULL = Raw(b"null")
NEVER = Annotated[str, Meta(min_length=1, max_length=0)]
"""The type that no value has."""

_INTEGER = Annotated[int, Meta(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]
_TIMESTAMP = Annotated[
    str,
    Meta(
        # As `instants.normalise` leaves it. February 29th needs a calendar: whoever has one may look closer.
        pattern=r"\A(?!0000)[0-9]{4}-"
        r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
        r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z\Z"
    ),
]
_SCALARS = {"string": str, "boolean": bool, "integer": _INTEGER, "number": _INTEGER | float}
_TEXTS = {"type": ["string", "null"]}


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column of the schema, in a layout.

    Attributes:
        name: Its name.
        field: Name of the struct's field.
        kind: How its values are looked at: `time`, `number`, `integer`, `nested`, `each` one by one, or not
            at all, since decoding has done so.
        type: Type of the struct's field.
        check: Brings one value to its form, or raises `TypeMismatch`.
        nested: Decodes all values of a page, if each has the type that the schema allows.
        related: Whether it holds related resources.
    """

    name: str
    field: str
    kind: str
    type: Any
    check: Check
    nested: msgspec.json.Decoder[Any] | None = None
    related: bool = False

    @property
    def absent(self) -> Raw | None:
        """What a row has that does not have the column."""
        return NULL if self.type is Raw else None


def column(name: str, field: str, schema: Schema, *, wary: bool = False, related: bool = False) -> Column:
    """Return how a column is decoded.

    Args:
        name: Its name.
        field: Name for the struct's field.
        schema: Its schema.
        wary: Whether values of another type are to be expected.
        related: Whether it holds related resources, which may stand elsewhere or in an envelope of their own.
    """
    types = schema.get("type")
    names = [one for one in ([types] if isinstance(types, str) else types or []) if one != "null"]
    check = checker(schema)
    kind = names[0] if len(names) == 1 else ""
    if wary or not kind:
        return Column(name, field, "each", Raw, check, related=related)
    if kind in ("array", "object") and not (
        kind == "array" and schema.get("items") == _TEXTS and not related
    ):
        value = _type({**schema, "type": kind}, related=related)
        values: Any = list[value | None]  # type: ignore[valid-type]  # made at run time
        fit: msgspec.json.Decoder[Any] = msgspec.json.Decoder(values)
        return Column(name, field, "nested", Raw, check, fit, related)
    if kind in ("integer", "number"):
        return Column(name, field, kind, Raw, check)
    form = schema.get("format")
    looked_at = {"date-time": "time", "date": "each"}.get(form or "", "") if kind == "string" else ""
    decoded = {"string": str, "boolean": bool, "array": list[str | None]}[kind]
    return Column(name, field, looked_at, decoded | None, check)


def _type(schema: Schema, *, related: bool = False) -> Any:  # noqa: ANN401 - a type for msgspec
    """Return the type of values that `values.checker` would leave as they are."""
    types = schema.get("type")
    if types is None:
        return Raw
    names = [types] if isinstance(types, str) else list(types)
    kinds = [name for name in names if name != "null"]
    if len(kinds) != 1:
        return NEVER
    if kinds == ["array"]:
        found: Any = list[_type(schema.get("items") or {}, related=related)]  # type: ignore[misc]  # likewise
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
    """Return a struct of fields, each with its name, its name in JSON and its type."""
    given = list(fields)
    defaults = defaults or {}
    return defstruct(
        title,
        [(field, type_, defaults.get(field, UNSET)) for field, _, type_ in given],
        rename={field: name for field, name, _ in given},
        gc=False,
        forbid_unknown_fields=forbid_unknown_fields,
    )


@dataclass(frozen=True)
class Layout:
    """How pages are decoded, as far as it is known what they hold.

    Attributes:
        columns: The columns that are wanted, the tap's own left out.
        own: Those of the tap's own that are wanted.
        others: Further attributes that rows have, by their field.
        beside: Members that rows have beside their attributes, by their field.
        known: All columns of the schema.
        key: The replication key.
        parent_column: Column that holds the parent's id.
    """

    columns: tuple[Column, ...]
    own: frozenset[str]
    others: Mapping[str, str]
    beside: Mapping[str, str]
    known: frozenset[str]
    key: str
    parent_column: str = ""

    def column(self, name: str) -> Column:
        """Return the column of a name."""
        return next(one for one in self.columns if one.name == name)

    def of_kind(self, kind: str) -> list[Column]:
        """Return the columns whose values are looked at in one way."""
        return self._kinds.get(kind, [])

    @cached_property
    def _kinds(self) -> dict[str, list[Column]]:
        found: dict[str, list[Column]] = {}
        for one in self.columns:
            found.setdefault(one.kind, []).append(one)
        return found

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[Any]:
        """Decodes an answer that holds nothing unexpected; everything else it refuses."""
        loose = Raw | UnsetType
        record = _struct(
            "Record",
            [
                ("shop", "shop", NEVER),
                ("id", "id", NEVER),
                *((one.field, one.name, one.type) for one in self.columns),
                *((field, name, loose) for field, name in self.others.items()),
                ("relationships", "relationships", NEVER),
                ("extra", "extra", NEVER),
            ],
            defaults={one.field: one.absent for one in self.columns} | dict.fromkeys({"extra"} & self.own),
            forbid_unknown_fields="extra" in self.own,
        )
        row = defstruct(
            "Row",
            [
                ("id", Annotated[str, Meta(min_length=1)]),
                ("attributes", record),
                ("relationships", dict[str, Raw] | None, None),
                ("type", Raw, NULL),
                *((field, loose, UNSET) for field in self.beside),
            ],
            rename=dict(self.beside),
            forbid_unknown_fields=True,
            gc=False,
        )
        rows: Any = list[row]  # type: ignore[valid-type]  # made at run time
        answer = defstruct("Answer", [("data", rows), ("pagination", Raw, NULL), ("included", loose, UNSET)])
        return msgspec.json.Decoder(answer)
