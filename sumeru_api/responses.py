"""Responses of the API: the envelope of a list, of one resource, and of an error."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sumeru_api.embedded_errors import Failure, find_failure, is_error, raise_if_failed
from sumeru_api.errors import UnexpectedResponse
from sumeru_api.included import Included
from sumeru_api.json_values import UndecodableError, decode_counting
from sumeru_api.pagination import next_cursor
from sumeru_api.paging_hints import contradiction, hint_without_pagination, stated_total
from sumeru_api.redaction import name_only
from sumeru_api.timestamps import http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

Row = dict[str, Any]

SUCCESS = range(200, 300)
_SECONDS = re.compile(r"[0-9]{1,10}")
_MAX_AGE = 30 * 24 * 3600
"""An older answer counts as this old, so that one wrong header cannot undo years of progress."""
NO_CONTENT = (204, 205)
"""Statuses of a success without a body."""
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
ENVELOPE = frozenset({"data", "pagination", "included", "error", "errors"})
"""Members of a response that the tap reads."""


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
        return self.status in SUCCESS

    @property
    def requested_at(self) -> datetime:
        """When the request was sent: by the server's clock, or by ours if the response has no date.

        The `Age` of a cached response is subtracted, since not all caches keep the `Date` of the origin.
        """
        now = http_date(self.headers.get("Date")) or datetime.now(UTC).replace(microsecond=0)
        return now - timedelta(seconds=ceil(self.elapsed) + self._age)

    @property
    def _age(self) -> int:
        """Seconds for which a cache has kept the response, 0 if it states no plausible number."""
        text = self.headers.get("Age", "").strip()
        return min(int(text), _MAX_AGE) if _SECONDS.fullmatch(text) else 0

    def content(self) -> tuple[Any, int]:
        """Return the decoded body, and how many of its characters could not be decoded.

        Raises:
            UndecodableError: The body is not JSON.
        """
        content, broken = decode_counting(self.body)
        return content, self.replaced + broken

    def failure(self) -> Failure:
        """Return what the body says about a failure, as far as it says anything."""
        try:
            content = self.content()[0]
        except UndecodableError:
            content = None
        found = find_failure(content) or next(filter(None, map(find_failure, _error_rows(content))), None)
        return found or find_failure({"error": content}) or Failure()


@dataclass(slots=True)
class Page:
    """The rows of one response.

    Attributes:
        rows: The rows as the API sent them.
        included: Related resources.
        next_cursor: Cursor of the next page, None on the last page.
        replaced: How many characters of the response could not be decoded.
        included_of: Related resources that came with the detail of a row, by its index.
        members: Names of what the response has beside the documented members.
        total: How many rows the list has, as the response says, 0 if it does not.
    """

    rows: list[Row]
    included: Included = field(default_factory=Included)
    next_cursor: str | None = None
    replaced: int = 0
    included_of: dict[int, Included] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    total: int = 0


def read_page(
    content: object,
    *,
    limit: int | None = None,
    bare: bool = False,
    first: bool = True,
    headers: Mapping[str, str] = _NO_HEADERS,
) -> Page:
    """Return the page in a decoded response.

    Args:
        content: The response.
        limit: How many rows were requested. Without `pagination`, only a page with fewer is the last one.
        bare: Whether `data` may be one object that does not look like a resource.
        first: Whether it is the first page of its list.
        headers: Headers of the response; they may hint at more pages.

    Raises:
        EmbeddedError: The response says that the request failed.
        UnexpectedResponse: It has no usable `data`, or does not say clearly whether there are more pages.
    """
    if not isinstance(content, dict):
        raise UnexpectedResponse("the response is not an object")
    raise_if_failed(content)
    if "data" not in content:
        raise UnexpectedResponse("the response has no `data`")
    pagination = content.get("pagination")
    cursor = next_cursor(pagination)
    ended = isinstance(pagination, dict) and pagination.get("has_next") is not None and cursor is None
    rows = _rows(content["data"], ended=ended, bare=bare)
    if pagination:
        check_end(content, cursor)
    elif isinstance(content["data"], list):
        full = limit is not None and len(rows) >= limit
        _check_last(content, headers, rows=len(rows), full=full, first=first)
    members = tuple(name for name in content if name not in ENVELOPE)
    included, total = Included.of(content.get("included")), stated_total(content)
    return Page(rows, included, cursor, members=members, total=total)


def _rows(data: Any, *, ended: bool, bare: bool) -> list[Row]:  # noqa: ANN401 - any JSON
    """Return the rows in `data`; null counts as no rows if `pagination` ends the list there.

    Raises:
        EmbeddedError: An error stands in the place of a row.
        UnexpectedResponse: `data` is something else.
    """
    if data is None and ended:
        return []
    rows: list[Row] = data if isinstance(data, list) else [data]
    if not all(isinstance(row, dict) for row in rows):
        raise UnexpectedResponse("a row is not an object")
    for row in filter(is_error, rows):
        raise_if_failed(row)
    if isinstance(data, dict) and not _is_resource(data) and (not bare or not data or _is_collection(data)):
        raise UnexpectedResponse("`data` is an object that does not look like a resource")
    return rows


def check_written(response: Response) -> None:
    """Make sure that a 2xx response to a write is a success; the caller checks the rows in it.

    Raises:
        UndecodableError: The body is not JSON, although the status promises one.
        EmbeddedError: The response says that the write failed, and holds nothing else.
    """
    if response.status in NO_CONTENT:
        return
    content, _ = response.content()
    if not (isinstance(content, dict) and content.get("data")):
        raise_if_failed(content)


def _check_last(content: Row, headers: Mapping[str, str], *, rows: int, full: bool, first: bool) -> None:
    """Make sure that a page without `pagination` is the last one.

    Raises:
        UnexpectedResponse: It is full, or the response hints at another page.
    """
    hint = hint_without_pagination(content, headers, rows) if first else contradiction(content)
    if hint is not None:
        raise UnexpectedResponse(f"the response has no `pagination`, but {_quoted(hint)} hints at more pages")
    if full:
        raise UnexpectedResponse(
            "the response has no `pagination`, and the page is full: more rows may follow"
        )


def check_end(content: Mapping[str, Any], cursor: str | None) -> None:
    """Make sure that nothing hints at more pages if `pagination` says that there are none.

    Args:
        content: The response; its rows may be missing.
        cursor: Cursor of the next page, as `pagination` says.

    Raises:
        UnexpectedResponse: Something does.
    """
    ignored = {"pagination": {**content["pagination"], "next_cursor": None}}
    hint = contradiction({**content, **ignored}) if cursor is None else None
    if hint is not None:
        raise UnexpectedResponse(
            f"`pagination` says that this is the last page, but {_quoted(hint)} hints at more pages"
        )


def _quoted(name: str) -> str:
    return f"`{name_only(name)}`" if name_only(name) else "another member"


def _error_rows(content: object) -> list[Row]:
    """Return the errors that stand in the place of rows."""
    data = content.get("data") if isinstance(content, dict) else None
    rows = data if isinstance(data, list) else [data]
    return [row for row in rows if isinstance(row, dict) and is_error(row)]


def _is_resource(data: Row) -> bool:
    return isinstance(data.get("attributes"), dict) or row_id(data) is not None


def _is_collection(data: Row) -> bool:
    """Return whether an object holds rows, in a list or by their ids or dates, and nothing else."""
    values = list(data.values())
    rows = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    keyed = all(any(letter.isdigit() for letter in name) for name in data) or rows is not values
    return keyed and all(isinstance(row, dict) for row in rows)


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


def parse_page(
    response: Response, *, limit: int | None = None, bare: bool = False, first: bool = True
) -> Page:
    """Return the page in a 2xx response; see `read_page` for the arguments.

    Raises:
        UndecodableError: The body is not JSON.
        EmbeddedError: The body says that the request failed.
        UnexpectedResponse: The body breaks the API's own rules.
    """
    content, replaced = response.content()
    page = read_page(content, limit=limit, bare=bare, first=first, headers=response.headers)
    page.replaced = replaced
    return page


def parse_resource(response: Response) -> Page:
    """Return the page of one row in the 2xx response of a detail endpoint; raises as `parse_page` does."""
    content, replaced = response.content()
    page = read_resource(content)
    page.replaced = replaced
    return page


def row_id(row: Row) -> str | None:
    """Return the id that the API gives a row, as text; None if it gives none."""
    attributes = row.get("attributes")
    inside = attributes.get("id") if isinstance(attributes, dict) else None
    given = row.get("id") if row.get("id") not in (None, "") else inside
    is_id = isinstance(given, (str, int)) and not isinstance(given, bool) and given != ""
    return str(given) if is_id else None
