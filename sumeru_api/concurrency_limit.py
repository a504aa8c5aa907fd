"""How many requests of one token may be in flight: fewer after refusals, then slowly more again."""

from __future__ import annotations

from math import inf

_PATIENCE = 60.0
"""Seconds without a refusal after which one more request may be in flight."""
_MAX_PATIENCE = 960.0


class ConcurrencyLimit:
    """Counts the requests in flight and adapts how many there may be.

    The level begins at one and grows with each response up to the ceiling. The ceiling begins at the
    concurrency of the settings. A refusal that other requests in flight may have caused halves it; then it
    grows by one at a time, and an attempt that is refused is taken back and made later the next time.

    Args:
        concurrency: Requests in flight, at most.

    Attributes:
        count: Requests that have started and not ended.
    """

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._ceiling = concurrency
        self._level = 1
        self._patience = _PATIENCE
        self._refused_at = -inf
        self._raised_at = -inf
        self._trying = False  # whether the ceiling was raised and no refusal came since
        self.count = 0

    @property
    def free(self) -> int:
        """How many more requests may be in flight."""
        return self._level - self.count

    def started(self) -> None:
        """Record that a request starts."""
        self.count += 1

    def ended(self) -> None:
        """Record that a request ended, with whatever outcome."""
        self.count -= 1

    def failed(self) -> None:
        """Record that a request had no response: one at a time until the next response."""
        self._level = 1

    def answered(self, now: float) -> None:
        """Record a response that is not a refusal."""
        quiet = now - max(self._refused_at, self._raised_at)
        if self._ceiling < self._concurrency and quiet > self._patience:
            if self._trying:
                self._patience = _PATIENCE  # the last attempt was not refused
            self._ceiling += 1
            self._raised_at, self._trying = now, True
        self._level = min(self._ceiling, self._level + 1)

    def refused(self, now: float, started_at: float) -> None:
        """Record a refusal that is not explained by the number of requests per minute.

        Requests that were refused side by side count once, and one that was alone in flight does not count.

        Args:
            now: When the refusal came, before the request has ended.
            started_at: When the request started.
        """
        if self.count <= 1 or started_at < self._refused_at:
            return
        if self._trying:
            self._ceiling = max(1, self._ceiling - 1)
            self._patience = min(_MAX_PATIENCE, 2 * self._patience)
        else:
            self._ceiling = max(1, min(self._level, self.count) // 2)
        self._level = min(self._level, self._ceiling)
        self._refused_at, self._trying = now, False
