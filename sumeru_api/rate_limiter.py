"""Pace of one token: as fast as the API's rate limit allows, learned from the headers of its responses."""

from __future__ import annotations

import random
import time
from math import inf
from typing import TYPE_CHECKING

from sumeru_api.concurrency_limit import ConcurrencyLimit
from sumeru_api.rate_headers import budget, is_cached, retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sumeru_api.rate_headers import Budget

MAX_WAIT = 900.0
"""Seconds: a rate limit that asks for a longer wait fails the shop instead of holding up the sync."""
_MINUTE = 60.0
_BURST_SECONDS = 9.5
"""Documented: twice the steady rate for about ten seconds; a little less, since requests bunch on the way."""
_BURST_FACTOR = 2.0
_BURST_WINDOW = 10.05
"""Seconds without a request after one that costs more than the burst."""
_ROOM_SECONDS = 20.0
"""Documented: what a burst may cost at most, in seconds of the steady rate."""
_NEGLIGIBLE = 1e-6
"""Seconds that are too few to wait for."""
_CLOCK_MARGIN = 0.05
"""Seconds to wait beyond the end of the API's minute, since two clocks never agree exactly."""
_DEFAULT_PAUSE = 5.0
"""Documented wait in seconds after a 429 without `Retry-After`."""
_FIRST_PAUSE = 1.0
"""Seconds to wait at least after the first refusal of a request; twice as long after each further one."""
_MAX_BACKOFF = 60.0


def pause_after(headers: Mapping[str, str], refusals: int, clock: float) -> float:
    """Return the seconds to wait after a refusal: what the API asks for, but longer while refusals go on.

    Args:
        headers: Headers of the refusal.
        refusals: How many there were in a row.
        clock: The current Unix time.
    """
    asked = retry_after(headers, clock)
    # The exponent is bounded, so that no count of refusals overflows.
    growing = min(_MAX_BACKOFF, _FIRST_PAUSE * 2.0 ** min(refusals - 1, 10))
    return max(_DEFAULT_PAUSE if asked is None else asked, growing)


