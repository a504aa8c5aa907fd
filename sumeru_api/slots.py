"""Slots that bound what is under way at once; whoever holds one for too long no longer counts."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Slots:
    """Slots of one event loop. They keep memory flat, and nobody waits for long behind a host that hangs.

    Args:
        count: How many slots there are.
        patience: Seconds after which a slot is given to the next one, although its holder is not done.
    """

    def __init__(self, count: int, patience: float) -> None:
        self._slots = asyncio.Semaphore(count)
        self._patience = patience

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Wait for a slot and hold it."""
        await self._slots.acquire()
        held = True

        def release() -> None:
            nonlocal held
            if held:
                held = False
                self._slots.release()

        timer = asyncio.get_running_loop().call_later(self._patience, release)
        try:
            yield
        finally:
            timer.cancel()
            release()
