"""The API's documented rate limit without HTTP, on a clock that the test moves."""

from __future__ import annotations

from collections import deque
from email.utils import formatdate
from math import ceil

EPOCH = 1_800_000_000.0
"""The server's time at time 0 of the test."""


class FakeApi:
    """The limits of one token: requests per minute, and twice the steady rate within ten seconds.

    Args:
        limit: Requests per minute.
        spent: Requests that other clients have sent in the current minute.

    Attributes:
        refused: Number of requests that were answered with a 429.
    """

    def __init__(self, limit: int, *, spent: int = 0) -> None:
        self.limit = limit
        self.window = 0.0
        self.used = spent
        self.recent: deque[float] = deque()
        self.refused = 0

    def ask(self, now: float, cost: int = 1) -> tuple[int, dict[str, str]]:
        """Return the status and the headers of the answer to a request that costs so much."""
        room = ceil(self.limit / 3)
        if now >= self.window + 60:
            self.window, self.used = now - (now - self.window) % 60, 0
        while self.recent and self.recent[0] <= now - 10:
            self.recent.popleft()
        reset = self.window + 60
        date = formatdate(EPOCH + now, usegmt=True)
        # What costs more than a window allows needs an empty one.
        full = self.used + min(cost, self.limit) > self.limit
        if full or len(self.recent) + min(cost, room) > room:
            self.refused += 1
            return 429, {"Retry-After": str(int(reset - now) + 1), **self._headers(0, reset), "Date": date}
        self.used += cost
        self.recent.extend([now] * cost)
        return 200, {**self._headers(max(0, self.limit - self.used), reset), "Date": date}

    def _headers(self, remaining: int, reset: float) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(int(EPOCH + reset + 0.999)),
        }