class RateLimiter:
    """Paces the requests of one token.

    It performs no I/O and does not wait: the caller passes readings of one monotonic clock, in seconds.
    Requests are counted by their cost: a bulk write costs as many as it has items, any other request one.

    Args:
        share: Share of the rate limit that may be used, above 0 and at most 1.
        concurrency: Requests in flight, at most.
        jitter: Returns a random fraction of a second that is added to a pause.
        clock: Returns the Unix time, for dates in headers without a `Date` beside them.

    Attributes:
        concurrency: As above.
        unanswered: Requests in a row without a response; those that fail side by side count once.
    """

    def __init__(
        self,
        share: float,
        concurrency: int,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._share = share
        self._jitter = jitter
        self._clock = clock
        self.concurrency = concurrency
        self._limit_in_flight = ConcurrencyLimit(concurrency)
        self._rate: float | None = None  # requests per second
        self._credit = 0.0  # what the burst allows on top of the rate; below 0 after an expensive request
        self._credit_at = 0.0
        self._next_at = -inf
        self._paused_until = -inf
        self._remaining = inf
        self._limit = inf  # cost per minute that the API allows
        self._spent = 0  # cost of the requests of this minute
        self._in_flight = 0  # cost of the requests in flight
        self._resets_at = -inf
        self._failed_at = -inf
        self._refusals = 0  # since the last response that was not a refusal
        self.unanswered = 0

    def wait(self, now: float, cost: int = 1) -> float | None:
        """Return the seconds until a request may start; None if one in flight must end first.

        A request that costs more than the API allows in a minute may start when a whole minute is left.
        The pace alone never asks for more than `MAX_WAIT`: only a wait that the API sets may fail the shop.
        """
        if self._limit_in_flight.free <= 0:
            return None
        if now < self._paused_until:
            return self._paused_until - now
        if now < self._resets_at and (
            self._remaining < min(cost, self._limit) or self._share_used_up(now, cost)
        ):
            return self._resets_at - now
        if self._rate is None:
            return 0.0
        self._earn(now)
        wait = max((min(cost, self._burst(_ROOM_SECONDS)) - self._credit) / self._rate, self._next_at - now)
        return min(wait, MAX_WAIT) if wait > _NEGLIGIBLE else 0.0

    @property
    def per_minute(self) -> float | None:
        """Requests per minute that may be sent, None until a response has stated the limit."""
        return None if self._rate is None else self._rate * _MINUTE

    @property
    def free(self) -> int:
        """How many more requests may be in flight."""
        return self._limit_in_flight.free

    @property
    def in_flight(self) -> int:
        """How many requests have started and not ended."""
        return self._limit_in_flight.count

    def started(self, now: float, cost: int = 1) -> None:
        """Record that a request starts."""
        self._limit_in_flight.started()
        self._in_flight += cost
        if now >= self._resets_at:
            self._remaining, self._spent = inf, 0
        self._remaining -= cost
        self._spent += cost
        if self._rate is not None:
            self._earn(now)
            burst = self._burst(_BURST_SECONDS)
            # What was saved up beyond the burst is for expensive requests alone.
            self._credit = min(self._credit, max(cost, burst))
            spacing = cost / (_BURST_FACTOR * self._rate) if cost <= burst else _BURST_WINDOW
            self._next_at = max(now, self._next_at) + spacing
        self._credit -= cost

    def cancelled(self, cost: int = 1) -> None:
        """Record that a request was given up before its response came."""
        self._ended(cost)

    def failed(self, now: float, started_at: float, cost: int = 1) -> None:
        """Record that a request ended without a response: one at a time until the next response.

        From the second one in a row, the next request waits, longer each time: the host seems to be down.
        """
        self._ended(cost)
        self._limit_in_flight.failed()
        if started_at < self._failed_at:
            return
        self._failed_at = now
        self.unanswered += 1
        if self.unanswered > 1:
            backoff = min(_MAX_BACKOFF, 2.0 ** min(self.unanswered - 1, 10))
            self._paused_until = max(self._paused_until, now + backoff * self._jitter())

    def answered(self, now: float, headers: Mapping[str, str], cost: int = 1) -> None:
        """Learn from a response that is not a refusal.

        Args:
            now: When it came.
            headers: Its headers; names are case-insensitive.
            cost: How many requests it counts as.
        """
        self._ended(cost)
        self._limit_in_flight.answered(now)
        self.unanswered = self._refusals = 0
        if is_cached(headers):
            self._refund(now, cost)
        else:
            self._learn(now, budget(headers))

    def refused(
        self, now: float, headers: Mapping[str, str], started_at: float, refusals: int = 1, cost: int = 1
    ) -> None:
        """Learn from a response with which the rate limit refused the request: pause the whole token.

        The pause grows only while every response is a refusal and the same requests are refused again. It
        does not grow if each of many requests is refused once, or if only one kind of request is refused.

        Args:
            now: When it came.
            headers: Its headers; names are case-insensitive.
            started_at: When the request started.
            refusals: How often this request was refused in a row.
            cost: How many requests it counts as.
        """
        self.unanswered = 0
        self._refusals += 1
        learned = None if is_cached(headers) else budget(headers)
        if learned is None or (learned.remaining or 0) >= cost:
            self._limit_in_flight.refused(now, started_at)
        self._ended(cost)
        self._learn(now, learned)
        pause = pause_after(headers, min(refusals, self._refusals), self._clock())
        self._paused_until = max(self._paused_until, now + pause + self._jitter())
        self._credit = 0.0

    def _share_used_up(self, now: float, cost: int) -> bool:
        """Whether a request exceeds the share of this minute, whose rest may be used by another program.

        The burst would exceed it; then two programs that share a limit would be refused.
        """
        share = self._share * self._limit
        of_minute = self._resets_at - now <= _MINUTE + _CLOCK_MARGIN
        return self._share < 1 and of_minute and self._spent + min(cost, share) > share

    def _ended(self, cost: int) -> None:
        self._limit_in_flight.ended()
        self._in_flight -= cost

    def _refund(self, now: float, cost: int) -> None:
        """Take back what a request has cost: a cached response is free."""
        self._remaining += cost
        if self._rate is not None:
            self._earn(now)
            self._credit = min(self._burst(_ROOM_SECONDS), self._credit + cost)

    def _learn(self, now: float, learned: Budget | None) -> None:
        """Learn the limit and what remains of it."""
        if learned is None:
            return
        before, rate = self._rate, learned.limit * self._share / _MINUTE
        self._earn(now)
        self._rate, self._limit = rate, learned.limit
        if before is None:
            self._credit += self._burst(_BURST_SECONDS)
        elif before != rate:
            self._credit = min(self._credit, self._burst(_BURST_SECONDS))
        if learned.remaining is not None and learned.reset_in is not None:
            self._count(now, learned.remaining - self._in_flight, now + learned.reset_in + _CLOCK_MARGIN)

    def _count(self, now: float, remaining: float, resets_at: float) -> None:
        # The dates are whole seconds: an end that is a second later still means the same window.
        if resets_at > self._resets_at + 1 or now >= self._resets_at:
            self._remaining, self._resets_at = remaining, resets_at
        else:
            self._remaining = min(self._remaining, remaining)
            self._resets_at = min(self._resets_at, resets_at)

    def _burst(self, seconds: float) -> float:
        """Return what so many seconds of the steady rate allow, at least one request."""
        return max(1.0, seconds * (self._rate or 0.0))

    def _earn(self, now: float) -> None:
        earned = (now - self._credit_at) * (self._rate or 0.0)
        self._credit = min(self._burst(_ROOM_SECONDS), self._credit + earned)
        self._credit_at = now
