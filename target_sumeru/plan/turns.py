"""Lets other tasks run while many rows are planned, so that a signal is noticed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

ItemT = TypeVar("ItemT")

MAX_ITEMS = 500
"""Items between two turns of the other tasks."""


async def with_turns(items: Iterable[ItemT]) -> AsyncIterator[ItemT]:
    """Yield items, and let other tasks run after every so many."""
    for number, item in enumerate(items, 1):
        yield item
        if number % MAX_ITEMS == 0:
            await asyncio.sleep(0)
