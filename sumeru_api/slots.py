"""Limits the requests in flight of all shops: one that takes too long frees its slot, but runs on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Slots:
    """Slots of one event loop: they bound memory, and a host that hangs cannot keep them for long.

    Args:
        count: How many slots there are.
        max_hold_seconds: Seconds after which a slot is free again, although its holder is still running.
        wait_until_ready: Awaited by each holder before it starts; None to start at once.
    """

    def __init__(
        self,
        count: int,
        max_hold_seconds: float,
        wait_until_ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._semaphore = asyncio.Semaphore(count)
        self._max_hold_seconds = max_hold_seconds
        self._wait_until_ready = wait_until_ready

    async def ready(self) -> None:
        """Wait until the holder of a slot may start."""
        if self._wait_until_ready is not None:
            await self._wait_until_ready()

    async def acquire(self) -> Slot:
        """Wait for a slot and hold it, until `Slot.release`."""
        await self._semaphore.acquire()
        slot = Slot(self._semaphore)
        try:
            await self.ready()
        except BaseException:
            slot.release()
            raise
        slot.release_later(self._max_hold_seconds)
        return slot


class Slot:
    """A slot that somebody holds."""

    __slots__ = ("_semaphore", "_timer")

    def __init__(self, semaphore: asyncio.Semaphore) -> None:
        self._semaphore: asyncio.Semaphore | None = semaphore
        self._timer: asyncio.TimerHandle | None = None

    def release_later(self, seconds: float) -> None:
        """Release the slot after so many seconds, unless it is released earlier."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self.release)

    def release(self) -> None:
        """Release the slot; only the first call has an effect."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._semaphore is not None:
            self._semaphore.release()
            self._semaphore = None
