"""Slow path to records (see shaping.py): builds flat, typed records from rows of any form.

A row without an id gets one from its natural key, or else from its content. Two rows that are alike in every
way then have the same id, and a row that changes gets another one: nothing tells the API's rows apart.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from sumeru_api import timestamps
from tap_sumeru.catalog.stream_schemas import OWN_COLUMNS
from tap_sumeru.records.conversions import converting
from tap_sumeru.records.extra import keep, without
from tap_sumeru.records.related import add_related
from tap_sumeru.records.type_checks import TypeMismatch, converter_for

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence
    from datetime import datetime

    from sumeru_api.included import Included
    from sumeru_api.responses import Row
    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.catalog.streams import StreamSpec

_ENVELOPE = frozenset({"id", "type", "attributes", "relationships"})
canonical = msgspec.json.Encoder(order="deterministic", decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class BuiltRecord:
    """A record, with the replication key and the attributes of its row.

    Attributes:
        record: The record, with every selected column.
        timestamp: Its replication key, None if it is missing or not a timestamp.
        attributes: The row's attributes as the API sent them.
        made_id: The id and a hash of the row's content, if the id is made from its natural key; else None.
    """

    record: Row
    timestamp: datetime | None
    attributes: Row
    made_id: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class _FlatRow:
    """What a row holds, out of its envelope.

    Attributes:
        attributes: The attributes, by name.
        own: Those that are named like a column of the tap's own.
        displaced: Names and values that stand where an attribute of the same name does not.
    """

    attributes: Row
    own: Row
    displaced: list[tuple[str, object]]


@dataclass(frozen=True, slots=True)
class RowContext:
    """What the record of a row depends on besides the row.

    Attributes:
        shop: Name of the shop.
        parent: Id of the parent row, for a child stream.
        natural_key: Whether a row without an id gets one from its natural key; if not, from its content.
        own_ids: Whether the ids of the API are used; if not, they are one part of the natural key.
    """

    shop: str
    parent: str | None = None
    natural_key: bool = True
    own_ids: bool = True


class RecordBuilder:
    """Builds the records of one stream. It keeps no state between rows.

    Args:
        spec: The stream.
        selection: What the catalog selects of it. Values of protected columns never go into `extra`.
        key: Replication key.
        include: Related resources that are requested.
    """

    def __init__(
        self, spec: StreamSpec, selection: StreamSelection, key: str, include: tuple[str, ...] = ()
    ) -> None:
        self.key = key
        self._spec = spec
        self._include = include
        self._protected = selection.protected
        properties = selection.properties
        self._known = frozenset(properties) | selection.protected
        self._columns = [name for name in properties if name in selection.columns]
        self._converters = [
            (name, (converting if name in selection.retyped else converter_for)(properties[name]))
            for name in self._columns
            if name not in OWN_COLUMNS
        ]
        self._keeps_extra = "extra" in self._columns

    def build(
        self, row: Row, context: RowContext, included: Sequence[Included], mismatches: Counter[str]
    ) -> BuiltRecord:
        """Return the record of a row.

        Args:
            row: The row as the API sent it, enveloped or flat.
            context: What else it depends on.
            included: Related resources of the responses that the row comes from.
            mismatches: Counts, by column, the values that do not have the column's type.
        """
        flat = self._flatten_row(row, included, context.parent)
        attributes = flat.attributes
        relationships = row.get("relationships")
        if relationships is not None and not isinstance(relationships, dict):
            flat.displaced.append(("relationships", relationships))
            relationships = None
        record: Row = dict.fromkeys(self._columns)
        extra: Row = {}
        for name, convert in self._converters:
            value = attributes.get(name)
            if value is None:
                continue
            try:
                record[name] = convert(value)
            except TypeMismatch:
                mismatches[name] += 1
                self._keep(extra, name, value)
        row_id, content = self._identify(row, flat, context)
        unknown = ((name, value) for name, value in attributes.items() if name not in self._known)
        for name, value in (*flat.own.items(), *unknown, *flat.displaced):
            self._keep(extra, name, value)
        own = {
            "shop": context.shop,
            "id": row_id,
            "relationships": without(relationships, self._protected),
            "extra": extra if extra and self._keeps_extra else None,
        }
        record.update({name: value for name, value in own.items() if name in record})
        made_id = None if content is None else (row_id, content)
        return BuiltRecord(record, self._timestamp(attributes), attributes, made_id)

    def may_keep(self, resource: object) -> bool:
        """Return whether a resource to which nothing links may go into `extra`.

        It may not if it has a field whose column is protected, or if the related resources are.
        """
        unchanged = without(resource, self._protected) == resource
        return unchanged and self._protected.isdisjoint(self._include)

    def peek(
        self, row: Row, included: Sequence[Included], parent: str | None = None
    ) -> tuple[datetime | None, Row]:
        """Return the replication key and the attributes of a row, without building its record."""
        attributes = self._flatten_row(row, included, parent).attributes
        return self._timestamp(attributes), attributes

    def _flatten_row(self, row: Row, included: Sequence[Included], parent: str | None) -> _FlatRow:
        """Return what a row holds, with its related resources and the id of its parent."""
        attributes, displaced = self._open_envelope(row)
        add_related(attributes, row, self._include, included)
        own = {name: attributes.pop(name) for name in OWN_COLUMNS if name in attributes}
        if "id" in own and _same_id(own["id"], row.get("id")):
            del own["id"]
        if parent is not None:
            column = self._spec.parent_column
            if attributes.get(column) not in (parent, None):
                displaced.append((column, attributes[column]))
            attributes[column] = parent
        return _FlatRow(attributes, own, displaced)

    def _open_envelope(self, row: Row) -> tuple[Row, list[tuple[str, object]]]:
        """Return the attributes of a row, and what stands beside them under the name of one of them."""
        inside = row.get("attributes")
        if not isinstance(inside, dict) or self._is_flat(row, inside):
            attributes = {name: value for name, value in row.items() if name not in ("id", "relationships")}
            if attributes.get("type") == self._spec.resource:
                del attributes["type"]
            return attributes, []
        beside = {name: value for name, value in row.items() if name not in _ENVELOPE}
        taken = [name for name in beside if name in inside]
        displaced = [(name, beside[name]) for name in taken if not _same(beside[name], inside[name])]
        return {**beside, **inside}, displaced

    def _is_flat(self, row: Row, inside: Row) -> bool:
        """Return whether `attributes` is an attribute of a row without an envelope.

        It is if more columns stand beside it than in it.
        """
        columns = self._known - OWN_COLUMNS - _ENVELOPE
        return bool(inside) and len(columns & row.keys()) > len(columns & inside.keys())

    def _identify(self, row: Row, flat: _FlatRow, context: RowContext) -> tuple[str, int | None]:
        """Return the id of a row, and a hash of its content if the id is made from its natural key."""
        row_id = row.get("id")
        if not context.own_ids:
            return self._identify_shared(row, flat, context)
        if isinstance(row_id, str) and row_id:
            return row_id, None
        if isinstance(row_id, (int, Decimal, msgspec.Raw)) and not isinstance(row_id, bool):
            return canonical(row_id).decode(), None
        if row_id in (None, "") and _is_id(flat.own.get("id")):
            return str(flat.own.pop("id")), None
        if row_id not in (None, ""):
            flat.displaced.append(("id", row_id))
        content = _content(row, context)
        names = self._spec.natural_key if context.natural_key else ()
        natural = [flat.attributes.get(name) for name in names]
        if natural and all(isinstance(part, (str, int)) and part != "" for part in natural):
            return self._made(natural), hash(content)
        return _hash(content), None

    def _identify_shared(self, row: Row, flat: _FlatRow, context: RowContext) -> tuple[str, int | None]:
        """As `_identify`, for a row that shares its id with others; it is kept in `extra`."""
        if row.get("id") is not None:
            flat.displaced.append(("id", row["id"]))
        content = _content(row, context)
        if not context.natural_key:
            return _hash(content), None
        shared = flat.own.get("id", row.get("id"))
        natural = [shared, *(flat.attributes.get(name) for name in self._spec.natural_key)]
        return self._made(["" if part is None else part for part in natural]), hash(content)

    def _keep(self, extra: Row, name: str, value: object) -> None:
        keep(extra, name, value, self._protected)

    def _made(self, natural_key: Sequence[object]) -> str:
        """Return the id that is made from a natural key; its values may have to be hidden."""
        key = ":".join(str(part) for part in natural_key)
        hidden = not self._protected.isdisjoint(self._spec.natural_key)
        return _hash(key.encode()) if hidden or any(map(_is_nested, natural_key)) else key

    def _timestamp(self, attributes: Row) -> datetime | None:
        value = attributes.get(self.key)
        return timestamps.parse(value) if isinstance(value, str) else None


def _content(row: Row, context: RowContext) -> bytes:
    return canonical(row) if context.parent is None else canonical([context.parent, row])


def _is_id(value: object) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""


def _is_nested(value: object) -> bool:
    return isinstance(value, (list, dict))


def _hash(content: bytes) -> str:
    return "hash_" + hashlib.sha256(content).hexdigest()[:32]


def _same(one: object, other: object) -> bool:
    return canonical(one) == canonical(other)


def _same_id(one: object, other: object) -> bool:
    return other is not None and str(one) == str(other)
