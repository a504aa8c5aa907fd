"""Select the rows of a list page: filters, date range, order and cursor."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox.server.query import Cursor, Query
from sumeru_sandbox.spec.endpoints import REPLICATION_KEYS
from sumeru_sandbox.spec.fields import FIELDS
from sumeru_sandbox.spec.messages import ApiError, invalid_field
from sumeru_sandbox.world.clock import DAY, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sumeru_sandbox.faults.switches import Switches
    from sumeru_sandbox.world.store import Store

    Row = dict[str, Any]
    IndexedRow = tuple[int, Row]

_FAR_FUTURE = 10**15
_MAX_CACHED = 64  # selections and orders


class Page(NamedTuple):
    """The rows of a page, and the cursor of the next page, if any."""

    rows: list[IndexedRow]
    next: Cursor | None


class _Selection(NamedTuple):
    """The rows of a parent and date range: generated ones as ranges, written ones by index."""

    generated: Sequence[range]
    written: list[int]


class Listing:
    """Lists the rows of one shop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = -1
        self._selections: dict[object, _Selection] = {}
        self._sorted_indices: dict[object, list[tuple[tuple[bool, str | float], int]]] = {}

    def page(self, query: Query, switches: Switches) -> Page:
        """Return the page for a query."""
        self._refresh()
        if switches.date_filter == "refused" and query.dates != (None, None):
            raise invalid_field(
                "filter[date_from]", "filter[date_from] and filter[date_to] are not supported"
            )
        if switches.dates == "both_required" and (query.dates[0] is None) != (query.dates[1] is None):
            raise invalid_field("filter[date_to]", "filter[date_from] and filter[date_to] go together")
        number = query.cursor.page if query.cursor else 1
        if query.limit > switches.max_limit:
            raise ApiError(switches.max_limit_status, f"pages of {query.limit} rows are too large")
        before = (number - 1) * min(query.limit, switches.page_cap)
        if switches.max_depth is not None and before >= switches.max_depth:
            raise ApiError(400, f"no more than {switches.max_depth} rows of a query can be listed")
        if switches.empty_every and number % switches.empty_every == 0:
            place = query.cursor or Cursor(query.fingerprint(), -1)
            return Page([], Cursor(place.of, place.at, number + 1, place.key))
        limit = min(query.limit, switches.page_cap) if switches.pagination == "present" else _FAR_FUTURE
        matching = self._sorted(query, switches) if query.sort else self._matching(query, switches)
        rows = list(islice(matching, limit + 1))
        if len(rows) <= limit:
            return Page(rows, None)
        index, row = rows[limit - 1]
        key = _sort_key(query.sort, row) if query.sort else None
        return Page(rows[:limit], Cursor(query.fingerprint(), index, number + 1, key))

    def _refresh(self) -> None:
        cached = len(self._selections) + len(self._sorted_indices)
        if self._version != self._store.version or cached > _MAX_CACHED:
            self._version = self._store.version
            self._selections.clear()
            self._sorted_indices.clear()

    def _matching(self, query: Query, switches: Switches) -> Iterator[IndexedRow]:
        """Yield the matching rows after the cursor, by index."""
        after = query.cursor.at if query.cursor else -1
        selection = self._selection(query, switches)
        for index in self._store.indices(query.stream, after, selection.generated, selection.written):
            row = self._store.get(query.stream, index)
            if row is None:
                continue
            if not query.filters or all(matches(row[field], value) for field, value in query.filters):
                yield index, row

    def _sorted(self, query: Query, switches: Switches) -> Iterator[IndexedRow]:
        """Yield the matching rows after the cursor, by the sort field and then by index."""
        identity = (query._replace(limit=0, cursor=None, fields=None, include=()), switches)
        field, descending = query.sort or "", query.descending
        if identity not in self._sorted_indices:
            rows = self._matching(query._replace(cursor=None), switches)
            self._sorted_indices[identity] = sorted(
                (_comparable(_sort_key(field, row), descending=descending), -index if descending else index)
                for index, row in rows
            )
        order = self._sorted_indices[identity]
        start = len(order) if descending else 0
        if query.cursor:
            at = query.cursor.at
            place = (_comparable(query.cursor.key, descending=descending), -at if descending else at)
            try:
                start = bisect_left(order, place) if descending else bisect_right(order, place)
            except TypeError as error:
                raise invalid_field("cursor", "invalid cursor") from error
        for number in range(start - 1, -1, -1) if descending else range(start, len(order)):
            index = abs(order[number][1])
            row = self._store.get(query.stream, index)
            if row is not None:
                yield index, row

    def _selection(self, query: Query, switches: Switches) -> _Selection:
        """Return the rows of the query's parent and date range."""
        identity = (query.stream, query.parent, query.dates, switches)
        if identity not in self._selections:
            generated, written = self._rows_of_parent(query)
            date_range = _date_range(query, switches)
            if date_range:
                field, low, high = date_range
                ranges = self._store.generated.timelines[query.stream].indices_between(field, low, high)
                generated = [part for rows in generated for part in _intersections(rows, ranges)]
                written = [
                    index
                    for index in written
                    if low <= _timestamp((self._store.get(query.stream, index) or {}).get(field)) < high
                ]
            self._selections[identity] = _Selection(generated, written)
        return self._selections[identity]

    def _rows_of_parent(self, query: Query) -> tuple[Sequence[range], list[int]]:
        """Return the rows of the query's parent, or all rows."""
        store, stream = self._store, query.stream
        everything = range(store.generated.counts[stream])
        if query.parent is None:
            return [everything], store.written(stream)
        children = store.child_rows(stream, *query.parent)
        return children.generated, children.written


