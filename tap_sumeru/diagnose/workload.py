"""Requests and minutes of a read, from its rows per day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from sumeru_api.timestamps import midnight, shift
from tap_sumeru.catalog.streams import PAGE_SIZE
from tap_sumeru.extract.windows import Growth, cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_sumeru.extract.windows import Window

    RowsBetween = Callable[[float, float], float]

_EPOCH = date(1970, 1, 1).toordinal()
_DAY_SECONDS = 86_400
_BURST_SECONDS = 9.5
"""For this long, a token may send requests twice as fast as its limit (`sumeru_api/rate_limiter.py`)."""
_PROBE_DAYS = 4
"""Days that a probe of the date filter requests: the day of one row, with room on either side."""
_PROBE_PAGES = 10


def day_number(timestamp: datetime) -> float:
    """Return a timestamp as days since 1970."""
    return timestamp.timestamp() / _DAY_SECONDS


def day_start(number: int) -> datetime:
    """Return the first moment of a day, limited to the years 1 to 9999."""
    return midnight(shift(datetime.fromtimestamp(0, UTC), timedelta(days=number)))


def list_pages(rows: float) -> int:
    """Return the requests that a list of so many rows takes: one at least."""
    return max(1, ceil(rows / PAGE_SIZE))


def probe_pages(per_day: float) -> int:
    """Return the requests of the probe after a read without the date filter."""
    return min(_PROBE_PAGES, list_pages(_PROBE_DAYS * per_day))


def window_pages(
    rows: RowsBetween, start: datetime, end: datetime | None, now: datetime, window_days: int, *, grows: bool
) -> float:
    """Return the requests that a range takes in windows, cut as a sync cuts it.

    Args:
        rows: Returns the rows between two times, in days since 1970.
        start: Where the range begins.
        end: Where it ends, exclusive, or None.
        now: The present.
        window_days: Length of the first window.
        grows: Whether windows that hold few pages are followed by longer ones.
    """
    growth = Growth(window_days)
    total, previous = 0.0, None

    def lengths() -> Iterator[int]:
        while True:
            yield growth.days if grows else window_days

    for window in cut(start, end, now, lengths()):
        pages = _pages(rows, window)
        total += pages
        if previous is not None:  # two windows are open at a time, so a window is one behind
            growth.learn(*previous)
        previous = (window, ceil(pages))
    return total


def _pages(rows: RowsBetween, window: Window) -> float:
    first, last = (date.fromisoformat(day).toordinal() - _EPOCH for day in window.requested_days)
    # The last page of a window is half full on average.
    return max(1.0, rows(first, last + 1) / PAGE_SIZE + 0.5)


@dataclass(frozen=True, slots=True)
class EstimatedPace:
    """How fast a shop can be read.

    Attributes:
        per_minute: Requests a minute that may be sent, None if the API states no limit.
        latency: Seconds from a request to its response.
        concurrency: Requests in flight, at most.
    """

    per_minute: float | None
    latency: float
    concurrency: int

    def seconds(self, requests: float, longest: float) -> float:
        """Return how long requests take.

        Args:
            requests: All of them.
            longest: The most of them that follow one another, each with a cursor of the one before.
        """
        answered = max(longest, requests / self.concurrency) * self.latency
        if self.per_minute is None:
            return answered
        rate = self.per_minute / 60
        allowed = max(requests / rate - _BURST_SECONDS, requests / (2 * rate))
        return max(answered, allowed)
