"""Pace of a read: how many of its slices are open at a time, and how long its windows are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tap_sumeru.extract.windows import Growth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_sumeru.config.settings import StreamOptions
    from tap_sumeru.extract.windows import Window

_MIN_SLICES = 2
"""Slices in progress at least, so that the next request can go out while a page is processed."""


class Traffic(Protocol):
    """What a read has to know of the requests of its shop."""

    @property
    def concurrency(self) -> int:
        """How many requests may be in flight."""

    @property
    def backlogged(self) -> bool:
        """Whether a new request would have to wait for the rate limit."""


class Pace:
    """The pace of the read of one stream of one shop.

    Args:
        options: How the stream is read.
        traffic: The requests of the shop.
    """

    def __init__(self, options: StreamOptions, traffic: Traffic) -> None:
        self._options = options
        self._traffic = traffic
        self._growth = Growth(options.window_days)

    def slices(self, *, windows: bool, answered: bool) -> int:
        """Return how many slices should be in progress.

        While requests already wait for the rate limit, only as many windows are open as keep the queue busy:
        more would not be read any sooner. Until the first response, requests are sent one at a time.

        Args:
            windows: Whether the slices are the windows of one list.
            answered: Whether the API has answered.
        """
        if self._options.details:  # every row is a request: two pages of rows keep the queue busy
            return _MIN_SLICES
        if windows and (self._traffic.backlogged or not answered):
            return _MIN_SLICES
        return max(_MIN_SLICES, self._traffic.concurrency)

    def lengths(self) -> Iterator[int]:
        """Yield the length of each window in days, when it is needed.

        Windows may grow while requests wait for the rate limit; not with `details`, where every row is a
        request.
        """
        while True:
            may_grow = self._traffic.backlogged and not self._options.details
            yield self._growth.days if may_grow else self._options.window_days

    def learn(self, window: Window, pages: int) -> None:
        """Learn how many pages a window held."""
        self._growth.learn(window, pages)
