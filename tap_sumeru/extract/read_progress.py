"""Progress of one read, which its plan keeps for the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(slots=True)
class ReadProgress:
    """How far the read of one stream of one shop has come. Other threads may look at it while it changes.

    Attributes:
        pages: Pages received.
        start: Where the range begins, None for a read without windows.
        at: Everything before this moment is read.
        end: Where the range ends.
        read: Length of all that is read, also behind a gap.
        parents: How many parents there are, 0 for a stream without parents.
        parents_read: How many parents have all their children read.
    """

    pages: int = 0
    start: datetime | None = None
    at: datetime | None = None
    end: datetime | None = None
    read: timedelta = timedelta()
    parents: int = 0
    parents_read: int = 0

    def through(self, start: datetime, end: datetime) -> None:
        """Record that the read goes through a range of time."""
        self.start = self.at = start
        self.end = max(start, end)
        self.read = timedelta()

    def read_window(self, start: datetime, end: datetime) -> None:
        """Record that a window of the range is read."""
        self.read += end - start

    def through_parents(self, parents: int, read: int = 0) -> None:
        """Record that the read goes through the children of parents, some of which are read already."""
        self.parents, self.parents_read = parents, read

    def everything(self) -> None:
        """Record that the read goes through one list, whose length is not known."""
        self.start = self.at = self.end = None

    @property
    def share(self) -> float | None:
        """Which share of the read is done, from 0 to 1; None if that is not known."""
        if self.parents:
            return min(1.0, self.parents_read / self.parents)
        start, end = self.start, self.end
        if start is None or end is None:
            return None
        return min(1.0, self.read / (end - start)) if start < end else 1.0
