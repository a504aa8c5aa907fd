"""The one hand-over between the event loop that reads and the main thread that writes: bounded, in order."""

from __future__ import annotations

import asyncio
import queue
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

ItemT = TypeVar("ItemT")

MAX_PUTTING = 32
"""Items that may wait for room before no further read is started.

A new read takes a while to produce an item: with a lower number, the other thread would run out of work.
"""


class Handover(Generic[ItemT]):
    """Items on their way from an event loop to another thread.

    Args:
        capacity: How much may wait to be taken, in the unit of `size`; beyond that, `wait_for_room` waits.
        size: Returns the size of an item.
    """

    def __init__(self, capacity: int, size: Callable[[ItemT], int]) -> None:
        self._capacity = capacity
        self._size = size
        self._batches: queue.SimpleQueue[list[ItemT]] = queue.SimpleQueue()
        self._batch: list[ItemT] = []  # put in this round of the event loop
        self._taken: deque[ItemT] = deque()
        # Each thread has a counter of its own, so that neither can overwrite what the other has counted.
        self._size_put = 0
        self._size_taken = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._putting: deque[asyncio.Future[None]] = deque()
        self._starting: deque[asyncio.Future[None]] = deque()
        self._wanted = False  # whether the event loop is to be called when there is room

    # In the event loop

    async def wait_for_room(self) -> None:
        """Wait until there is room for another item; whoever came first goes first."""
        if not self._putting and self._has_room(self._capacity):
            return
        await self._wait_in(self._putting)

    async def wait_to_start(self) -> None:
        """Wait while many items wait for room: a new read would only add to them."""
        if len(self._putting) >= MAX_PUTTING:
            await self._wait_in(self._starting)

    async def _wait_in(self, line: deque[asyncio.Future[None]]) -> None:
        self._loop = asyncio.get_running_loop()
        turn = self._loop.create_future()
        line.append(turn)
        self._wake_next()
        try:
            await turn
        finally:
            if turn.cancelled():
                with suppress(ValueError):
                    line.remove(turn)  # so that it does not count among those that wait
                self._start_next()
            elif turn.done():
                # One at a time: each makes use of its room before the next one looks if there is any left.
                self._loop.call_soon(self._wake_next)

    def put(self, item: ItemT) -> None:
        """Put an item, at once; also beyond the capacity.

        The other thread is woken once for all that is put in one round of the event loop.
        """
        self._size_put += self._size(item)
        if not self._batch:
            asyncio.get_running_loop().call_soon(self._flush)
        self._batch.append(item)

    def _flush(self) -> None:
        self._batches.put(self._batch)
        self._batch = []

    def end(self, item: ItemT) -> None:
        """Put the last item, once the event loop has ended."""
        self._size_put += self._size(item)
        self._batches.put([*self._batch, item])

    def _start_next(self) -> None:
        if len(self._putting) < MAX_PUTTING:
            _wake(self._starting)

    def _wake_next(self) -> None:
        self._start_next()
        while self._putting:
            if not self._has_room(self._capacity):
                self._wanted = True
                # Asked again now that the wish can be seen: the other thread may have taken an item before.
                if not self._has_room(self._capacity):
                    return
            if _wake(self._putting):
                return

    def _has_room(self, below: int) -> bool:
        return self._size_put - self._size_taken < below

    # In the other thread

    def get(self, timeout: float) -> ItemT | None:
        """Return the next item, in the order in which they were put; None if none comes in time."""
        if not self._taken:
            try:
                self._taken.extend(self._batches.get(timeout=timeout))
            except queue.Empty:
                return None
        item = self._taken.popleft()
        self._size_taken += self._size(item)
        # One call for many pages: only when somebody waits, and half of the room is free.
        if self._wanted and self._loop is not None and self._has_room(self._capacity // 2 + 1):
            self._wanted = False
            call_in(self._loop, self._wake_next)
        return item


def _wake(line: deque[asyncio.Future[None]]) -> bool:
    """Wake the first in a line; return False if there is nobody."""
    while line:
        turn = line.popleft()
        if not turn.done():
            turn.set_result(None)
            return True
    return False


def call_in(loop: asyncio.AbstractEventLoop, callback: Callable[[], object]) -> None:
    """Call a function in the thread of an event loop, unless the loop has ended."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)
