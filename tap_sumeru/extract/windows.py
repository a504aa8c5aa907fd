"""A range of time, cut into half-open windows of whole UTC days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from sumeru_api.timestamps import DAY, midnight, shift

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ZONES = timedelta(hours=14)
"""No time zone is further than this from UTC, to either side."""
_PAGES = 25
"""Pages that a window should hold: few enough to read again after a crash, many beside its overhead."""
_MAX_GROWTH = 12
"""How many times longer than `window_days` a window may be, since a sparse stream may become dense."""


@dataclass(frozen=True, slots=True)
class Window:
    """The moments from `start` up to, not including, `end`; an end of None is open."""

    start: datetime
    end: datetime | None

    def holds(self, timestamp: datetime) -> bool:
        """Return whether a moment lies inside."""
        return self.start <= timestamp and (self.end is None or timestamp < self.end)

    @property
    def splittable(self) -> bool:
        """Whether it is longer than a day, as far as that is known."""
        return self.end is None or self.end - self.start > DAY

    @property
    def requested_days(self) -> tuple[str, str | None]:
        """First and last day to request from the API, `YYYY-MM-DD`, with room on either side.

        One day for the time zone in which the API reads days, and one more at the end in case its last day
        is exclusive.
        """
        first, last = _days(self.start, self.end)
        return first.date().isoformat(), last.date().isoformat() if last else None

    @property
    def reach(self) -> Window:
        """What a correct API may return for the requested days, whatever its zone and its last day."""
        first, last = _days(self.start, self.end)
        return Window(shift(first, -_ZONES), last and shift(last, DAY + _ZONES))


@lru_cache
def _days(start: datetime, end: datetime | None) -> tuple[datetime, datetime | None]:
    """Return first and last day to request for a window; slices of many parents have the same window."""
    first = midnight(shift(start, -DAY))
    if end is None:
        return first, None
    last_moment = shift(end, -timedelta(microseconds=1))
    return first, midnight(shift(last_moment, 2 * DAY))


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
    yield Window(border, end)
