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

from sumeru_sandbox.world.buying_habits import GROUP
from sumeru_sandbox.world.clock import DAY
from sumeru_sandbox.world.random_source import MULTIPLIER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sumeru_sandbox.world.order_ownership import OrderOwnership

    TimestampOf = Callable[[int], int]
    Delays = Mapping[str, int]

_NEVER = 10**12
_FEW_ORDERS = 4


def evenly(start: int, span: int, count: int) -> TimestampOf:
    """Spread timestamps evenly over a time, with some jitter, in ascending order."""
    room = max(1, min(span // count, DAY))

    def created_at(index: int) -> int:
        return start + index * span // count + index * MULTIPLIER % room

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

    def _date_of(self, field: str) -> TimestampOf:
        return lambda index: self.timestamps(index)[field]

    def indices_between(self, field: str, low: int, high: int) -> list[range]:
        """Return the indices of the rows whose date lies in `[low, high)`, as ranges."""
        date_of = self._date_of(field)
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
    edges = sorted({0, len(rows), *(position for position in positions if position < len(rows))})
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
        self._touched = [delays.get("touched", _NEVER) for delays in patterns]
        self._placed = [delays["placed_at"] for delays in orders.patterns]
        self._ownership = ownership

    @override
    def timestamps(self, index: int) -> dict[str, int]:
        """Return the dates of a customer; the last change is the last order, or an update some days later."""
        dates = {"created_at": self.created_at(index), "updated_at": self._updated_at(index)}
        orders = self._ownership.orders_of(index)
        if orders:
            order_created_at, delays = self._orders.created_at, self._placed
            ends = orders if len(orders) <= _FEW_ORDERS else self._ends(orders)
            placed = [order_created_at(order) + delays[order % len(delays)] for order in ends]
            dates["first_order_at"] = min(placed)
            dates["last_order_at"] = max(placed)
        return dates

    def _ends(self, orders: list[int]) -> list[int]:
        """Return orders that include the one placed first and the one placed last."""
        delays, by_delay = self._placed, dict[int, list[int]]()
        for order in orders:
            by_delay.setdefault(delays[order % len(delays)], []).append(order)
        return [end(some) for some in by_delay.values() for end in (min, max)]

    def _updated_at(self, index: int) -> int:
        updated = self._last_activity(index)
        touched = updated + self._touched[index % len(self._touched)]
        return touched if touched <= self.now else updated

    def _last_activity(self, index: int) -> int:
        orders = self._ownership.orders_of(index)
        return self._orders.created_at(max(orders)) if orders else self.created_at(index)

    def is_touched(self, index: int) -> bool:
        """Whether the customer was updated some days after the last order."""
        delay = self._touched[index % len(self._touched)]
        return delay != _NEVER and self._last_activity(index) + delay <= self.now

    @override
    def _date_of(self, field: str) -> TimestampOf:
        return self._updated_at if field == "updated_at" else super()._date_of(field)

    @override
    def sorted_ranges(self) -> Iterator[range]:
        """Yield sorted ranges as for other rows, each of customers with the same place in their group."""
        for place in range(min(GROUP, self.count)):
            rows = range(place, self.count, GROUP)
            for part in _split(rows, self._ownership.breaks(place)):
                # The late update has dates to the older customers of a range, and not yet to the newer ones.
                yield from _split(part, [bisect_left(part, 1, key=self._is_untouched)])

    def _is_untouched(self, index: int) -> bool:
        return not self.is_touched(index)
