"""Reference path to records: builds them row by row and handles any row. A record is flat and typed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from sumeru_api import timestamps
from tap_sumeru.catalog.stream_schemas import OWN_COLUMNS
from tap_sumeru.records.conversions import converting
from tap_sumeru.records.type_checks import TypeMismatch, converter_for

if TYPE_CHECKING:
    from collections import Counter
    from datetime import datetime

    from sumeru_api.responses import Page, Row
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
    """

    record: Row
    timestamp: datetime | None
    attributes: Row


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
        self, row: Row, shop: str, page: Page, parent: str | None, mismatches: Counter[str]
    ) -> BuiltRecord:
        """Return the record of a row.

        Args:
            row: The row as the API sent it, enveloped or flat.
            shop: Name of the shop.
            page: The page of the row, for its included resources.
            parent: Id of the parent row, for a child stream.
            mismatches: Counts, by column, the values that do not have the column's type.
        """
        attributes, extra = self._flatten_row(row, page, parent)
        relationships = row.get("relationships")
        if relationships is not None and not isinstance(relationships, dict):
            extra["relationships"], relationships = relationships, None
        record: Row = dict.fromkeys(self._columns)
        for name, convert in self._converters:
            value = attributes.get(name)
            if value is None:
                continue
            try:
                record[name] = convert(value)
            except TypeMismatch:
                mismatches[name] += 1
                extra[name] = value
        extra.update({name: value for name, value in attributes.items() if name not in self._known})
        row_id = self._identify(row, attributes, extra)
        for name in self._protected & extra.keys():
            del extra[name]
        own = {
            "shop": shop,
            "id": row_id,
            "relationships": relationships,
            "extra": extra if extra and self._keeps_extra else None,
        }
        record.update({name: value for name, value in own.items() if name in record})
        return BuiltRecord(record, self._timestamp(attributes), attributes)

    def peek(self, row: Row, page: Page, parent: str | None = None) -> tuple[datetime | None, Row]:
        """Return the replication key and the attributes of a row, without building its record."""
        attributes, _ = self._flatten_row(row, page, parent)
        return self._timestamp(attributes), attributes

    def _flatten_row(self, row: Row, page: Page, parent: str | None) -> tuple[Row, Row]:
        """Return the attributes of a row, and apart from them those named like a column of the tap's own."""
        enveloped = isinstance(row.get("attributes"), dict)
        if enveloped:
            attributes = dict(row["attributes"])
            beside = {name: value for name, value in row.items() if name not in _ENVELOPE}
        else:
            attributes = {name: value for name, value in row.items() if name not in ("id", "relationships")}
            beside = {}
            if attributes.get("type") == self._spec.resource:
                del attributes["type"]
        attributes.update({name: value for name, value in beside.items() if name not in attributes})
        for name in self._include:
            related = _related(name, attributes, row, page)
            if related is not None:
                attributes[name] = related
        extra = {name: attributes.pop(name) for name in OWN_COLUMNS if name in attributes}
        if "id" in extra and _same_id(extra["id"], row.get("id")):
            del extra["id"]
        if parent is not None:
            column = self._spec.parent_column
            if attributes.get(column) not in (parent, None):
                extra[column] = attributes[column]
            attributes[column] = parent
        return attributes, extra

    def _identify(self, row: Row, attributes: Row, extra: Row) -> str:
        row_id = row.get("id")
        if isinstance(row_id, str) and row_id:
            return row_id
        if isinstance(row_id, (int, Decimal, msgspec.Raw)) and not isinstance(row_id, bool):
            return canonical(row_id).decode()
        if row_id is None and isinstance(extra.get("id"), str) and extra["id"]:
            return str(extra.pop("id"))
        if row_id not in (None, ""):
            extra.setdefault("id", row_id)
        natural = [attributes.get(name) for name in self._spec.natural_key]
        if natural and all(isinstance(part, (str, int)) and part != "" for part in natural):
            key = ":".join(str(part) for part in natural)
            masked = self._protected & set(self._spec.natural_key)
            return _hash(key.encode()) if masked else key
        return _hash(canonical(row))

    def _timestamp(self, attributes: Row) -> datetime | None:
        value = attributes.get(self.key)
        return timestamps.parse(value) if isinstance(value, str) else None


def _hash(content: bytes) -> str:
    return "hash_" + hashlib.sha256(content).hexdigest()[:32]


def _same_id(one: object, other: object) -> bool:
    return other is not None and str(one) == str(other)


def _related(name: str, attributes: Row, row: Row, page: Page) -> object | None:
    """Return related resources, flat, from the attributes, the relationships or the included resources."""
    if attributes.get(name) is not None:
        return _flatten(attributes[name])
    relationships = row.get("relationships")
    relation = relationships.get(name) if isinstance(relationships, dict) else None
    references = relation.get("data") if isinstance(relation, dict) else None
    if isinstance(references, dict):
        references = [references]
    if not isinstance(references, list):
        return None
    found = [_resolve(reference, page) for reference in references if isinstance(reference, dict)]
    return [_flatten(resource) for resource in found if resource is not None]


def _resolve(reference: Row, page: Page) -> Row | None:
    if "attributes" in reference:
        return reference
    return page.included.get((str(reference.get("type", "")), str(reference.get("id"))))


def _flatten(resource: object) -> object:
    if isinstance(resource, list):
        return [_flatten(item) for item in resource]
    if isinstance(resource, dict) and isinstance(resource.get("attributes"), dict):
        beside = {name: value for name, value in resource.items() if name not in ("type", "attributes")}
        return {**beside, **resource["attributes"]}
    return resource
