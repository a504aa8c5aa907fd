"""The parts of a read: opened a few at a time, and how far those that are done reach without a gap."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_sumeru.extract.windows import Window


class Kind(Enum):
    """What a list is read for."""

    ROWS = auto()
    PARENTS = auto()
    PROBE = auto()


@dataclass(eq=False, slots=True)
class Slice:
    """One list of a read.

    Attributes:
        kind: What it is read for.
        window: The window that it asks for, or None if it asks for everything.
        parent: Id of the parent whose children it reads.
        reach: What a correct API may give for the window.
        done: Whether all its rows are written.
        restarts: How often it began again because its cursor had expired.
        pages: Pages taken.
    """

    kind: Kind = Kind.ROWS
    window: Window | None = None
    parent: str | None = None
    reach: Window | None = field(init=False)
    done: bool = False
    restarts: int = 0
    pages: int = 0

    def __post_init__(self) -> None:
        self.reach = self.window and self.window.reach


class SliceQueue:
    """The parts of one read, in their order.

    Args:
        parts: The parts, made as they are needed.
    """

    def __init__(self, parts: Iterable[Slice] = ()) -> None:
        self._upcoming = iter(parts)
        self._open: deque[Slice] = deque()  # from the first that is not done
        self._under_way = 0

    def begin(self, at_once: int) -> list[Slice]:
        """Return the parts to begin now, so that this many are under way."""
        parts = list(islice(self._upcoming, max(0, at_once - self._under_way)))
        self._under_way += len(parts)
        self._open.extend(parts)
        return parts

    def finish(self, part: Slice) -> Slice | None:
        """Take note that a part is done; return the last one before the first gap, if that has moved."""
        part.done = True
        self._under_way -= 1
        last = None
        while self._open and self._open[0].done:
            last = self._open.popleft()
        return last

    @property
    def complete(self) -> bool:
        """Whether all that were begun are done; ask after `begin`."""
        return not self._open
