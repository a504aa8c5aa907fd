"""Finds the last STATE that may be emitted: each row before it is settled."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from heapq import heapify, heappop
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class StateRelease:
    """The STATE messages of a run that wait for their rows.

    Args:
        states: For each STATE, the line of the input that it followed, in order.
        unsettled: The first line of each row that is not settled.
    """

    def __init__(self, states: Sequence[int], unsettled: Iterable[int]) -> None:
        self._states = states
        self._heap = list(unsettled)
        heapify(self._heap)
        self._settled: Counter[int] = Counter()
        self._released = 0

    def settle(self, line: int) -> None:
        """Record that one of the rows with this first line is settled."""
        self._settled[line] += 1

    def due(self) -> int | None:
        """Return the line of the STATE that may go out now, None if there is no new one."""
        while self._heap and self._settled[self._heap[0]]:
            self._settled[heappop(self._heap)] -= 1
        # A STATE may go out if it followed a line before the first unsettled row.
        free = bisect_left(self._states, self._heap[0]) if self._heap else len(self._states)
        if free <= self._released:
            return None
        self._released = free
        return self._states[free - 1]
