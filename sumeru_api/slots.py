"""Limits the requests in flight over all shops; one that takes too long gives up its slot and goes on."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_STEPS = 64
"""A slot is free again after so many steps, each of which takes one round of the event loop or more."""


class Slots:
    """Slots of one event loop: they bound memory, and a host that hangs cannot keep them for long.

    One timer serves all slots. It takes no step while this process is busy: holders that wait for the process
    itself keep their slots, so that a busy process starts no more than it can finish.

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
        self._step_seconds = max_hold_seconds / _STEPS
        self._wait_until_ready = wait_until_ready
        self._held: deque[Slot] = deque()  # in the order in which they are to be released
        self._steps = 0
        self._step_began = 0.0

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
        self._release_later(slot)
        return slot

    def _release_later(self, slot: Slot) -> None:
        if not self._held:
            self._start_step()
        has_begun = asyncio.get_running_loop().time() > self._step_began
        slot.release_at = self._steps + _STEPS + has_begun  # a step that has begun does not count
        self._held.append(slot)

    def _start_step(self) -> None:
        loop = asyncio.get_running_loop()
        self._step_began = loop.time()
        loop.call_later(self._step_seconds, self._end_step)

    def _end_step(self) -> None:
        self._steps += 1
        held = self._held
        while held and (held[0].is_released or held[0].release_at <= self._steps):
            held.popleft().release()
        if held:
            self._start_step()


class Slot:
    """A slot that somebody holds.

    Attributes:
        release_at: Number of the step that releases it, at the latest.
    """

    __slots__ = ("_semaphore", "release_at")

    def __init__(self, semaphore: asyncio.Semaphore) -> None:
        self._semaphore: asyncio.Semaphore | None = semaphore
        self.release_at = 0

    @property
    def is_released(self) -> bool:
        """Whether it is released."""
        return self._semaphore is None

    def release(self) -> None:
        """Release the slot; only the first call has an effect."""
        if self._semaphore is not None:
            self._semaphore.release()
            self._semaphore = None
