"""The number of requests that a rate limit lets through: the best that a client without latency can do.

Both counts run the sandbox's own limiter on a clock of their own.

`documented` is the best that keeps to the documentation: the limit each minute, and a burst of twice the
steady rate for about ten seconds, which builds up again while fewer requests are made. `possible` is
everything that the limiter lets pass: it also passes twice the rate for half a minute, then nothing for the
other half.
"""

from __future__ import annotations

from functools import cache

from benchmarks.sandbox import BURST_FACTOR, BURST_WINDOW, WINDOW, Limiter

_STEPS = 200  # a second


@cache
def documented(limit: int, seconds: float) -> int:
    """Return how many requests pass within some seconds at the documented pace."""
    rate = limit / WINDOW
    credit = most = BURST_WINDOW * (BURST_FACTOR - 1) * rate
    sent, following = 0, 0.0
    now = [0.0]
    limiter = Limiter(lambda: now[0])
    for step in range(int(seconds * _STEPS)):
        now[0] = step / _STEPS
        while following <= now[0] and credit >= 1 and limiter.take("", limit).retry_after is None:
            sent += 1
            credit -= 1
            following = max(following, now[0] - 1 / _STEPS) + 1 / (BURST_FACTOR * rate)
        credit = min(most, credit + rate / _STEPS)
    return sent


@cache
def possible(limit: int, seconds: float) -> int:
    """Return how many requests pass within some seconds at any pace."""
    sent = 0
    now = [0.0]
    limiter = Limiter(lambda: now[0])
    for step in range(int(seconds * _STEPS)):
        now[0] = step / _STEPS
        while limiter.take("", limit).retry_after is None:
            sent += 1
    return sent
