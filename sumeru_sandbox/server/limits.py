"""The rate limit: a window of a minute, and in any ten seconds at most twice the steady rate."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW = 60
BURST_WINDOW = 10
BURST_FACTOR = 2


class Verdict(NamedTuple):
    """Whether a request may pass: `retry_after` is none if so."""

    limit: int
    remaining: int
    reset: int
    retry_after: int | None = None


class _Account:
    """What a token has spent."""

    def __init__(self) -> None:
        self.start = -math.inf
        self.used = 0
        self.recent: deque[tuple[float, int]] = deque()
        self.burst = 0


class Limiter:
    """Counts the requests of each token."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._accounts: dict[str, _Account] = {}

    def reset(self) -> None:
        """Forget all requests."""
        self._accounts.clear()

    def take(self, token: str, limit: int, cost: int = 1) -> Verdict:
        """Let a request pass, or say when to come again; one that may not pass costs nothing."""
        now = self._now()
        account = self._accounts.setdefault(token, _Account())
        if now >= account.start + WINDOW:
            account.start, account.used = now, 0
        while account.recent and account.recent[0][0] <= now - BURST_WINDOW:
            account.burst -= account.recent.popleft()[1]
        end = account.start + WINDOW
        wait = max(self._window_wait(account, limit, cost, now), self._burst_wait(account, limit, cost, now))
        if wait > 0:
            return Verdict(limit, 0, math.ceil(end), math.ceil(wait))
        account.used += cost
        account.burst += cost
        account.recent.append((now, cost))
        return Verdict(limit, max(0, limit - account.used), math.ceil(end))

    @staticmethod
    def _window_wait(account: _Account, limit: int, cost: int, now: float) -> float:
        """Seconds until the window has room; whatever costs more than a window takes a whole one."""
        return account.start + WINDOW - now if account.used + min(cost, limit) > limit else 0

    @staticmethod
    def _burst_wait(account: _Account, limit: int, cost: int, now: float) -> float:
        """Seconds until enough of the last ten seconds' requests are past."""
        room = max(1, BURST_FACTOR * limit * BURST_WINDOW // WINDOW)
        over = account.burst + min(cost, room) - room
        wait = 0.0
        for moment, spent in account.recent:
            if over <= 0:
                break
            over -= spent
            wait = moment + BURST_WINDOW - now
        return wait
