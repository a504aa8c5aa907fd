"""Which rows a list gives: filters, dates, order and place."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox.server.query import Cursor, Query
from sumeru_sandbox.spec.fields import FIELDS
from sumeru_sandbox.spec.messages import invalid
from sumeru_sandbox.world.clock import DAY, parse_moment
from sumeru_sandbox.world.date_patterns import REPLICATION_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sumeru_sandbox.faults.switches import Switches
    from sumeru_sandbox.world.store import Store

    Row = dict[str, Any]
    Found = tuple[int, Row]

_FAR = 10**15
_KEPT = 64  # selections held at a time


class Page(NamedTuple):
    """The rows of a page, and the cursor of the next one."""

    rows: list[Found]
    next: Cursor | None


class _Selection(NamedTuple):
    """The rows of a date range: computed ones as ranges, written ones by index."""

    computed: Sequence[range]
    written: list[int]


class Listing:
    """The lists of one shop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = -1
        self._selections: dict[object, _Selection] = {}
        self._orders: dict[object, list[tuple[tuple[bool, str | float], int]]] = {}

    def page(self, query: Query, switches: Switches) -> Page:
        """The page that a query asks for."""
        self._refresh()
        if switches.date_filter == "refused" and query.dates != (None, None):
            raise invalid("filter[date_from]", "filter[date_from] and filter[date_to] are not supported")
        number = query.cursor.page if query.cursor else 1
        if switches.empty_every and number % switches.empty_every == 0:
            place = query.cursor or Cursor(query.fingerprint(), -1)
            return Page([], Cursor(place.of, place.at, number + 1, place.key))
        limit = min(query.limit, switches.page_cap) if switches.pagination == "present" else _FAR
        walk = self._sorted(query, switches) if query.sort else self._matching(query, switches)
        rows = list(islice(walk, limit + 1))
        if len(rows) <= limit:
            return Page(rows, None)
        index, row = rows[limit - 1]
        key = _key(query.sort, row) if query.sort else None
        return Page(rows[:limit], Cursor(query.fingerprint(), index, number + 1, key))

    def _refresh(self) -> None:
        if self._version != self._store.version or len(self._selections) + len(self._orders) > _KEPT:
            self._version = self._store.version
            self._selections.clear()
            self._orders.clear()

    def _matching(self, query: Query, switches: Switches) -> Iterator[Found]:
        """Rows that match, by index, after the cursor."""
        after = query.cursor.at if query.cursor else -1
        selection = self._selection(query, switches)
        for index in self._store.walk(query.stream, after, selection.computed, selection.written):
            row = self._store.get(query.stream, index)
            if row is None:
                continue
            if not query.filters or all(matches(row[field], value) for field, value in query.filters):
                yield index, row

    def _sorted(self, query: Query, switches: Switches) -> Iterator[Found]:
        """Rows that match, by the field asked for and then by index, after the cursor."""
        identity = (query._replace(limit=0, cursor=None, fields=None, include=()), switches)
        field, down = query.sort or "", query.descending
        if identity not in self._orders:
            rows = self._matching(query._replace(cursor=None), switches)
            self._orders[identity] = sorted(
                (_rank(_key(field, row), down=down), -index if down else index) for index, row in rows
            )
        order = self._orders[identity]
        start = len(order) if down else 0
        if query.cursor:
            at = query.cursor.at
            place = (_rank(query.cursor.key, down=down), -at if down else at)
            try:
                start = bisect_left(order, place) if down else bisect_right(order, place)
            except TypeError as error:
                raise invalid("cursor", "invalid cursor") from error
        for number in range(start - 1, -1, -1) if down else range(start, len(order)):
            index = abs(order[number][1])
            row = self._store.get(query.stream, index)
            if row is not None:
                yield index, row

    def _selection(self, query: Query, switches: Switches) -> _Selection:
        """The rows of the query's parent and dates."""
        identity = (query.stream, query.parent, query.dates, switches)
        if identity not in self._selections:
            computed, written = self._family(query)
            window = _window(query, switches)
            if window:
                field, low, high = window
                ranges = self._store.world.timelines[query.stream].between(field, low, high)
                computed = [part for rows in computed for part in _common(rows, ranges)]
                written = [
                    index
                    for index in written
                    if low <= _moment((self._store.get(query.stream, index) or {}).get(field)) < high
                ]
            self._selections[identity] = _Selection(computed, written)
        return self._selections[identity]

    def _family(self, query: Query) -> tuple[Sequence[range], list[int]]:
        """The rows under the query's parent, or all."""
        store, stream = self._store, query.stream
        everything = range(store.world.counts[stream])
        if query.parent is None:
            return [everything], store.written(stream)
        family = store.family(stream, *query.parent)
        return family.computed, family.written


def _common(rows: range, ranges: Iterable[range]) -> Iterator[range]:
    """What a range has in common with others that are coarser, or as coarse, in step."""
    for other in ranges:
        if rows.step == 1:
            part = other[max(0, -(-(rows.start - other.start) // other.step)) :]
            part = part[: max(0, -(-(rows.stop - part.start) // part.step))]
        else:
            part = other if other.start % rows.step == rows.start % rows.step else other[:0]
        if part:
            yield part


def _window(query: Query, switches: Switches) -> tuple[str, int, int] | None:
    """The field that the dates act on, and the half-open range of Unix seconds that they mean."""
    if query.dates == (None, None) or switches.date_filter == "ignored":
        return None
    field = switches.date_field
    if field not in FIELDS[query.stream]:
        field = REPLICATION_KEYS[query.stream]
    border = 0 if field == "date" else switches.zone * 60
    first, last = query.dates
    low = -_FAR if first is None else first * DAY - border
    days = 1 if switches.date_to == "inclusive" else 0
    return field, low, _FAR if last is None else (last + days) * DAY - border


def _moment(value: object) -> int:
    moment = parse_moment(value)
    return 2 * _FAR if moment is None else moment


def matches(value: object, wanted: str) -> bool:
    """Whether an attribute has the value that a filter asks for."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value] == wanted
    if isinstance(value, str):
        return value == wanted
    try:
        return Decimal(str(value)) == Decimal(wanted)
    except InvalidOperation:
        return False


def _key(field: str, row: Row) -> str | int | bool | None:
    """What a row is sorted by, as a cursor can hold it."""
    value = row[field]
    if isinstance(value, Decimal):
        return int(value.scaleb(6))
    if isinstance(value, float):
        return int(value * 10**6)
    return value if isinstance(value, (str, int)) else None


def _rank(key: str | float | None, *, down: bool) -> tuple[bool, str | float]:
    """A key that can be compared; nulls come after all else, up or `down`."""
    return (not down, 0) if key is None else (down, key)
