"""Reference path from a row of the API to a record: flat, typed, and with nothing lost."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from sumeru_api import timestamps
from tap_sumeru.catalog.stream_schemas import OWN_COLUMNS, Schema
from tap_sumeru.records.type_checks import TypeMismatch, checker

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sumeru_api.responses import Page, Row
    from tap_sumeru.catalog.streams import StreamSpec

_ENVELOPE = frozenset({"id", "type", "attributes", "relationships"})
_canonical = msgspec.json.Encoder(order="deterministic", decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class BuiltRecord:
    """A record, and what the extraction has to know about its row.

    Attributes:
        record: The record, with every selected column.
        timestamp: Its replication key, None if it is missing or unreadable.
        attributes: The row's attributes as the API sent them.
    """

    record: Row
    timestamp: datetime | None
    attributes: Row


class RecordBuilder:
    """Builds the records of one stream, row by row and value by value. It keeps no state between rows.

    Args:
        spec: The stream.
        properties: The properties of its schema.
        selected: The selected columns; nothing is kept of any other column.
        key: Replication key.
        include: Related resources that were requested.
        protected: Columns that are partly deselected or changed by a stream map: a value of theirs that has
            the wrong type must not escape through `extra`.
    """

    def __init__(
        self,
        spec: StreamSpec,
        properties: Mapping[str, Schema],
        selected: Iterable[str],
        key: str,
        include: tuple[str, ...] = (),
        *,
        protected: frozenset[str] = frozenset(),
    ) -> None:
        self.key = key
        self._spec = spec
        self._include = include
        self._protected = protected
        self._known = frozenset(properties)
        wanted = frozenset(selected)
        self._columns = [name for name in properties if name in wanted]
        self._checks = [
            (name, checker(properties[name])) for name in self._columns if name not in OWN_COLUMNS
        ]
        self._keeps_extra = "extra" in wanted

    def build(
        self, row: Row, shop: str, page: Page, parent: str | None, mismatches: Counter[str]
    ) -> BuiltRecord:
        """Return the record of a row.

        Args:
            row: The row as the API sent it, enveloped or flat.
            shop: Name of the shop.
            page: The page that holds the row, for the included resources.
            parent: Id of the parent whose child it is.
            mismatches: Counts the values of each column that do not have its type.
        """
        attributes, extra = self._open(row, page, parent)
        relationships = row.get("relationships")
        if relationships is not None and not isinstance(relationships, dict):
            extra["relationships"], relationships = relationships, None
        record: Row = dict.fromkeys(self._columns)
        for name, check in self._checks:
            value = attributes.get(name)
            if value is None:
                continue
            try:
                record[name] = check(value)
            except TypeMismatch:
                mismatches[name] += 1
                if name not in self._protected:
                    extra[name] = value
        extra.update({name: value for name, value in attributes.items() if name not in self._known})
        own = {
            "shop": shop,
            "id": self._identify(row, attributes, extra),
            "relationships": relationships,
            "extra": extra if extra and self._keeps_extra else None,
        }
        record.update({name: value for name, value in own.items() if name in record})
        return BuiltRecord(record, self._timestamp(attributes), attributes)

    def peek(self, row: Row, page: Page, parent: str | None = None) -> tuple[datetime | None, Row]:
        """Return the replication key and the attributes of a row, without building its record."""
        attributes, _ = self._open(row, page, parent)
        return self._timestamp(attributes), attributes

    def _open(self, row: Row, page: Page, parent: str | None) -> tuple[Row, Row]:
        """Return the row's attributes, and those whose name is taken by a column of the tap's own."""
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
        given = row.get("id")
        if isinstance(given, str) and given:
            return given
        if isinstance(given, (int, Decimal, msgspec.Raw)) and not isinstance(given, bool):
            return _canonical(given).decode()
        if given is None and isinstance(extra.get("id"), str) and extra["id"]:
            return str(extra.pop("id"))
        if given not in (None, ""):
            extra.setdefault("id", given)
        natural = [attributes.get(name) for name in self._spec.natural_key]
        if natural and all(isinstance(part, (str, int)) and part != "" for part in natural):
            return ":".join(str(part) for part in natural)
        return "hash_" + hashlib.sha256(_canonical(row)).hexdigest()[:32]

    def _timestamp(self, attributes: Row) -> datetime | None:
        value = attributes.get(self.key)
        return timestamps.parse(value) if isinstance(value, str) else None


def _same_id(one: object, other: object) -> bool:
    return other is not None and str(one) == str(other)


def _related(name: str, attributes: Row, row: Row, page: Page) -> object | None:
    """Return the related resources of a name, each of them flat, wherever the response has them."""
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
