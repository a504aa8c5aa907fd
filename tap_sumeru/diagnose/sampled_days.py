"""What a sample of a few days has shown: how many rows, from when, and how the API reads a date filter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_sumeru.diagnose.density import Days
from tap_sumeru.extract.windows import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

ZONES = 2
"""Days by which a row may lie outside of the requested days: time zones, and a last day that is included."""
_CERTAIN = 3
"""Rows per day from which on an empty last day is no accident."""


class WholeDays(Window):
    """A window that is requested without the days that are added for time zones."""

    __slots__ = ()

    @property
    @override
    def requested_days(self) -> tuple[str, str]:
        """First and last day to request; `end` is the last day's midnight."""
        last = self.end or self.start
        return self.start.date().isoformat(), last.date().isoformat()


@dataclass(slots=True)
class Sampled:
    """What the pages of some days have shown.

    Attributes:
        rows: Their rows.
        complete: Whether these are all rows of the days.
        part: Days that the first and the last rows of a busy day cover, if only these were read; otherwise 0.
        oldest: The first replication key, in days since 1970.
        newest: The last one.
        refuted: Whether a row lies outside of the days, so that the filter does not act on the key.
        pages: Requests made.
    """

    rows: int = 0
    complete: bool = False
    part: float = 0.0
    oldest: float | None = None
    newest: float | None = None
    refuted: bool = False
    pages: int = 0

    def add(self, dates: Sequence[float], days: Days, rows: int) -> None:
        """Add a page, of so many rows with these replication keys."""
        self.refuted |= any(not days.first - ZONES <= one < days.end + ZONES for one in dates)
        self.rows += rows
        for one in dates:
            self.oldest = one if self.oldest is None else min(self.oldest, one)
            self.newest = one if self.newest is None else max(self.newest, one)

    def range_of(self, days: Days) -> tuple[float, float]:
        """Return the time that the rows represent: as long as they cover, in the middle of the days."""
        length = self.part or days.end - days.first
        middle = (days.first + days.end) / 2
        return middle - length / 2, middle + length / 2


@dataclass(slots=True)
class LastDay:
    """Whether a shop's API includes the last day of a date filter; unknown until a sample has shown it."""

    included: bool = True
    known: bool = False

    def covered(self, days: Days, found: Sampled) -> Days:
        """Learn from a complete sample; return the days that it covers."""
        if self.known or found.newest is None:
            return days
        if found.newest >= days.end - 1:
            self.known = True
        elif self.included and found.rows >= _CERTAIN * (days.end - days.first):
            # Many rows on each day, and none on the last: the filter excludes it.
            self.known, self.included = True, False
            return Days(days.first, days.end - 1)
        return days


@dataclass(slots=True)
class ApiBehaviour:
    """How a shop's API behaves, as far as the samples have shown.

    Attributes:
        last_day: Whether it includes the last day of a date filter.
        sorts: Whether it lists rows in the order of a date that is asked for, as far as is known.
    """

    last_day: LastDay = field(default_factory=LastDay)
    sorts: bool = True
