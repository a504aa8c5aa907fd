"""A range of time, cut into half-open windows of whole UTC days."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from sumeru_api.timestamps import DAY, ZONES, midnight, shift

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PAGES = 25
"""Pages that a window should hold: few enough to read again after a crash, many beside its overhead."""
_MAX_GROWTH = 12
"""How many times longer than `window_days` a window may be, since a sparse stream may become dense."""


@dataclass(frozen=True, slots=True)
class Window:
    """The moments from `start` up to, not including, `end`.

    Attributes:
        start: The first moment.
        end: The first moment after it, None if it is open.
        now: The present, up to which an open window is requested.
    """

    start: datetime
    end: datetime | None
    now: datetime | None = field(default=None, compare=False)

    def holds(self, timestamp: datetime) -> bool:
        """Return whether a moment lies inside."""
        return self.start <= timestamp and (self.end is None or timestamp < self.end)

    @property
    def splittable(self) -> bool:
        """Whether it is longer than a day, as far as that is known."""
        return self.end is None or self.end - self.start > DAY

    @property
    def requested_days(self) -> tuple[str, str]:
        """First and last day to request from the API, `YYYY-MM-DD`, with room on either side.

        One day for the time zone in which the API reads days, and one more at the end in case its last day
        is exclusive. An API may require both days, so an open window has a last day too.
        """
        first, last = _days(self.start, self.end or max(self.now or self.start, self.start))
        return first.date().isoformat(), last.date().isoformat()

    @property
    def accepted_range(self) -> Window:
        """What a correct API may return for the requested days, whatever its zone and its last day."""
        first, last = _days(self.start, self.end or self.start)
        return Window(shift(first, -ZONES), shift(last, DAY + ZONES) if self.end else None)

    def widened(self, by: timedelta) -> Window:
        """Return a window that is longer at both ends."""
        return Window(shift(self.start, -by), self.end and shift(self.end, by)) if by else self


@lru_cache
def _days(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return first and last day to request for a window; slices of many parents have the same window."""
    last_moment = shift(end, -timedelta(microseconds=1))
    return midnight(shift(start, -DAY)), midnight(shift(last_moment, 2 * DAY))


class Growth:
    """Learns how long the windows of a read should be.

    Each window costs one page that is not full, and the extra days that are requested around it; one that is
    interrupted is read again. So windows that hold few pages are followed by longer ones, at most twice as
    long.

    Args:
        shortest: Length of the first window, in days.
    """

    def __init__(self, shortest: int) -> None:
        self._shortest = shortest
        self.days = shortest
        """Length of the next window, in days."""

    def learn(self, window: Window, pages: int) -> None:
        """Learn how many pages a window held; an open window says nothing."""
        if window.end is None:
            return
        days = (window.end - window.start).days
        fitting = min(days * _PAGES // max(1, pages), 2 * days, _MAX_GROWTH * self._shortest)
        self.days = max(self._shortest, fitting)


def cut(start: datetime, end: datetime | None, now: datetime, lengths: Iterable[int]) -> Iterator[Window]:
    """Cut a range into windows of whole UTC days, in order of time.

    The first begins at the exact start. Without an end the last window, the one that holds `now`, is open.

    Args:
        start: Where the range begins.
        end: Where it ends, exclusive, or None.
        now: The present; cutting goes no further.
        lengths: Length of each window in days, an endless iterable; each is taken when its window is.
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
    yield Window(border, end, now)
