"""Responses of the API: the envelope of a list, of one resource, and of an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from sumeru_api.errors import UnexpectedResponse
from sumeru_api.included import Included
from sumeru_api.json_values import UndecodableError, decode_counting
from sumeru_api.pagination import next_cursor
from sumeru_api.redaction import name_only
from sumeru_api.timestamps import http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = dict[str, Any]

_SUCCESS = range(200, 300)
_NO_CONTENT = (204, 205)
_ERROR_FIELDS = ("code", "message", "request_id")
_INTERNAL_ERROR = 500
_STATUS_OF_CODE = {
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "validation_failed": 422,
    "rate_limited": 429,
}
"""HTTP status of each documented code that is not worth a plain retry; any other error is."""
_PAGING_MEMBERS = ("links", "meta", "paging", "page_info", "pageInfo")
_NEXT_NAMES = frozenset(
    {"next", "nextcursor", "nextpage", "nextpagetoken", "nexttoken", "hasnext", "hasmore", "hasnextpage"}
)


@dataclass(slots=True)
class Response:
    """One response, complete and decompressed.

    Attributes:
        status: HTTP status.
        headers: Headers; names are case-insensitive.
        body: The body, in UTF-8.
        elapsed: Seconds from sending the request to the headers of the response.
        sent: Values that the request held and that must not be shown, in case the response quotes them.
        replaced: How many characters of the body could not be decoded, and have become U+FFFD.
        in_doubt: Whether an earlier try of the same write may have been applied, although no answer said so.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float
    sent: tuple[str, ...] = field(default=(), repr=False)
    replaced: int = 0
    in_doubt: bool = False

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return self.status in _SUCCESS

    @property
    def requested_at(self) -> datetime:
        """When the request was sent: by the server's clock, or by ours if the response has no date."""
        now = http_date(self.headers.get("Date")) or datetime.now(UTC).replace(microsecond=0)
        return now - timedelta(seconds=ceil(self.elapsed))

    def content(self) -> tuple[Any, int]:
        """Return the decoded body, and how many of its characters could not be decoded.

        Raises:
            UndecodableError: The body is not JSON.
        """
        content, broken = decode_counting(self.body)
        return content, self.replaced + broken

    def error_envelope(self) -> tuple[str, str, str]:
        """Return the code, the message and the request id of an error, each empty if it is missing."""
        try:
            error = _error_in(self.content()[0])
        except UndecodableError:
            error = None
        if not isinstance(error, dict):
            return "", error if isinstance(error, str) else "", ""
        code, message, request_id = (_text(error.get(name)) for name in _ERROR_FIELDS)
        return code, message, request_id


class EmbeddedError(Exception):
    """A 2xx response says that the request failed.

    Args:
        status: The HTTP status that the error should have had.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(slots=True)
class Page:
    """The rows of one response.

    Attributes:
        rows: The rows as the API sent them.
        included: Related resources.
        next_cursor: Cursor of the next page, None on the last page.
        replaced: How many characters of the response could not be decoded.
        included_of: Related resources that came with the detail of a row, by its index.
    """

    rows: list[Row]
    included: Included = field(default_factory=Included)
    next_cursor: str | None = None
    replaced: int = 0
    included_of: dict[int, Included] = field(default_factory=dict)


def read_page(content: object, *, limit: int | None = None, bare: bool = False) -> Page:
    """Return the page in a decoded response.

    Args:
        content: The response.
        limit: How many rows were requested. Without `pagination`, only a page with fewer is the last one.
        bare: Whether `data` may be one object that does not look like a resource.

    Raises:
        EmbeddedError: The response says that the request failed.
        UnexpectedResponse: It has no usable `data`, or does not say clearly whether there are more pages.
    """
    if not isinstance(content, dict):
        raise UnexpectedResponse("the response is not an object")
    error = _error_in(content)
    if error:
        raise EmbeddedError(_status_of(error))
    if "data" not in content:
        raise UnexpectedResponse("the response has no `data`")
    data, pagination = content["data"], content.get("pagination")
    if data is None and isinstance(pagination, dict) and pagination.get("has_next") is False:
        data = []  # no rows, and no further page either
    rows = data if isinstance(data, list) else [data]
    if not all(isinstance(row, dict) for row in rows):
        raise UnexpectedResponse("a row is not an object")
    if isinstance(data, dict) and not bare and not {"id", "attributes"} & data.keys():
        raise UnexpectedResponse("`data` is an object that does not look like a resource")
    if not pagination and isinstance(data, list):
        _check_last(content, full=limit is not None and len(rows) >= limit)
    return Page(rows, Included.of(content.get("included")), next_cursor(pagination))


def check_written(response: Response) -> None:
    """Make sure that a 2xx response to a write is one; the rows in it are for the caller to check.

    Raises:
        UndecodableError: The body is not JSON, although the status promises one.
        EmbeddedError: The response says that the write failed, and holds nothing else.
    """
    if response.status in _NO_CONTENT:
        return
    content, _ = response.content()
    error = _error_in(content)
    if error and not content.get("data"):
        raise EmbeddedError(_status_of(error))


def _check_last(content: Row, *, full: bool) -> None:
    """Make sure that a page without `pagination` is the last one.

    Raises:
        UnexpectedResponse: It is full, or the response hints at another page.
    """
    holders = [content, *(content[name] for name in _PAGING_MEMBERS if isinstance(content.get(name), dict))]
    hints = (name for holder in holders for name, value in holder.items() if value and _means_more(name))
    hint = next(hints, None)
    if hint is not None:
        raise UnexpectedResponse(
            f"the response has no `pagination`, but `{name_only(hint)}` hints at more pages"
        )
    if full:
        raise UnexpectedResponse(
            "the response has no `pagination`, and the page is full: more rows may follow"
        )


def _means_more(name: str) -> bool:
    return name.lower().replace("_", "").replace("-", "") in _NEXT_NAMES


def _error_in(content: object) -> object:
    """Return the first error of a response, None if it has none."""
    if not isinstance(content, dict):
        return None
    error = content.get("error") or content.get("errors")
    return next(iter(error), None) if isinstance(error, list) else error


def _text(value: object) -> str:
    """Return a member of an error, empty if it is no text: an object may be of any size."""
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _status_of(error: object) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    return _STATUS_OF_CODE.get(str(code), _INTERNAL_ERROR)


def read_resource(content: object) -> Page:
    """Return the page of one row in the decoded response of a detail endpoint.

    Raises:
        EmbeddedError: The response says that the request failed.
        UnexpectedResponse: It does not hold exactly one resource.
    """
    page = read_page(content)
    if len(page.rows) != 1:
        raise UnexpectedResponse("the response does not hold exactly one resource")
    return page


def row_id(row: Row) -> str | None:
    """Return the id that the API gives a row, as text; None if it gives none."""
    attributes = row.get("attributes")
    inside = attributes.get("id") if isinstance(attributes, dict) else None
    given = row.get("id") if row.get("id") not in (None, "") else inside
    is_id = isinstance(given, (str, int)) and not isinstance(given, bool) and given != ""
    return str(given) if is_id else None
