"""Responses of the API: the envelope of a list, of one resource, and of an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from sumeru_api.errors import UnexpectedResponse
from sumeru_api.json_values import UndecodableError, decode
from sumeru_api.pagination import next_cursor
from sumeru_api.timestamps import http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = dict[str, Any]

_SUCCESS = range(200, 300)
_ERROR_FIELDS = ("code", "message", "request_id")


@dataclass(slots=True)
class Response:
    """One response, complete and decompressed.

    Attributes:
        status: HTTP status.
        headers: Headers; names are case-insensitive.
        body: The body.
        elapsed: Seconds from sending the request to the headers of the response.
        sent: Values that the request held and that must not be shown, in case the response quotes them.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float
    sent: tuple[str, ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return self.status in _SUCCESS

    @property
    def requested_at(self) -> datetime:
        """When the request was sent: by the server's clock, or by ours if the response has no date."""
        now = http_date(self.headers.get("Date")) or datetime.now(UTC).replace(microsecond=0)
        return now - timedelta(seconds=ceil(self.elapsed))

    def error_envelope(self) -> tuple[str, str, str]:
        """Return the code, the message and the request id of an error, each empty if it is missing."""
        try:
            error = decode(self.body)["error"]
            code, message, request_id = (str(error.get(name) or "") for name in _ERROR_FIELDS)
        except (UndecodableError, AttributeError, KeyError, TypeError):
            return "", "", ""
        return code, message, request_id


@dataclass(slots=True)
class Page:
    """The rows of one response.

    Attributes:
        rows: The rows as the API sent them.
        included: Related resources from the top-level `included`, by type and id.
        next_cursor: Cursor of the next page, None on the last page.
    """

    rows: list[Row]
    included: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    next_cursor: str | None = None


def read_page(content: object) -> Page:
    """Return the page in a decoded response.

    Raises:
        UnexpectedResponse: It has no `data`, a row is not an object, or `pagination` contradicts itself.
    """
    if not isinstance(content, dict) or "data" not in content:
        raise UnexpectedResponse("the response has no `data`")
    data, pagination = content["data"], content.get("pagination")
    if data is None and isinstance(pagination, dict) and pagination.get("has_next") is False:
        data = []  # no rows, and no further page either
    rows = data if isinstance(data, list) else [data]
    if not all(isinstance(row, dict) for row in rows):
        raise UnexpectedResponse("a row is not an object")
    return Page(rows, _included(content.get("included")), next_cursor(pagination))


def read_resource(content: object) -> Row:
    """Return the resource in the decoded response of a detail endpoint.

    Raises:
        UnexpectedResponse: The response does not hold exactly one.
    """
    page = read_page(content)
    if len(page.rows) != 1:
        raise UnexpectedResponse("the response does not hold exactly one resource")
    return page.rows[0]


def row_id(row: Row) -> str | None:
    """Return the id that the API gives a row, as text; None if it gives none."""
    attributes = row.get("attributes")
    inside = attributes.get("id") if isinstance(attributes, dict) else None
    given = row.get("id") if row.get("id") not in (None, "") else inside
    is_id = isinstance(given, (str, int)) and not isinstance(given, bool) and given != ""
    return str(given) if is_id else None


def _included(resources: object) -> dict[tuple[str, str], Row]:
    found = {}
    for resource in resources if isinstance(resources, list) else ():
        if isinstance(resource, dict) and "id" in resource:
            found[str(resource.get("type", "")), str(resource["id"])] = resource
    return found
