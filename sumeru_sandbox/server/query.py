"""What a request asks for: its parameters, checked, and its cursor."""

from __future__ import annotations

import base64
import binascii
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from sumeru_sandbox.spec.endpoints import INCLUDES
from sumeru_sandbox.spec.fields import FIELDS
from sumeru_sandbox.spec.messages import Problem, invalid
from sumeru_sandbox.world.clock import parse_day

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
_DATES = ("date_from", "date_to")


class Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place in a list: after the row `at`, on page `page`, of the query `of`; `key` if it is sorted."""

    of: str
    at: int
    page: int = 2
    key: str | int | bool | None = None

    def text(self) -> str:
        """The cursor as the API gives it."""
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
        """What a cursor is bound to: all that decides which rows come, and in which order."""
        said = repr((self.stream, self.parent, self.filters, self.dates, self.sort, self.descending))
        return blake2b(said.encode(), digest_size=6).hexdigest()


def parse(
    stream: str, parent: tuple[str, str] | None, text: str, *, listing: bool, fields: str = "honoured"
) -> Query:
    """The query of a list or of a single resource.

    Raises:
        Problem: If the API does not know a parameter, or does not take its value.
    """
    given: dict[str, Any] = {}
    filters: dict[str, str] = {}
    for name, value in _pairs(text):
        if name in given or name in filters:
            raise invalid(name, f"{name} is given twice")
        if listing and name.startswith("filter[") and name.endswith("]"):
            filters[name] = value
        elif name in _READERS and (listing or name in {"fields", "include"}):
            if name == "fields" and fields == "refused":
                raise invalid(name, "fields is not supported")
            given[name] = _READERS[name](stream, value)
        else:
            raise invalid(name, f"unknown parameter {name}")
    query = Query(stream, parent, **_filters(stream, filters))
    query = query._replace(**{name: value for name, value in given.items() if name != "sort"})
    if "sort" in given:
        query = query._replace(sort=given["sort"].lstrip("-"), descending=given["sort"][0] == "-")
    if query.cursor and query.cursor.of != query.fingerprint():
        raise invalid("cursor", "cursor belongs to another query")
    return query._replace(fields=None) if fields == "ignored" else query


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=200, errors="strict")
    except ValueError as error:
        raise Problem(422, "the query string cannot be read", field="query") from error


def _filters(stream: str, given: dict[str, str]) -> dict[str, Any]:
    """The two dates of a query, and the fields that must have a value."""
    dates: dict[str, int | None] = dict.fromkeys(_DATES)
    fields = []
    for name, value in given.items():
        field = name[len("filter[") : -1]
        if field in dates:
            dates[field] = parse_day(value)
            if dates[field] is None:
                raise invalid(name, f"{name} must be a date, YYYY-MM-DD")
        elif field in FIELDS[stream] and FIELDS[stream][field].scalar:
            fields.append((field, value))
        else:
            raise invalid(name, f"unknown filter {field}")
    return {"dates": (dates["date_from"], dates["date_to"]), "filters": tuple(sorted(fields))}


def _limit(_stream: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MAX_LIMIT):
        raise invalid("limit", f"limit must be a whole number from 1 to {MAX_LIMIT}")
    return int(value)


def _cursor(_stream: str, value: str) -> Cursor:
    try:
        cursor = msgspec.json.decode(base64.b64decode(value, validate=True), type=Cursor)
    except (binascii.Error, ValueError) as error:
        raise invalid("cursor", "invalid cursor") from error
    if cursor.at < -1 or cursor.page < 1 or cursor.text() != value:
        raise invalid("cursor", "invalid cursor")
    return cursor


def _sort(stream: str, value: str) -> str:
    field = value.removeprefix("-")
    if field not in FIELDS[stream] or not FIELDS[stream][field].scalar:
        raise invalid("sort", f"cannot sort by {field}")
    return value


def _names(parameter: str, value: str, known: set[str]) -> tuple[str, ...]:
    names = tuple(value.split(","))
    for name in names:
        if name not in known:
            raise invalid(parameter, f"{parameter} does not know {name!r}")
    return names


def _fields(stream: str, value: str) -> tuple[str, ...]:
    return _names("fields", value, {"id", *FIELDS[stream]})


def _include(stream: str, value: str) -> tuple[str, ...]:
    if stream not in INCLUDES:
        raise invalid("include", "unknown parameter include")
    return _names("include", value, set(INCLUDES[stream]))


_READERS: dict[str, Callable[[str, str], Any]] = {
    "limit": _limit,
    "cursor": _cursor,
    "sort": _sort,
    "fields": _fields,
    "include": _include,
}
