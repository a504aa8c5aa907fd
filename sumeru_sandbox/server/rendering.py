"""Rows as the API writes them."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import msgspec

from sumeru_sandbox.faults import row_faults as rowfaults
from sumeru_sandbox.faults.switches import Switches
from sumeru_sandbox.server.query import Query
from sumeru_sandbox.spec.endpoints import TYPES

if TYPE_CHECKING:
    from sumeru_sandbox.server.listing import Listing, Page
    from sumeru_sandbox.world.store import Store

    Row = dict[str, Any]

encode = msgspec.json.Encoder(decimal_format="number").encode
_INCLUDED = {"orders": "orders", "attributions": "attribution"}
_PLAIN = Switches(pagination="absent")


class Renderer:
    """The answers to the reads of one shop, under one query."""

    def __init__(self, store: Store, listing: Listing, query: Query, switches: Switches) -> None:
        self._store = store
        self._listing = listing
        self._query = query
        self._switches = switches
        self._included: list[Row] = []
        self._pretty = False

    def single(self, index: int, row: Row) -> bytes:
        """One resource."""
        return self._body({"data": self._resource(index, row)})

    def several(self, rows: list[tuple[int, Row]]) -> bytes:
        """Resources without pages."""
        return self._body({"data": [self._resource(index, row) for index, row in rows]})

    def page(self, page: Page) -> bytes:
        """A page of a list."""
        query, switches = self._query, self._switches
        data = [self._resource(index, row) for index, row in page.rows]
        body: Row = {} if switches.data_missing else {"data": data}
        if switches.pagination == "present":
            following = page.next.text() if page.next else None
            if switches.cursor_repeats and query.cursor and page.next:
                following = query.cursor.text()
            if switches.cursor_missing:
                following = None
            body["pagination"] = {"next_cursor": following, "has_next": page.next is not None}
        return self._body(body)

    def _body(self, body: Row) -> bytes:
        if self._included:
            body["included"] = self._included
        text = encode(body)
        # No string can hold these bytes: a quote inside one is escaped.
        return text.replace(b'{"id":', b'{\n  "id": ') if self._pretty else text

    def _resource(self, index: int, row: Row) -> Any:  # noqa: ANN401 - spoilt, perhaps
        query = self._query
        attributes = dict(row)
        if query.stream == "attribution":
            attributes.pop("touchpoints", None)
        if query.fields is not None:
            attributes = {name: attributes[name] for name in query.fields if name in attributes}
        ident = self._store.ident(query.stream, index)
        relationships = self._include(ident, row, attributes) if query.include else {}
        flat = self._switches.shape == "flat"
        kinds = rowfaults.met(self._switches.rows, index) if self._switches.rows else ()
        if kinds:
            rowfaults.spoil_attributes(kinds, query.stream, attributes, flat=flat)
            self._pretty |= "newline" in kinds
        if flat:
            resource = {"id": ident, **attributes}
        else:
            resource = {"id": ident, "type": TYPES[query.stream][0], "attributes": attributes}
            if query.stream == "customers":
                link = {"links": {"related": f"/api/v1/customers/{ident}/orders"}}
                relationships["orders"] = link | relationships.get("orders", {})
        if relationships:
            resource["relationships"] = relationships
        return rowfaults.spoil_resource(kinds, index, resource) if kinds else resource

    def _include(self, ident: str, row: Row, attributes: Row) -> Row:
        """Put what `include` asks for into the attributes, or beside the data."""
        relationships: Row = {}
        for name in self._query.include:
            embedded, resources = self._related(name, ident, row)
            if self._switches.included == "embedded":
                attributes[name] = embedded
            else:
                self._included += resources
                keys = [{"id": resource["id"], "type": resource["type"]} for resource in resources]
                relationships[name] = {"data": keys}
        return relationships

    def _related(self, name: str, ident: str, row: Row) -> tuple[Any, list[Row]]:
        """Related rows, as they are embedded and as resources of their own."""
        if name == "touchpoints":
            touches = row["touchpoints"]
            return touches, [
                {
                    "id": touch["id"],
                    "type": "touchpoint",
                    "attributes": {field: value for field, value in touch.items() if field != "id"},
                }
                for touch in touches or ()
            ]
        query = Query(_INCLUDED[name], ("customer_id", ident))
        plain = Renderer(self._store, self._listing, query, _PLAIN)
        page = self._listing.page(query, _PLAIN)
        resources = [plain._resource(index, other) for index, other in page.rows]
        return resources, resources


class PageCache:
    """Keeps rendered bodies, up to a number of bytes; those not used for longest go first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._room = size
        self._bodies: OrderedDict[object, bytes] = OrderedDict()

    def get(self, key: object) -> bytes | None:
        """A body that was kept."""
        body = self._bodies.get(key)
        if body is not None:
            self._bodies.move_to_end(key)
        return body

    def put(self, key: object, body: bytes) -> None:
        """Keep a body."""
        self._bodies[key] = body
        self._room -= len(body)
        while self._room < 0:
            self._room += len(self._bodies.popitem(last=False)[1])

    def clear(self) -> None:
        """Drop everything."""
        self._bodies.clear()
        self._room = self._size
