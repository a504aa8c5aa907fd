"""The one hand-over between the event loop that reads and the main thread that writes: bounded, in order."""

from __future__ import annotations

import asyncio
import queue
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

ItemT = TypeVar("ItemT")


class Handover(Generic[ItemT]):
    """Items on their way from an event loop to another thread.

    Args:
        capacity: Items that may wait; `room` waits beyond that.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: queue.SimpleQueue[ItemT] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_room = asyncio.Event()
        self._wanted = False  # whether somebody waits for room

    async def room(self) -> None:
        """Wait until there is room for another item."""
        while self._items.qsize() >= self._capacity:
            self._loop = asyncio.get_running_loop()
            self._has_room.clear()
            self._wanted = True
            # Asked again after the request is visible: the other thread may have taken an item in between.
            if self._items.qsize() < self._capacity:
                break
            await self._has_room.wait()

    def put(self, item: ItemT) -> None:
        """Put an item, at once; also beyond the capacity."""
        self._items.put(item)

    def get(self, timeout: float) -> ItemT | None:
        """Return the next item, in the order in which they were put; None if none comes in time."""
        try:
            item = self._items.get(timeout=timeout)
        except queue.Empty:
            return None
        # One wake-up for many pages: only when somebody waits, and half of the room is free.
        if self._wanted and self._loop is not None and self._items.qsize() <= self._capacity // 2:
            self._wanted = False
            call_in(self._loop, self._has_room.set)
        return item


def call_in(loop: asyncio.AbstractEventLoop, callback: Callable[[], object]) -> None:
    """Call a function in the thread of an event loop, unless the loop has ended."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)
