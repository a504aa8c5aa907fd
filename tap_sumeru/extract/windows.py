"""A range of time, cut into half-open windows of whole UTC days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sumeru_api.timestamps import DAY, midnight, shift

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ZONES = timedelta(hours=14)
"""No time zone is further than this from UTC, to either side."""
_PAGES = 25
"""What a window should hold: soon read again, and much beside what it costs."""
_LONGEST = 12
"""How many times the shortest the longest may be, since what is sparse may grow dense."""


@dataclass(frozen=True, slots=True)
class Window:
    """The instants from `start` up to, not including, `end`; an end of None is open."""

    start: datetime
    end: datetime | None

    def holds(self, instant: datetime) -> bool:
        """Return whether an instant lies inside."""
        return self.start <= instant and (self.end is None or instant < self.end)

    @property
    def asked(self) -> tuple[str, str | None]:
        """First and last day to ask the API for, `YYYY-MM-DD`, with room to spare on either side.

        One day for the time zone in which the API reads days, and one more at the end in case its last day
        is exclusive.
        """
        first, last = self._days()
        return first.date().isoformat(), last.date().isoformat() if last else None

    @property
    def reach(self) -> Window:
        """What a correct API may give for `asked`, whatever its time zone and its idea of a last day."""
        first, last = self._days()
        return Window(shift(first, -_ZONES), last and shift(last, DAY + _ZONES))

    def _days(self) -> tuple[datetime, datetime | None]:
        first = midnight(shift(self.start, -DAY))
        if self.end is None:
            return first, None
        last_instant = shift(self.end, -timedelta(microseconds=1))
        return first, midnight(shift(last_instant, 2 * DAY))


class Growth:
    """Learns how long the windows of a read should be.

    Each costs a page that is not full, and the days that are asked for beyond it; one that is interrupted is
    read again. So those that hold few pages are followed by longer ones, at most twice as long.

    Args:
        shortest: Length of the first, in days.
    """

    def __init__(self, shortest: int) -> None:
        self._shortest = shortest
        self.days = shortest
        """How long the next one should be, in days."""

    def learn(self, window: Window, pages: int) -> None:
        """Take note of how many pages a window held; an open one says nothing."""
        if window.end is None:
            return
        days = (window.end - window.start).days
        fitting = min(days * _PAGES // max(1, pages), 2 * days, _LONGEST * self._shortest)
        self.days = max(self._shortest, fitting)


def cut(start: datetime, end: datetime | None, now: datetime, lengths: Iterable[int]) -> Iterator[Window]:
    """Cut a range into windows of whole UTC days, in order of time.

    The first begins at the exact start. Without an end the last window, the one that holds `now`, is open.

    Args:
        start: Where the range begins.
        end: Where it ends, exclusive, or None.
        now: The present; cutting goes no further.
        lengths: Length of each window in days, without an end; each is asked for when its window is.
    """
    if end is not None and end <= start:
        return
    border = start
    horizon = now if end is None else min(now, end)
    for days in lengths:
        step = midnight(shift(border, days * DAY))
        if not border < step <= horizon or step == end:
            break
        yield Window(border, step)
        border = step
    yield Window(border, end)
