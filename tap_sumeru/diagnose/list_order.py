"""The order of a list, from the dates of its first rows."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_api.timestamps import parse
from tap_sumeru.diagnose.workload import day_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MOSTLY = 0.75
"""Share of neighbouring rows that must be in order: some rows have a date from before or after their turn."""
_MIN_ROWS = 10
"""Fewer rows may be in order by chance."""


class Order(NamedTuple):
    """Dates of the first rows of a list that is sorted by date, oldest first.

    Attributes:
        name: The column of the date.
        first: The date of the first row, in days since 1970.
        per_day: How many of the first rows have their date in the same day.
        rows: How many the first rows are.
    """

    name: str
    first: float
    per_day: float
    rows: int

    def total(self, now: float) -> float:
        """Return how many rows the list has if all up to now are as dense as the first ones."""
        return self.per_day * max(0.0, now - self.first)


def oldest_first(records: Sequence[Mapping[str, Any]]) -> Order | None:
    """Return the order of rows that some date sorts, oldest first; None if no date does."""
    found: list[tuple[float, float, Order]] = []
    for name in records[0] if len(records) >= _MIN_ROWS else ():
        dates = _dates(record.get(name) for record in records)
        if dates is not None:
            ascending = sum(a <= b for a, b in pairwise(dates)) / (len(dates) - 1)
            order = _order(name, dates)
            if ascending >= _MOSTLY and order is not None:
                found.append((ascending, -order.first, order))  # a row's first date, if several sort it
    return max(found)[2] if found else None


def _order(name: str, dates: Sequence[float]) -> Order | None:
    """Return the order that the middle dates of the first and the last fifth show; single rows may be off."""
    fifth = len(dates) // 5
    early, late = median(dates[:fifth]), median(dates[-fifth:])
    if late <= early:
        return None
    per_row = (late - early) / (len(dates) - fifth)
    return Order(name, early - per_row * (fifth - 1) / 2, 1 / per_row, len(dates))


def _dates(values: Iterable[object]) -> list[float] | None:
    dates = []
    for value in values:
        timestamp = parse(value) if isinstance(value, str) else None
        if timestamp is None:
            return None
        dates.append(day_number(timestamp))
    return dates
