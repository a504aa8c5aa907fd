"""How fast one token may ask: at the API's limit, never above it, learned from its answers."""

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
_INSTANT = 1e-6
"""Seconds too few to wait for."""
_MARGIN = 0.05
"""Seconds after the end of the API's minute, since two clocks never tick alike."""
_DEFAULT_PAUSE = 5.0
"""Documented wait after a 429 without `Retry-After`, in seconds."""
_LONGEST_BACKOFF = 60.0
_RECOVERY = 60.0
"""Seconds without a 429 after which one more request may be in flight, where nothing else is known."""


class RateLimiter:
    """Paces the requests of one token. Not thread-safe: its lane calls it under a lock.

    All instants are readings of one monotonic clock, in seconds, given by the caller.

    Args:
        share: Share of the limit that may be used, above 0 and at most 1.
        concurrency: Requests in flight, at most.
        jitter: Gives a random part of a second that is added to a pause.
    """

    def __init__(
        self, share: float = 1.0, concurrency: int = 8, jitter: Callable[[], float] = random.random
    ) -> None:
        self._share = share
        self._jitter = jitter
        self.concurrency = concurrency
        self._at_most = 1  # until the first answer
        self._rate: float | None = None
        self._credit = 0.0  # requests of burst in hand
        self._credit_at = 0.0
        self._next_at = -inf
        self._paused_until = -inf
        self._remaining = inf
        self._resets_at = -inf
        self._refused_at = -inf
        self._failed_at = -inf
        self.in_flight = 0
        self.silence = 0
        """How often in a row nothing was answered; requests that failed side by side count once."""

    def wait(self, now: float) -> float | None:
        """Return the seconds until a request may start; None if one in flight must be answered first."""
        if self.in_flight >= self._at_most:
            return None
        if now < self._paused_until:
            return self._paused_until - now
        if self._remaining < 1 and now < self._resets_at:
            return self._resets_at - now
        if self._rate is None:
            return 0.0
        self._earn(now)
        wait = max((1 - self._credit) / self._rate, self._next_at - now)
        return wait if wait > _INSTANT else 0.0

    def started(self, now: float) -> None:
        """Take note that a request starts."""
        self.in_flight += 1
        if now >= self._resets_at:
            self._remaining = inf
        self._remaining -= 1
        if self._rate is not None:
            self._earn(now)
            self._credit -= 1
            self._next_at = max(now, self._next_at) + 1 / (_BURST_FACTOR * self._rate)

    def failed(self, now: float, began: float) -> None:
        """Take note that a request ended without an answer: one at a time until the next one comes.

        From the second in a row on, each waits for longer before the next: it is not the request's fault.
        """
        self.in_flight -= 1
        self._at_most = 1
        if began < self._failed_at:
            return
        self._failed_at = now
        self.silence += 1
        if self.silence > 1:
            backoff = min(_LONGEST_BACKOFF, 2.0 ** (self.silence - 1))
            self._paused_until = max(self._paused_until, now + backoff * self._jitter())

    def answered(self, now: float, status: int, headers: Mapping[str, str]) -> float:
        """Learn from an answer.

        Args:
            now: When it came.
            status: Its HTTP status.
            headers: Its headers, found whatever their case.

        Returns:
            Seconds that a 429 asks to wait, else 0.
        """
        self.in_flight -= 1
        self.silence = 0
        readable = self._learn(now, headers)
        if status == 429:  # noqa: PLR2004 - HTTP's own number
            return self._refused(now, headers, readable=readable)
        if readable or self._refused_at == -inf:
            self._at_most = self.concurrency
        elif now - self._refused_at > _RECOVERY:
            self._at_most = min(self.concurrency, self._at_most + 1)
            self._refused_at = now
        return 0.0

    def _refused(self, now: float, headers: Mapping[str, str], *, readable: bool) -> float:
        pause = retry_after(headers)
        pause = _DEFAULT_PAUSE if pause is None else pause
        self._paused_until = max(self._paused_until, now + pause + self._jitter())
        if not readable:
            self._at_most = max(1, self._at_most // 2)
        self._refused_at = now
        self._credit = 0.0
        return pause

    def _learn(self, now: float, headers: Mapping[str, str]) -> bool:
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
            self._count(
                now, remaining - self.in_flight, now + min(max(reset - served, 0.0), _MINUTE) + _MARGIN
            )
        return True

    def _count(self, now: float, remaining: float, resets_at: float) -> None:
        # The dates are whole seconds: an end a second later is the same window told again.
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
    instant = http_date(text)
    return None if instant is None else instant.timestamp()
