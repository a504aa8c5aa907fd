"""Pace of one token: as fast as the API's rate limit allows, learned from the headers of its responses."""

from __future__ import annotations

import random
from math import inf
from typing import TYPE_CHECKING

from sumeru_api.timestamps import http_date

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MINUTE = 60.0
_BURST_SECONDS = 9.5
"""Documented: twice the steady rate for about ten seconds; a little less, since requests bunch on the way."""
_BURST_FACTOR = 2.0
_NEGLIGIBLE = 1e-6
"""Seconds that are too few to wait for."""
_CLOCK_MARGIN = 0.05
"""Seconds to wait beyond the end of the API's minute, since two clocks never agree exactly."""
_DEFAULT_PAUSE = 5.0
"""Documented wait in seconds after a 429 without `Retry-After`."""
_MAX_BACKOFF = 60.0
MAX_WAIT = 900.0
"""Seconds: a rate limit that asks for a longer wait fails the shop instead of holding up the sync."""
_RECOVERY = 60.0
"""Seconds without a 429 after which one more request may be in flight, if no headers state the limit."""


class RateLimiter:
    """Paces the requests of one token.

    It performs no I/O and does not wait: the caller passes readings of one monotonic clock, in seconds.

    Args:
        share: Share of the rate limit that may be used, above 0 and at most 1.
        concurrency: Requests in flight, at most.
        jitter: Returns a random fraction of a second that is added to a pause.

    Attributes:
        concurrency: As above.
        in_flight: Requests that have started and not ended.
        unanswered: Requests in a row without a response; those that fail side by side count once.
    """

    def __init__(self, share: float, concurrency: int, jitter: Callable[[], float] = random.random) -> None:
        self._share = share
        self._jitter = jitter
        self.concurrency = concurrency
        self._max_in_flight = 1  # until the first response
        self._rate: float | None = None  # requests per second
        self._credit = 0.0  # requests that the burst allows on top of the rate
        self._credit_at = 0.0
        self._next_at = -inf
        self._paused_until = -inf
        self._remaining = inf
        self._resets_at = -inf
        self._refused_at = -inf
        self._failed_at = -inf
        self.in_flight = 0
        self.unanswered = 0

    def wait(self, now: float) -> float | None:
        """Return the seconds until a request may start; None if one in flight must end first."""
        if self.in_flight >= self._max_in_flight:
            return None
        if now < self._paused_until:
            return self._paused_until - now
        if self._remaining < 1 and now < self._resets_at:
            return self._resets_at - now
        if self._rate is None:
            return 0.0
        self._earn(now)
        wait = max((1 - self._credit) / self._rate, self._next_at - now)
        return wait if wait > _NEGLIGIBLE else 0.0

    @property
    def per_minute(self) -> float | None:
        """Requests per minute that may be sent, None until a response has stated the limit."""
        return None if self._rate is None else self._rate * _MINUTE

    @property
    def free(self) -> int:
        """How many more requests may be in flight."""
        return self._max_in_flight - self.in_flight

    def started(self, now: float) -> None:
        """Record that a request starts."""
        self.in_flight += 1
        if now >= self._resets_at:
            self._remaining = inf
        self._remaining -= 1
        if self._rate is not None:
            self._earn(now)
            self._credit -= 1
            self._next_at = max(now, self._next_at) + 1 / (_BURST_FACTOR * self._rate)

    def cancelled(self) -> None:
        """Record that a request was given up before its response came."""
        self.in_flight -= 1

    def failed(self, now: float, started_at: float) -> None:
        """Record that a request ended without a response: one at a time until the next response.

        From the second in a row on, the next request waits, each time for longer: the host is at fault.
        """
        self.in_flight -= 1
        self._max_in_flight = 1
        if started_at < self._failed_at:
            return
        self._failed_at = now
        self.unanswered += 1
        if self.unanswered > 1:
            backoff = min(_MAX_BACKOFF, 2.0 ** (self.unanswered - 1))
            self._paused_until = max(self._paused_until, now + backoff * self._jitter())

    def answered(self, now: float, headers: Mapping[str, str]) -> None:
        """Learn from a response that is not a refusal.

        Args:
            now: When it came.
            headers: Its headers; names are case-insensitive.
        """
        self.in_flight -= 1
        self.unanswered = 0
        if self._learn(now, headers) or self._refused_at == -inf:
            self._max_in_flight = self.concurrency
        elif now - self._refused_at > _RECOVERY:
            self._max_in_flight = min(self.concurrency, self._max_in_flight + 1)
            self._refused_at = now

    def refused(self, now: float, headers: Mapping[str, str]) -> None:
        """Learn from a response with which the rate limit refused the request: pause the whole token."""
        self.in_flight -= 1
        self.unanswered = 0
        states_limit = self._learn(now, headers)
        pause = retry_after(headers)
        pause = _DEFAULT_PAUSE if pause is None else pause
        self._paused_until = max(self._paused_until, now + pause + self._jitter())
        if not states_limit:
            self._max_in_flight = max(1, self._max_in_flight // 2)
        self._refused_at = now
        self._credit = 0.0

    def _learn(self, now: float, headers: Mapping[str, str]) -> bool:
        """Learn the limit and what remains of it; return whether the headers state a limit."""
        limit = _number(headers.get("X-RateLimit-Limit"))
        if not limit or limit <= 0:
            return False
        rate = limit * self._share / _MINUTE
        if self._rate is None:
            self._credit, self._credit_at = _BURST_SECONDS * rate, now
        elif rate != self._rate:
            self._earn(now)
            self._credit = min(self._credit, _BURST_SECONDS * rate)
        self._rate = rate
        remaining = _number(headers.get("X-RateLimit-Remaining"))
        reset = _number(headers.get("X-RateLimit-Reset"))
        served = _http_date(headers.get("Date"))
        if remaining is not None and reset is not None and served is not None:
            resets_at = now + min(max(reset - served, 0.0), _MINUTE) + _CLOCK_MARGIN
            self._count(now, remaining - self.in_flight, resets_at)
        return True

    def _count(self, now: float, remaining: float, resets_at: float) -> None:
        # The dates are whole seconds: an end that is a second later still means the same window.
        if resets_at > self._resets_at + 1 or now >= self._resets_at:
            self._remaining, self._resets_at = remaining, resets_at
        else:
            self._remaining = min(self._remaining, remaining)
            self._resets_at = min(self._resets_at, resets_at)

    def _earn(self, now: float) -> None:
        rate = self._rate or 0.0
        self._credit = min(_BURST_SECONDS * rate, self._credit + (now - self._credit_at) * rate)
        self._credit_at = now


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` asks for, as a number or as an HTTP date; None if absent."""
    value = headers.get("Retry-After")
    seconds = _number(value)
    if seconds is not None:
        return max(0.0, seconds)
    until, served = _http_date(value), _http_date(headers.get("Date"))
    return max(0.0, until - served) if until is not None and served is not None else None


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return number if number is not None and abs(number) < inf else None


def _http_date(text: str | None) -> float | None:
    timestamp = http_date(text)
    return None if timestamp is None else timestamp.timestamp()
