"""Request counters and recent query strings, by shop and stream."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

_MAX_QUERIES = 1000


class RequestStats:
    """Counts requests since the last reset, and stores the latest query strings."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Set all counters to zero."""
        self._counts: dict[tuple[str, str], dict[str, int]] = {}
        self._queries: dict[tuple[str, str], deque[str]] = {}
        self._methods: Counter[str] = Counter()

    def record(self, shop: str, stream: str, query: str, status: int, method: str = "GET") -> None:
        """Count one request."""
        self._methods[method] += 1
        counts = self._counts.setdefault((shop, stream), {"requests": 0, "rate_limited": 0, "errors": 0})
        counts["requests"] += 1
        if status == 429:  # noqa: PLR2004 - an HTTP status
            counts["rate_limited"] += 1
        elif status >= 400:  # noqa: PLR2004 - an HTTP status
            counts["errors"] += 1
        self._queries.setdefault((shop, stream), deque(maxlen=_MAX_QUERIES)).append(query)

    def report(self) -> dict[str, Any]:
        """Return totals, counts by method, and counts with the latest queries by shop and stream."""
        totals = {"requests": 0, "rate_limited": 0, "errors": 0}
        shops: dict[str, dict[str, Any]] = {}
        for (shop, stream), counts in self._counts.items():
            for name, number in counts.items():
                totals[name] += number
            queries = list(self._queries[shop, stream])
            shops.setdefault(shop, {})[stream] = {**counts, "queries": queries}
        return {**totals, "methods": dict(self._methods), "shops": shops}
