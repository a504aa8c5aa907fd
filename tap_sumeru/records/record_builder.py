"""From a row of the API to a record of the stream: flat, typed, and with nothing lost."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from sumeru_api import timestamps
from tap_sumeru.catalog.stream_schemas import OWN_COLUMNS, Schema
from tap_sumeru.records.type_checks import TypeMismatch, checker

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sumeru_api.responses import Page, Row
    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.records.adaptive_decoder import AdaptiveDecoder

_ENVELOPE = frozenset({"id", "type", "attributes", "relationships"})
_canonical = msgspec.json.Encoder(order="deterministic", decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Shaped:
    """A record, and what the reading of the stream needs to know about its row.

    Attributes:
        record: The record, with every selected column.
        instant: Its replication key, or None if it has none that can be read.
        attributes: The row's attributes as the API gave them.
    """

    record: Row
    instant: datetime | None
    attributes: Row


class RecordBuilder:
    """Shapes the rows of one stream.

    Args:
        spec: The stream.
        properties: The properties of its schema.
        selected: The columns that are wanted; of no other column is anything kept.
        key: Replication key.
        include: Related resources that were asked for.
        guarded: Columns of which a part is not wanted, or that a stream map changes: a value of theirs that
            does not fit must not slip out by way of `extra`.
        layouts: Decode pages that need no shaping, if there may be any.
    """

    def __init__(
        self,
        spec: StreamSpec,
        properties: Mapping[str, Schema],
        selected: Iterable[str],
        key: str,
        include: tuple[str, ...] = (),
        *,
        guarded: frozenset[str] = frozenset(),
        layouts: AdaptiveDecoder | None = None,
    ) -> None:
        self._spec = spec
        self.key = key
        self.by_day = properties.get(key, {}).get("format") == "date"
        """Whether the replication key is a date, so that a row belongs to a day, not to an instant."""
        self.layouts = layouts
        self._include = include
        self._guarded = guarded
        self._known = frozenset(properties)
        wanted = frozenset(selected)
        self._columns = [name for name in properties if name in wanted]
        self._checks = [
            (name, checker(properties[name])) for name in self._columns if name not in OWN_COLUMNS
        ]
        self._keeps_extra = "extra" in wanted
        self.drift: Counter[str] = Counter()
        """How many values of each column did not have its type."""

    def shape(self, row: Row, shop: str, page: Page, parent: str | None = None) -> Shaped:
        """Return the record of a row.

        Args:
            row: The row as the API gave it, enveloped or flat.
            shop: Name of the shop.
            page: The page that it came on, for the included resources.
            parent: Id of the parent whose child it is.
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
                self.drift[name] += 1
                if name not in self._guarded:
                    extra[name] = value
        extra.update({name: value for name, value in attributes.items() if name not in self._known})
        own = {
            "shop": shop,
            "id": self._identify(row, attributes, extra),
            "relationships": relationships,
            "extra": extra if extra and self._keeps_extra else None,
        }
        record.update({name: value for name, value in own.items() if name in record})
        return Shaped(record, self._instant(attributes), attributes)

    def peek(self, row: Row, page: Page, parent: str | None = None) -> tuple[datetime | None, Row]:
        """Return the replication key and the attributes of a row that is looked at, not written."""
        attributes, _ = self._open(row, page, parent)
        return self._instant(attributes), attributes

    def _open(self, row: Row, page: Page, parent: str | None) -> tuple[Row, Row]:
        """Return the row's attributes, and what cannot have a column of its own name."""
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

    def _instant(self, attributes: Row) -> datetime | None:
        value = attributes.get(self.key)
        return timestamps.parse(value) if isinstance(value, str) else None


def _same_id(one: object, other: object) -> bool:
    return other is not None and str(one) == str(other)


def _related(name: str, attributes: Row, row: Row, page: Page) -> object | None:
    """Return the related resources of a name, wherever they stand, each of them flat; None if nowhere."""
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