def _intersections(rows: range, ranges: Iterable[range]) -> Iterator[range]:
    """Yield the overlap of a range with other ranges whose step is at least as large."""
    for other in ranges:
        if rows.step == 1:
            part = other[max(0, -(-(rows.start - other.start) // other.step)) :]
            part = part[: max(0, -(-(rows.stop - part.start) // part.step))]
        else:
            part = other if other.start % rows.step == rows.start % rows.step else other[:0]
        if part:
            yield part


def _date_range(query: Query, switches: Switches) -> tuple[str, int, int] | None:
    """Return the field that the date filter applies to, and its half-open range in Unix seconds."""
    if query.dates == (None, None) or switches.date_filter == "ignored":
        return None
    field = switches.date_field
    if field not in FIELDS[query.stream]:
        field = REPLICATION_KEYS[query.stream]
    offset = 0 if field == "date" else switches.zone * 60
    first, last = query.dates
    low = -_FAR_FUTURE if first is None else first * DAY - offset
    days = 1 if switches.date_to == "inclusive" else 0
    return field, low, _FAR_FUTURE if last is None else (last + days) * DAY - offset


def _timestamp(value: object) -> int:
    timestamp = parse_timestamp(value)
    return 2 * _FAR_FUTURE if timestamp is None else timestamp


def matches(value: object, wanted: str) -> bool:
    """Whether an attribute has the value of a filter."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value] == wanted
    if isinstance(value, str):
        return value == wanted
    try:
        return Decimal(str(value)) == Decimal(wanted)
    except InvalidOperation:
        return False


def _sort_key(field: str, row: Row) -> str | int | bool | None:
    """Return the value that a row is sorted by, in a form that a cursor can hold."""
    value = row[field]
    if isinstance(value, Decimal):
        return int(value.scaleb(6))
    if isinstance(value, float):
        return int(value * 10**6)
    return value if isinstance(value, (str, int)) else None


def _comparable(key: str | float | None, *, descending: bool) -> tuple[bool, str | float]:
    """Return a comparable sort key; nulls come last in both directions."""
    return (not descending, 0) if key is None else (descending, key)
