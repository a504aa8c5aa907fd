"""The order of a list, from the dates of its first rows."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_api.timestamps import parse
from tap_sumeru.diagnose.workload import day_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MOSTLY = 0.9
"""Share of neighbouring rows that must be in order: ids and dates are rarely given out in the same moment."""


class Order(NamedTuple):
    """Dates of the first rows of a list that is sorted by date, oldest first; in days since 1970.

    Attributes:
        first: The first date.
        last: The last date.
        rows: The rows.
    """

    first: float
    last: float
    rows: int

    def total(self, now: float) -> float:
        """Return how many rows the list has if they are as dense up to now as the first ones."""
        return self.rows + (self.rows - 1) / (self.last - self.first) * max(0.0, now - self.last)

    def per_day(self) -> float:
        """Return the density of the first rows."""
        return (self.rows - 1) / (self.last - self.first)


def oldest_first(records: Sequence[Mapping[str, Any]]) -> Order | None:
    """Return the order of rows that some date sorts, oldest first; None if no date does."""
    orders = []
    for name in records[0] if records else ():
        dates = _dates(record.get(name) for record in records)
        if dates is None or len(dates) < 2 or max(dates) <= min(dates):  # noqa: PLR2004 - a pair
            continue
        ascending = sum(a <= b for a, b in pairwise(dates)) / (len(dates) - 1)
        if ascending >= _MOSTLY and dates[-1] > dates[0]:
            orders.append((ascending, -min(dates), Order(min(dates), max(dates), len(dates))))
    return max(orders)[2] if orders else None


def _dates(values: Iterable[object]) -> list[float] | None:
    dates = []
    for value in values:
        timestamp = parse(value) if isinstance(value, str) else None
        if timestamp is None:
            return None
        dates.append(day_number(timestamp))
    return dates
