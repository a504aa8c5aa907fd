"""Converts a schema of an OpenAPI document to that of a column: one type, and what all targets support."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from tap_sumeru.catalog.column_types import KINDS, personal_mark
from tap_sumeru.catalog.learned_columns import is_safe, suggests_person

if TYPE_CHECKING:
    from tap_sumeru.catalog.stream_schemas import Schema

_FORMATS = ("date-time", "date")
"""Formats that make a difference to a target; all others are dropped."""
_PERSONAL_FORMATS = ("email", "idn-email", "phone", "ipv4", "ipv6")
_RESOURCE = frozenset({"id", "attributes"})
"""Members of a related resource; the tap flattens it, so that these members are not those of its values."""
_MAX_STEPS = 1000
"""Schemas that one column may consist of; a column of more has no members."""
_MAX_DESCRIPTION = 1000
"""Characters; BigQuery allows 1,024."""


class _TooLarge(Exception):
    """A column consists of too many schemas."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One level of a schema, with its references, `allOf`, `anyOf` and `oneOf` resolved.

    Attributes:
        kinds: Types without `null`; None if any is allowed.
        format: Format of a string, empty if none.
        members: Schemas of an object's members, not resolved; None if they are not declared.
        items: Schema of the items of an array, not resolved; None if it is not declared.
        description: Description, empty if none.
        personal: Whether the format is that of personal data, such as an e-mail address.
        refs: References that lead here, by which a cycle is found.
    """

    kinds: frozenset[str] | None = None
    format: str = ""
    members: Mapping[str, Any] | None = None
    items: object = None
    description: str = ""
    personal: bool = False
    refs: frozenset[str] = field(default_factory=frozenset)

    @property
    def kind(self) -> str | None:
        """The only type, None if there are several or none."""
        return next(iter(self.kinds)) if self.kinds is not None and len(self.kinds) == 1 else None


class OpenApiTypes:
    """The schemas of an OpenAPI document, of version 3.0 or 3.1.

    Args:
        document: The document.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        resource = DRAFT202012.create_resource(document)
        registry: Registry[Any] = Registry()
        self._resolver = registry.with_resource("", resource).resolver()
        self._steps = 0

    def lookup(self, reference: object) -> object:
        """Return what a reference within the document leads to, None if it leads nowhere."""
        try:
            return self._resolver.lookup(reference).contents if isinstance(reference, str) else None
        except (Unresolvable, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None

    def shape(self, schema: object, refs: frozenset[str] = frozenset()) -> Shape:
        """Return one level of a schema; a shape of any type if it is too large.

        Args:
            schema: The schema.
            refs: References that lead to it.
        """
        self._steps = 0
        try:
            return self._shape(schema, refs)
        except (_TooLarge, RecursionError):
            return Shape()

    def column(self, schema: object, refs: frozenset[str] = frozenset()) -> Schema | None:
        """Return the schema of a column, None if the document does not give it one type.

        An object whose members cannot all be declared is an open one, so that no target drops any of them.

        Args:
            schema: The schema.
            refs: References that lead to it.
        """
        shape = self.shape(schema, refs)
        self._steps = 0
        try:
            return self._column(schema, refs)
        except (_TooLarge, RecursionError):
            return {**_plain(shape), "x-pii": "suspected"} if shape.kind in KINDS else None

    def _column(self, schema: object, refs: frozenset[str]) -> Schema | None:
        shape = self._shape(schema, refs)
        if shape.kind not in KINDS:
            return None
        if shape.kind == "object":
            return self._object(shape)
        items = self._column(shape.items, shape.refs) if shape.kind == "array" else None
        return {**_plain(shape), "items": items} if items else _plain(shape)

    def _object(self, shape: Shape) -> Schema:
        """Return the schema of an object: with its members, or else marked if one of them looks personal."""
        members = {name: self._column(schema, shape.refs) for name, schema in (shape.members or {}).items()}
        columns = {name: _suspected(name, column) for name, column in members.items() if column}
        open_object = _plain(shape)
        if not columns:
            return open_object
        distinct = len({name.lower() for name in columns}) == len(members)
        if distinct and all(map(is_safe, columns)) and not columns.keys() >= _RESOURCE:
            del open_object["additionalProperties"]
            return {**open_object, "properties": columns}
        personal = any(map(personal_mark, columns.values())) or any(map(suggests_person, members))
        return {**open_object, "x-pii": "suspected"} if personal else open_object

    def _shape(self, schema: object, refs: frozenset[str]) -> Shape:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise _TooLarge
        if not isinstance(schema, Mapping):
            return Shape(refs=refs)
        shape = replace(_own_shape(schema), refs=refs)
        if "$ref" in schema:
            shape = _both(shape, self._referenced(schema["$ref"], refs))
        for part in _schemas(schema, "allOf"):
            shape = _both(shape, self._shape(part, refs))
        for keyword in ("anyOf", "oneOf"):
            branches = [self._shape(part, refs) for part in _schemas(schema, keyword)]
            shape = _both(shape, reduce(_either, branches)) if branches else shape
        return shape

    def _referenced(self, reference: object, refs: frozenset[str]) -> Shape:
        target = self.lookup(reference)
        if not isinstance(reference, str) or reference not in refs:
            return self._shape(target, refs | {str(reference)})
        own = _own_shape(target) if isinstance(target, Mapping) else Shape()
        return Shape(own.kinds or frozenset({"object"}), own.format)  # a cycle ends here


def described(text: object) -> str:
    """Return a description as one line that ends in a full stop, empty if there is none."""
    line = " ".join(text.split()) if isinstance(text, str) else ""
    return line[:_MAX_DESCRIPTION].rstrip(" .") + "." if line else ""


def _suspected(name: str, column: Schema) -> Schema:
    return {**column, "x-pii": "suspected"} if suggests_person(name) else column


def _plain(shape: Shape) -> Schema:
    column: Schema = {"description": shape.description} if shape.description else {}
    column["type"] = [shape.kind, "null"]
    if shape.format and shape.kind == "string":
        column["format"] = shape.format
    if shape.kind == "object":
        column["additionalProperties"] = True
    return {**column, "x-pii": "suspected"} if shape.personal else column


def _own_shape(schema: Mapping[str, Any]) -> Shape:
    """Return what a schema says itself, without what it refers to."""
    members = schema.get("properties")
    readable = (
        {
            str(name): member
            for name, member in members.items()
            if not (isinstance(member, Mapping) and member.get("writeOnly") is True)
        }
        if isinstance(members, Mapping)
        else None
    )
    return Shape(
        kinds=_kinds(schema),
        format=schema["format"] if schema.get("format") in _FORMATS else "",
        members=readable,
        items=None if "prefixItems" in schema else schema.get("items"),
        description=described(schema.get("description")),
        personal=schema.get("format") in _PERSONAL_FORMATS,
    )


def _kinds(schema: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the types that a schema states, or else those that follow from its other keywords."""
    stated = schema.get("type")
    if isinstance(stated, str):
        return frozenset({stated} - {"null"})
    if isinstance(stated, list):
        return _folded({str(name) for name in stated if name not in ("null", None)})
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(values, list):
        return _folded({_kind(value) for value in values if value is not None})
    if "properties" in schema or isinstance(schema.get("additionalProperties"), Mapping):
        return frozenset({"object"})
    if "items" in schema or "prefixItems" in schema:
        return frozenset({"array"})
    return frozenset({"string"}) if schema.get("format") in _FORMATS else None


def _kind(value: object) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return kinds.get(type(value), "object")


def _folded(kinds: set[str] | frozenset[str]) -> frozenset[str]:
    return frozenset(kinds - {"integer"} if "number" in kinds else kinds)


def _both(one: Shape, other: Shape) -> Shape:
    """Return the shape of values that have both shapes; the first one's description counts."""
    kinds = one.kinds if other.kinds is None else other.kinds
    if one.kinds is not None and other.kinds is not None:
        wide = [kinds | {"integer"} if "number" in kinds else kinds for kinds in (one.kinds, other.kinds)]
        kinds = _folded(wide[0] & wide[1])
    return Shape(
        kinds=kinds,
        format=one.format or other.format if {one.format, other.format} != set(_FORMATS) else "",
        members=_joined(one.members, other.members, "allOf"),
        items=one.items if other.items is None else _combined(one.items, other.items, "allOf"),
        description=one.description or other.description,
        personal=one.personal or other.personal,
        refs=one.refs | other.refs,
    )


def _either(one: Shape, other: Shape) -> Shape:
    """Return the narrowest shape of values that have one of two shapes; `null` alone has no types."""
    if other.kinds == frozenset() or one.kinds == frozenset():
        rest = one if other.kinds == frozenset() else other
        return replace(rest, refs=one.refs | other.refs)
    known = one.members is not None and other.members is not None
    counted = one.items is not None and other.items is not None
    return Shape(
        kinds=None if one.kinds is None or other.kinds is None else _folded(one.kinds | other.kinds),
        format=one.format if one.format == other.format else "",
        members=_joined(one.members, other.members, "anyOf") if known else None,
        items=_combined(one.items, other.items, "anyOf") if counted else None,
        personal=one.personal or other.personal,
        refs=one.refs | other.refs,
    )


def _joined(
    one: Mapping[str, Any] | None, other: Mapping[str, Any] | None, keyword: str
) -> Mapping[str, Any] | None:
    """Return the members of two objects; a member of both gets a schema that combines the two."""
    if one is None or other is None:
        return other if one is None else one
    shared = {name: _combined(one[name], other[name], keyword) for name in one if name in other}
    return {**one, **other, **shared}


def _combined(one: object, other: object, keyword: str) -> object:
    return other if one is None or one == other else {keyword: [one, other]}


def _schemas(schema: Mapping[str, Any], keyword: str) -> list[Any]:
    parts = schema.get(keyword)
    return parts if isinstance(parts, list) else []
