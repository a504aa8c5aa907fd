"""Envelopes: the rows, the included resources and the next cursor in a decoded response."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sumeru_api.errors import UnexpectedResponse
from sumeru_api.pagination import next_cursor

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = dict[str, Any]


@dataclass(slots=True)
class Page:
    """The rows of one answer.

    Attributes:
        rows: The rows as the API gave them.
        included: Related resources from the top-level `included`, by type and id.
        next_cursor: Cursor of the next page, or None on the last.
    """

    rows: list[Row]
    included: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    next_cursor: str | None = None


def read_page(answer: object) -> Page:
    """Return the page in a decoded answer.

    Raises:
        UnexpectedResponse: It has no `data`, a row is no object, or paging contradicts itself.
    """
    if not isinstance(answer, dict) or "data" not in answer:
        raise UnexpectedResponse("the answer has no data")
    data, pagination = answer["data"], answer.get("pagination")
    if data is None and isinstance(pagination, dict) and pagination.get("has_next") is False:
        data = []  # no row, and said so twice
    rows = data if isinstance(data, list) else [data]
    if not all(isinstance(row, dict) for row in rows):
        raise UnexpectedResponse("a row is no object")
    return Page(rows, _included(answer.get("included")), next_cursor(pagination))


def read_resource(answer: object) -> Row:
    """Return the resource in the decoded answer of an endpoint that gives one.

    Raises:
        UnexpectedResponse: There is none.
    """
    page = read_page(answer)
    if len(page.rows) != 1:
        raise UnexpectedResponse("the answer does not hold one resource")
    return page.rows[0]


def row_id(row: Row) -> str | None:
    """Return the id that the API gives a row, as text; None if it gives none."""
    attributes = row.get("attributes")
    inside = attributes.get("id") if isinstance(attributes, dict) else None
    given = row.get("id") if row.get("id") not in (None, "") else inside
    return (
        str(given) if isinstance(given, (str, int)) and not isinstance(given, bool) and given != "" else None
    )


def _included(resources: object) -> dict[tuple[str, str], Row]:
    found = {}
    for resource in resources if isinstance(resources, list) else ():
        if isinstance(resource, dict) and "id" in resource:
            found[str(resource.get("type", "")), str(resource["id"])] = resource
    return found
