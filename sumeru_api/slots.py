"""Slots that bound what is under way at once; whoever holds one for too long no longer counts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Slots:
    """Slots of one event loop. They keep memory flat, and nobody waits for long behind a host that hangs.

    Args:
        count: How many slots there are.
        patience: Seconds after which a slot is given to the next one, although its holder is not done.
        ready: Waits until the holder of a slot may start; None if it always may.
    """

    def __init__(
        self, count: int, patience: float, ready: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._free = asyncio.Semaphore(count)
        self._patience = patience
        self._ready = ready

    async def ready(self) -> None:
        """Wait until the holder of a slot may start."""
        if self._ready is not None:
            await self._ready()

    async def acquire(self) -> Slot:
        """Wait for a slot and hold it, until `Slot.release`."""
        await self._free.acquire()
        slot = Slot(self._free)
        try:
            await self.ready()
        except BaseException:
            slot.release()
            raise
        slot.release_later(self._patience)
        return slot


class Slot:
    """A slot that somebody holds."""

    __slots__ = ("_free", "_timer")

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free: asyncio.Semaphore | None = free
        self._timer: asyncio.TimerHandle | None = None

    def release_later(self, seconds: float) -> None:
        """Release the slot in so many seconds, unless that has happened before."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self.release)

    def release(self) -> None:
        """Release the slot; only the first call has an effect."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._free is not None:
            self._free.release()
            self._free = None
