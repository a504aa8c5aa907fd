"""Render rows as JSON response bodies, with the row faults and shapes that the switches set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sumeru_sandbox.faults import row_faults
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
    """Renders the response bodies of one query."""

    def __init__(self, store: Store, listing: Listing, query: Query, switches: Switches) -> None:
        self._store = store
        self._listing = listing
        self._query = query
        self._switches = switches
        self._included: list[Row] = []
        self._pretty = False

    def single(self, index: int, row: Row) -> bytes:
        """Render one resource."""
        return self._body({"data": self._resource(index, row)})

    def many(self, rows: list[tuple[int, Row]], errors: list[Row]) -> bytes:
        """Render a list of resources without pagination, and the errors of those that were refused."""
        data = {"data": [self._resource(index, row) for index, row in rows]}
        return self._body(data | ({"errors": errors} if errors else {}))

    def page(self, page: Page) -> bytes:
        """Render a page of a list."""
        query, switches = self._query, self._switches
        data = [self._resource(index, row) for index, row in page.rows]
        body: Row = {} if switches.data_missing else {"data": data}
        if switches.pagination == "present":
            next_cursor = page.next.text() if page.next else None
            if switches.cursor_repeats and query.cursor and page.next:
                next_cursor = query.cursor.text()
            if switches.cursor_missing:
                next_cursor = None
            body["pagination"] = {"next_cursor": next_cursor, "has_next": page.next is not None}
        return self._body(body)

    def _body(self, body: Row) -> bytes:
        if self._included:
            body["included"] = self._included
        text = encode(body)
        # These bytes cannot occur inside a string, where quotes are escaped.
        return text.replace(b'{"id":', b'{\n  "id": ') if self._pretty else text

    def _resource(self, index: int, row: Row) -> Any:  # noqa: ANN401 - faults may change its type
        query = self._query
        attributes = dict(row)
        if query.stream == "attribution":
            attributes.pop("touchpoints", None)
        if query.fields is not None:
            attributes = {name: attributes[name] for name in query.fields if name in attributes}
        row_id = self._store.row_id(query.stream, index)
        relationships = self._include(row_id, row, attributes) if query.include else {}
        flat = self._switches.shape == "flat"
        kinds = row_faults.kinds_for_row(self._switches.rows, index) if self._switches.rows else ()
        if kinds:
            row_faults.change_attributes(kinds, query.stream, attributes, flat=flat)
            self._pretty |= "newline" in kinds
        if flat:
            resource = {"id": row_id, **attributes}
        else:
            resource = {"id": row_id, "type": TYPES[query.stream][0], "attributes": attributes}
            if query.stream == "customers":
                link = {"links": {"related": f"/api/v1/customers/{row_id}/orders"}}
                relationships["orders"] = link | relationships.get("orders", {})
        if relationships:
            resource["relationships"] = relationships
        return row_faults.change_resource(kinds, index, resource) if kinds else resource

    def _include(self, row_id: str, row: Row, attributes: Row) -> Row:
        """Add included resources to the attributes or to the top-level list; return the relationships."""
        relationships: Row = {}
        for name in self._query.include:
            embedded, resources = self._related(name, row_id, row)
            if self._switches.included == "embedded":
                attributes[name] = embedded
            else:
                self._included += resources
                keys = [{"id": resource["id"], "type": resource["type"]} for resource in resources]
                relationships[name] = {"data": keys}
        return relationships

    def _related(self, name: str, row_id: str, row: Row) -> tuple[Any, list[Row]]:
        """Return related rows in both forms: as embedded, and as separate resources."""
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
        query = Query(_INCLUDED[name], ("customer_id", row_id))
        plain = Renderer(self._store, self._listing, query, _PLAIN)
        page = self._listing.page(query, _PLAIN)
        resources = [plain._resource(index, other) for index, other in page.rows]
        return resources, resources
