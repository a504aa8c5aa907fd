"""The API's documented rate limit without HTTP, on a clock that the test moves."""

from __future__ import annotations

from collections import deque
from email.utils import formatdate

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

    def ask(self, now: float) -> tuple[int, dict[str, str]]:
        if now >= self.window + 60:
            self.window, self.used = now - (now - self.window) % 60, 0
        while self.recent and self.recent[0] <= now - 10:
            self.recent.popleft()
        reset = self.window + 60
        date = formatdate(EPOCH + now, usegmt=True)
        if self.used >= self.limit or len(self.recent) >= self.limit / 3:
            self.refused += 1
            return 429, {"Retry-After": str(int(reset - now) + 1), **self._headers(0, reset), "Date": date}
        self.used += 1
        self.recent.append(now)
        return 200, {**self._headers(self.limit - self.used, reset), "Date": date}

    def _headers(self, remaining: int, reset: float) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(int(EPOCH + reset + 0.999)),
        }
