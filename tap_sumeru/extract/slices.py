"""Slices of a read: a few are open at a time, and the bookmark follows the finished ones without a gap."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from tap_sumeru.extract.list_progress import ListProgress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_sumeru.extract.windows import Window


NO_ID = ""
"""Stands for the id of parents that have none."""


class Kind(Enum):
    """The purpose of a list request."""

    ROWS = auto()
    PARENTS = auto()
    PROBE = auto()


@dataclass(eq=False, slots=True)
class Slice:
    """One list of a read.

    Attributes:
        kind: Its purpose.
        window: The window that it requests, None for all rows.
        parent: Id of the parent whose children it lists.
        whole: Whether it holds rows from before the bookmark too.
        finished: Whether all its rows are queued for writing.
        pages: Pages read.
        page_size: Rows that were requested at a time, 0 before the first request.
        page_rows: Rows of the page that was read last.
    """

    kind: Kind = Kind.ROWS
    window: Window | None = None
    parent: str | None = None
    whole: bool = False
    finished: bool = False
    pages: int = 0
    page_size: int = 0
    page_rows: int = 0
    _progress: ListProgress | None = field(default=None, init=False)

    @property
    def progress(self) -> ListProgress:
        """Detects that its pages bring nothing new; a list of one page needs none."""
        if self._progress is None:
            self._progress = ListProgress()
        return self._progress

    def begin(self) -> None:
        """Read it from its first page, as if for the first time."""
        self.pages, self._progress = 0, None

    @property
    def is_all(self) -> bool:
        """Whether it lists all rows."""
        return self.window is None and self.parent is None


class SliceQueue:
    """The slices of one read, in order.

    Args:
        slices: The slices, created when they are needed.
    """

    def __init__(self, slices: Iterable[Slice] = ()) -> None:
        self._upcoming = iter(slices)
        self._parts: deque[Slice] = deque()  # of slices that were split; they start before the others
        self._open: deque[Slice] = deque()  # from the first that is not finished
        self._in_progress = 0

    def open(self, at_once: int) -> list[Slice]:
        """Return the slices to start now, so that `at_once` of them are in progress."""
        opened: list[Slice] = []
        while self._in_progress < at_once and (slice_ := self._next()) is not None:
            self._in_progress += 1
            opened.append(slice_)
        return opened

    def _next(self) -> Slice | None:
        if self._parts:
            return self._parts.popleft()
        slice_ = next(self._upcoming, None)
        if slice_ is not None:
            self._open.append(slice_)
        return slice_

    def split(self, slice_: Slice, rest: Slice) -> None:
        """Insert a slice behind one that is in progress and has become smaller by it."""
        self._open.insert(self._open.index(slice_) + 1, rest)
        self._parts.appendleft(rest)

    def finish(self, slice_: Slice) -> Slice | None:
        """Record that a slice is finished; return the last one before the first gap, if that has moved."""
        slice_.finished = True
        self._in_progress -= 1
        last = None
        while self._open and self._open[0].finished:
            last = self._open.popleft()
        return last

    @property
    def complete(self) -> bool:
        """Whether all opened slices are finished; call it after `open`."""
        return not self._open
