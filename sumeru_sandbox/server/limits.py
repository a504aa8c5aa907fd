"""The rate limit: a one-minute window, and bursts of at most twice the steady rate over ten seconds."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW = 60
BURST_WINDOW = 10
BURST_FACTOR = 2


class RateLimitStatus(NamedTuple):
    """The state of a limit after a request; `retry_after` is None if the request is allowed."""

    limit: int
    remaining: int
    reset: int
    retry_after: int | None = None


class _TokenUsage:
    """The requests of one token in the current windows."""

    def __init__(self) -> None:
        self.start = -math.inf
        self.used = 0
        self.recent: deque[tuple[float, int]] = deque()
        self.burst = 0


class Limiter:
    """Counts the requests of each token and decides which are allowed."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._usage: dict[str, _TokenUsage] = {}

    def reset(self) -> None:
        """Discard all counts."""
        self._usage.clear()

    def take(self, token: str, limit: int, cost: int = 1) -> RateLimitStatus:
        """Allow and count a request, or say when to retry; a refused request is not counted."""
        now = self._now()
        usage = self._usage.setdefault(token, _TokenUsage())
        if now >= usage.start + WINDOW:
            usage.start, usage.used = now, 0
        while usage.recent and usage.recent[0][0] <= now - BURST_WINDOW:
            usage.burst -= usage.recent.popleft()[1]
        end = usage.start + WINDOW
        wait = max(self._window_wait(usage, limit, cost, now), self._burst_wait(usage, limit, cost, now))
        if wait > 0:
            return RateLimitStatus(limit, 0, math.ceil(end), math.ceil(wait))
        usage.used += cost
        usage.burst += cost
        usage.recent.append((now, cost))
        return RateLimitStatus(limit, max(0, limit - usage.used), math.ceil(end))

    @staticmethod
    def _window_wait(usage: _TokenUsage, limit: int, cost: int, now: float) -> float:
        """Return the seconds until the window has room; a cost above the limit needs an empty window."""
        return usage.start + WINDOW - now if usage.used + min(cost, limit) > limit else 0

    @staticmethod
    def _burst_wait(usage: _TokenUsage, limit: int, cost: int, now: float) -> float:
        """Return the seconds until enough of the recent requests leave the burst window."""
        room = max(1, BURST_FACTOR * limit * BURST_WINDOW // WINDOW)
        over = usage.burst + min(cost, room) - room
        wait = 0.0
        for timestamp, spent in usage.recent:
            if over <= 0:
                break
            over -= spent
            wait = timestamp + BURST_WINDOW - now
        return wait
