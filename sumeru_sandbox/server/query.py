"""Parse and validate the query parameters of a read, including its cursor."""

from __future__ import annotations

import base64
import binascii
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from sumeru_sandbox.spec.endpoints import INCLUDES
from sumeru_sandbox.spec.fields import FIELDS
from sumeru_sandbox.spec.messages import ApiError, invalid_field
from sumeru_sandbox.world.clock import parse_date

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
_DATES = ("date_from", "date_to")


class Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A position in a list: after the row with index `at`, at page `page`, of the query `of`.

    `key` is the sort key of that row, in a sorted list.
    """

    of: str
    at: int
    page: int = 2
    key: str | int | bool | None = None

    def text(self) -> str:
        """Return the cursor as an opaque string."""
        return base64.b64encode(msgspec.json.encode(self)).decode()


class Query(NamedTuple):
    """The parameters of a read."""

    stream: str
    parent: tuple[str, str] | None = None
    filters: tuple[tuple[str, str], ...] = ()
    dates: tuple[int | None, int | None] = (None, None)
    sort: str | None = None
    descending: bool = False
    limit: int = DEFAULT_LIMIT
    cursor: Cursor | None = None
    fields: tuple[str, ...] | None = None
    include: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """Identify the rows and their order; a cursor is valid only for the same fingerprint."""
        identity = repr((self.stream, self.parent, self.filters, self.dates, self.sort, self.descending))
        return blake2b(identity.encode(), digest_size=6).hexdigest()


def parse(
    stream: str, parent: tuple[str, str] | None, text: str, *, listing: bool, fields: str = "honoured"
) -> Query:
    """Parse the query string of a list or of a single resource.

    Raises:
        ApiError: If a parameter is unknown or its value is invalid.
    """
    given: dict[str, Any] = {}
    filters: dict[str, str] = {}
    for name, value in _pairs(text):
        if name in given or name in filters:
            raise invalid_field(name, f"{name} is given more than once")
        if listing and name.startswith("filter[") and name.endswith("]"):
            filters[name] = value
        elif name in _PARSERS and (listing or name in {"fields", "include"}):
            if name == "fields" and fields == "refused":
                raise invalid_field(name, "fields is not supported")
            given[name] = _PARSERS[name](stream, value)
        else:
            raise invalid_field(name, f"unknown parameter {name}")
    query = Query(stream, parent, **_filters(stream, filters))
    query = query._replace(**{name: value for name, value in given.items() if name != "sort"})
    if "sort" in given:
        query = query._replace(sort=given["sort"].lstrip("-"), descending=given["sort"][0] == "-")
    if query.cursor and query.cursor.of != query.fingerprint():
        raise invalid_field("cursor", "cursor belongs to another query")
    return query._replace(fields=None) if fields == "ignored" else query


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=200, errors="strict")
    except ValueError as error:
        raise ApiError(422, "the query string cannot be read", field="query") from error


def _filters(stream: str, given: dict[str, str]) -> dict[str, Any]:
    """Split filters into the two dates and the field conditions."""
    dates: dict[str, int | None] = dict.fromkeys(_DATES)
    fields = []
    for name, value in given.items():
        field = name[len("filter[") : -1]
        if field in dates:
            dates[field] = parse_date(value)
            if dates[field] is None:
                raise invalid_field(name, f"{name} must be a date, YYYY-MM-DD")
        elif field in FIELDS[stream] and FIELDS[stream][field].scalar:
            fields.append((field, value))
        else:
            raise invalid_field(name, f"unknown filter {field}")
    return {"dates": (dates["date_from"], dates["date_to"]), "filters": tuple(sorted(fields))}


def _limit(_stream: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MAX_LIMIT):
        raise invalid_field("limit", f"limit must be a whole number from 1 to {MAX_LIMIT}")
    return int(value)


def _cursor(_stream: str, value: str) -> Cursor:
    try:
        cursor = msgspec.json.decode(base64.b64decode(value, validate=True), type=Cursor)
    except (binascii.Error, ValueError) as error:
        raise invalid_field("cursor", "invalid cursor") from error
    if cursor.at < -1 or cursor.page < 1 or cursor.text() != value:
        raise invalid_field("cursor", "invalid cursor")
    return cursor


def _sort(stream: str, value: str) -> str:
    field = value.removeprefix("-")
    if field not in FIELDS[stream] or not FIELDS[stream][field].scalar:
        raise invalid_field("sort", f"cannot sort by {field}")
    return value


def _names(parameter: str, value: str, known: set[str]) -> tuple[str, ...]:
    names = tuple(value.split(","))
    for name in names:
        if name not in known:
            raise invalid_field(parameter, f"{parameter}: unknown name {name!r}")
    return names


def _fields(stream: str, value: str) -> tuple[str, ...]:
    return _names("fields", value, {"id", *FIELDS[stream]})


def _include(stream: str, value: str) -> tuple[str, ...]:
    if stream not in INCLUDES:
        raise invalid_field("include", "unknown parameter include")
    return _names("include", value, set(INCLUDES[stream]))


_PARSERS: dict[str, Callable[[str, str], Any]] = {
    "limit": _limit,
    "cursor": _cursor,
    "sort": _sort,
    "fields": _fields,
    "include": _include,
}
