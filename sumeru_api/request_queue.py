"""Per-token request queue: requests wait here, in order, until the rate limit allows the next one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import Enum, auto
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from sumeru_api.errors import RateLimited
from sumeru_api.rate_limiter import MAX_WAIT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sumeru_api.rate_limiter import RateLimiter


_SILENT = 10.0
"""Seconds without a response after which a token waits for its host."""


class Reason(Enum):
    """What the requests of a token wait for."""

    RATE_LIMIT = auto()
    RESPONSE = auto()
    RETRY = auto()


class Wait(NamedTuple):
    """A wait of all requests of a token.

    Attributes:
        reason: What they wait for.
        since: When it began, or minus infinity.
        until: When it ends, or infinity, by the clock of the event loop.
    """

    reason: Reason
    since: float = -inf
    until: float = inf


class RequestQueue:
    """The requests of one token, first come, first served. It belongs to one event loop, whose clock it uses.

    Args:
        limiter: Decides when the next request may start.

    Attributes:
        requests: Requests answered so far.
        refused: How many of them the rate limit refused.
        held: Seconds for which the rate limit held back a request that was ready.
    """

    def __init__(self, limiter: RateLimiter) -> None:
        self.requests = 0
        self.refused = 0
        self.held = 0.0
        self._holders = 0
        self._held_since = 0.0
        self._limiter = limiter
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._waiting = 0
        self._held_until = self._retry_at = -inf
        self._silent_since = inf

    def wait_at(self, now: float) -> Wait | None:
        """Return what all requests wait for, None if they make progress. Any thread may ask.

        Args:
            now: The time by the clock of the event loop.
        """
        if self._limiter.in_flight:
            silent = now - self._silent_since >= _SILENT
            return Wait(Reason.RESPONSE, self._silent_since) if silent else None
        if self._waiting and self._held_until > now:
            reason = Reason.RETRY if self._limiter.unanswered else Reason.RATE_LIMIT
            return Wait(reason, until=self._held_until)
        return Wait(Reason.RETRY, until=self._retry_at) if self._retry_at > now else None

    @property
    def per_minute(self) -> float | None:
        """Requests per minute that the rate limit allows, None until a response has stated it."""
        return self._limiter.per_minute

    @property
    def in_flight(self) -> bool:
        """Whether a request is in flight."""
        return self._limiter.in_flight > 0

    @property
    def concurrency(self) -> int:
        """How many requests may be in flight."""
        return self._limiter.concurrency

    @property
    def backlogged(self) -> bool:
        """Whether a new request would have to wait for the rate limit."""
        if not self._waiting:
            return False
        now = asyncio.get_running_loop().time()
        return self._limiter.wait(now) != 0 or self._waiting > self._limiter.free

    @property
    def unanswered(self) -> int:
        """How many requests in a row had no response; 0 while one is in flight and may get one."""
        return 0 if self._limiter.in_flight else self._limiter.unanswered

    async def turn(self, ready: Callable[[], Awaitable[None]] | None = None, cost: int = 1) -> float:
        """Wait until the rate limit allows the next request, which starts now.

        Args:
            ready: Waits until a request can be sent. A turn that was taken earlier would be used too late:
                the requests held back in the meantime would go out at once and exceed the limit.
            cost: How many requests it counts as; pass the same value when its end is recorded.

        Returns:
            When it starts, by the clock of the event loop. `answered`, `refused_by_limit`, `failed` or
            `cancelled` must follow.
        """
        self._waiting += 1
        try:
            async with self._turn:
                now = await self._allowed(cost)
                while ready is not None:
                    await ready()
                    now = asyncio.get_running_loop().time()
                    if self._limiter.wait(now, cost) == 0:
                        break
                    now = await self._allowed(cost)
        finally:
            self._waiting -= 1
        if not self._limiter.in_flight:
            self._silent_since = now
        self._limiter.started(now, cost)
        return now

    def retrying(self, seconds: float) -> None:
        """Record that a request that has failed is sent again after so many seconds."""
        self._retry_at = max(self._retry_at, asyncio.get_running_loop().time() + seconds)

    async def _allowed(self, cost: int) -> float:
        clock = asyncio.get_running_loop().time
        held = False
        try:
            # Each round reads the clock once and then waits, so it cannot spin, whatever the clock does.
            while (wait := self._limiter.wait(now := clock(), cost)) != 0:
                if wait is not None and wait > MAX_WAIT:
                    raise RateLimited.too_long(wait)
                if wait and not self._limiter.unanswered and not held:
                    held = True
                    self._hold(now)
                self._held_until = now + (wait or 0.0)
                await self._change(wait)
        finally:
            if held:
                self._release(clock())
        return now

    async def sit_out(self, seconds: float) -> None:
        """Wait after a refusal, outside of the queue, so that other requests may go first."""
        clock = asyncio.get_running_loop().time
        now = clock()
        self._waiting += 1
        self._hold(now)
        self._held_until = max(self._held_until, now + seconds)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._waiting -= 1
            self._release(clock())

    def _hold(self, now: float) -> None:
        self._holders += 1
        if self._holders == 1:
            self._held_since = now

    def _release(self, now: float) -> None:
        self._holders -= 1
        if not self._holders:
            self.held += now - self._held_since

    async def _change(self, wait: float | None) -> None:
        """Wait until a request ends, at most for `wait` seconds."""
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._changed.wait()

    def answered(self, headers: Mapping[str, str], cost: int = 1) -> None:
        """Record a response, and learn from its headers."""
        self.requests += 1
        now = self._silent_since = asyncio.get_running_loop().time()
        self._limiter.answered(now, headers, cost)
        self._changed.set()

    def refused_by_limit(
        self, headers: Mapping[str, str], started_at: float, refusals: int = 1, cost: int = 1
    ) -> None:
        """Record a response with which the rate limit refused the request, so many times in a row."""
        self.requests += 1
        self.refused += 1
        now = self._silent_since = asyncio.get_running_loop().time()
        self._limiter.refused(now, headers, started_at, refusals, cost)
        self._changed.set()

    def failed(self, started_at: float, cost: int = 1) -> None:
        """Record that a request ended without a response."""
        self._limiter.failed(asyncio.get_running_loop().time(), started_at, cost)
        self._changed.set()

    def cancelled(self, cost: int = 1) -> None:
        """Record that a request was given up."""
        self._limiter.cancelled(cost)
        self._changed.set()
