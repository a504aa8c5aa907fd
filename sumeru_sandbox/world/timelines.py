"""Timelines: the dates of each stream's rows, and which rows have a date in a given range, without a scan.

Each row follows a date pattern. Within one pattern every date has a fixed delay after the row's creation, so
dates grow with the index, except where a date still lies in the future. Split at those places, the rows of a
pattern form ranges in which every date is sorted and can be found by bisection.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from typing_extensions import override

from sumeru_sandbox.world.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sumeru_sandbox.world.order_ownership import OrderOwnership

    TimestampOf = Callable[[int], int]
    Delays = Mapping[str, int]

_MULTIPLIER = 2654435761
_NEVER = 10**12


def spread(start: int, span: int, count: int, jitter: int) -> TimestampOf:
    """Spread `count` timestamps from `start` to `start + span`, in ascending order with some jitter."""
    room = max(1, min(span // max(1, count), jitter))

    def created_at(index: int) -> int:
        return start + index * span // count + index * _MULTIPLIER % room

    return created_at


class Timeline:
    """The dates of the rows of a stream."""

    def __init__(
        self,
        count: int,
        created_at: TimestampOf,
        patterns: Sequence[Delays],
        now: int,
        updated_field: str = "updated_at",
    ) -> None:
        self.count = count
        self.created_at = created_at
        self.patterns = patterns
        self.now = now
        self.updated_field = updated_field
        self._sorted_ranges: list[tuple[range, Delays, Delays]] | None = None

    def timestamps(self, index: int) -> dict[str, int]:
        """Return the dates of a row up to now, by field; the last change is the latest of them."""
        created = self.created_at(index)
        dates = {
            field: timestamp
            for field, delay in self.patterns[index % len(self.patterns)].items()
            if (timestamp := created + delay) <= self.now
        }
        dates[self.updated_field] = max(dates.values())
        return dates

    def sorted_ranges(self) -> Iterator[range]:
        """Yield ranges of indices in which each date grows with the index or is missing everywhere."""
        for number, delays in enumerate(self.patterns):
            rows = range(number, self.count, len(self.patterns))
            cuts = [bisect_right(rows, self.now - delay, key=self.created_at) for delay in delays.values()]
            yield from _split(rows, cuts)

    def indices_between(self, field: str, low: int, high: int) -> list[range]:
        """Return the indices of the rows whose date lies in `[low, high)`, as ranges."""

        def date_of(index: int) -> int:
            return self.timestamps(index)[field]

        if self._sorted_ranges is None:
            self._sorted_ranges = [
                (rows, self.timestamps(rows[0]), self.timestamps(rows[-1])) for rows in self.sorted_ranges()
            ]
        found = []
        for rows, first, last in self._sorted_ranges:
            if field not in first or first[field] >= high or last[field] < low:
                continue
            part = rows[bisect_left(rows, low, key=date_of) : bisect_left(rows, high, key=date_of)]
            if part:
                found.append(part)
        return found


def _split(rows: range, positions: Iterable[int]) -> Iterator[range]:
    """Split a range before each of these positions."""
    edges = sorted({0, len(rows), *positions})
    return (rows[start:end] for start, end in pairwise(edges))


class CustomerTimeline(Timeline):
    """The dates of the customers, which depend on their orders."""

    def __init__(
        self,
        count: int,
        created_at: TimestampOf,
        patterns: Sequence[Delays],
        orders: Timeline,
        ownership: OrderOwnership,
    ) -> None:
        super().__init__(count, created_at, patterns, orders.now)
        self._orders = orders
        self._placed = [delays["placed_at"] for delays in orders.patterns]
        self._ownership = ownership

    @override
    def timestamps(self, index: int) -> dict[str, int]:
        """Return the dates of a customer; the last change is the last order, or an update some days later."""
        created = self.created_at(index)
        dates = {"created_at": created, "updated_at": created}
        orders = self._ownership.orders_of(index)
        if orders:
            order_created_at, delays = self._orders.created_at, self._placed
            placed = [order_created_at(order) + delays[order % len(delays)] for order in orders]
            dates["first_order_at"] = min(placed)
            dates["last_order_at"] = max(placed)
            dates["updated_at"] = order_created_at(max(orders))
        touched = dates["updated_at"] + self.patterns[index % len(self.patterns)].get("touched", _NEVER)
        if touched <= self.now:
            dates["updated_at"] = touched
        return dates

    def changed_after_last_order(self, index: int) -> bool:
        """Whether the customer was updated some days after the last order."""
        timestamps = self.timestamps(index)
        return timestamps["updated_at"] - timestamps.get("last_order_at", timestamps["created_at"]) > 3 * DAY

    @override
    def sorted_ranges(self) -> Iterator[range]:
        """Yield sorted ranges as for other rows, also split where the number of orders changes."""
        for number in range(len(self.patterns)):
            rows = range(number, self.count, len(self.patterns))
            steps = (bisect_left(rows, step) for step in self._ownership.order_count_steps())
            for part in _split(rows, steps):
                # The late update has dates to the older customers of a range, and not yet to the newer ones.
                yield from _split(part, [bisect_left(part, 1, key=self._is_unchanged)])

    def _is_unchanged(self, index: int) -> bool:
        return not self.changed_after_last_order(index)
