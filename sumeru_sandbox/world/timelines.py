"""When the rows of a stream were made and changed, so that a range of dates is found without a scan.

Rows fall into classes by their index. Within a class every date lies a fixed while after the row's making, so
it grows with the index; it stops doing so only where something has not happened yet. Cut there, a class falls
into pieces in which every date can be bisected.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from typing_extensions import override

from sumeru_sandbox.world.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Anchor = Callable[[int], int]
    Moments = Mapping[str, int]

_SPREAD = 2654435761
_NEVER = 10**12
_KEPT = 1024
_IDLE = 9  # customers whose index ends so make no first order of their own


def paced(start: int, span: int, count: int, jitter: int) -> Anchor:
    """Moments from `start` on that grow with the index, unevenly, and end before `start + span`."""
    room = max(1, min(span // max(1, count), jitter))

    def anchor(index: int) -> int:
        return start + index * span // count + index * _SPREAD % room

    return anchor


class Timeline:
    """The dates of a stream's rows."""

    def __init__(
        self, count: int, anchor: Anchor, classes: Sequence[Moments], now: int, changed: str = "updated_at"
    ) -> None:
        self.count = count
        self.anchor = anchor
        self.classes = classes
        self.now = now
        self.changed = changed
        self._pieces: list[tuple[range, Moments, Moments]] | None = None

    def moments(self, index: int) -> dict[str, int]:
        """What has happened to a row, by field; the replication key is the latest of all."""
        made = self.anchor(index)
        happened = {
            field: moment
            for field, delay in self.classes[index % len(self.classes)].items()
            if (moment := made + delay) <= self.now
        }
        happened[self.changed] = max(happened.values())
        return happened

    def pieces(self) -> Iterator[range]:
        """Ranges of indices in which each date is there and grows, or is not there at all."""
        for number, delays in enumerate(self.classes):
            rows = range(number, self.count, len(self.classes))
            cuts = [bisect_right(rows, self.now - delay, key=self.anchor) for delay in delays.values()]
            yield from _cut(rows, cuts)

    def between(self, field: str, low: int, high: int) -> list[range]:
        """Indices of the rows whose date lies in `[low, high)`, as ranges."""

        def when(index: int) -> int:
            return self.moments(index)[field]

        if self._pieces is None:
            self._pieces = [(rows, self.moments(rows[0]), self.moments(rows[-1])) for rows in self.pieces()]
        found = []
        for rows, first, last in self._pieces:
            if field not in first or first[field] >= high or last[field] < low:
                continue
            part = rows[bisect_left(rows, low, key=when) : bisect_left(rows, high, key=when)]
            if part:
                found.append(part)
        return found


def _cut(rows: range, places: Iterable[int]) -> Iterator[range]:
    """A range in pieces that end before each of the places."""
    edges = sorted({0, len(rows), *places})
    return (rows[a:b] for a, b in pairwise(edges))


class CustomerTimeline(Timeline):
    """The dates of customers, which follow from those of their orders."""

    def __init__(
        self, count: int, anchor: Anchor, classes: Sequence[Moments], orders: Timeline, ownership: Ownership
    ) -> None:
        super().__init__(count, anchor, classes, orders.now)
        self._orders = orders
        self._placed = [delays["placed_at"] for delays in orders.classes]
        self._ownership = ownership

    @override
    def moments(self, index: int) -> dict[str, int]:
        """As for any row; what changes it last is an order, or a touch some days after it."""
        created = self.anchor(index)
        happened = {"created_at": created, "updated_at": created}
        orders = self._ownership.orders_of(index)
        if orders:
            made, delays = self._orders.anchor, self._placed
            placed = [made(order) + delays[order % len(delays)] for order in orders]
            happened["first_order_at"] = min(placed)
            happened["last_order_at"] = max(placed)
            happened["updated_at"] = made(max(orders))
        touched = happened["updated_at"] + self.classes[index % len(self.classes)].get("touched", _NEVER)
        if touched <= self.now:
            happened["updated_at"] = touched
        return happened

    def touched(self, index: int) -> bool:
        """Whether anything but an order has changed the customer since."""
        moments = self.moments(index)
        return moments["updated_at"] - moments.get("last_order_at", moments["created_at"]) > 3 * DAY

    @override
    def pieces(self) -> Iterator[range]:
        """As for any rows, with a further cut wherever the number of orders changes."""
        for number in range(len(self.classes)):
            rows = range(number, self.count, len(self.classes))
            for piece in _cut(rows, (bisect_left(rows, edge) for edge in self._ownership.edges())):
                yield from _cut(piece, [bisect_left(piece, 1, key=lambda index: not self.touched(index))])


class Ownership:
    """Who placed which order: the older a customer, the more orders; some of the younger ones have none."""

    def __init__(self, customers: int) -> None:
        self.customers = customers
        self.orders_of = lru_cache(_KEPT)(self._orders_of)

    def owner(self, order: int) -> int:
        """The customer of an order."""
        number, kind = divmod(order, 3)
        if kind == 0 and number % 10 != _IDLE:
            return number
        return number // 4 if kind == 2 else number // 2  # noqa: PLR2004 - the third of three kinds

    def _orders_of(self, customer: int) -> list[int]:
        """The orders of a customer, by index: what `owner` says, the other way round."""
        orders = [] if customer % 10 == _IDLE else [3 * customer]
        for number in range(2 * customer, min(2 * customer + 2, self.customers)):
            orders.append(3 * number + 1)
            if number % 10 == _IDLE:
                orders.append(3 * number)
        orders.extend(range(12 * customer + 2, min(12 * customer + 14, 3 * self.customers), 3))
        return orders

    def edges(self) -> list[int]:
        """Indices at which customers begin to have fewer orders than those before."""
        return [-(-(self.customers - more) // share) for share in (2, 4) for more in range(share)]
