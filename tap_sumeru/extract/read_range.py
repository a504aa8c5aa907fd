"""Range of a read: which rows belong to it, by their replication key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sumeru_api.timestamps import midnight, shift

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from tap_sumeru.extract.slices import Slice
    from tap_sumeru.records import ShapedPage
    from tap_sumeru.state.bookmarks import Bookmark

ALL_HISTORY = datetime.min.replace(tzinfo=UTC)
"""Where a read of all history starts, as far as a bookmark can say it."""


class ReadRange:
    """The range of the read of one stream of one shop.

    Args:
        bookmark: What earlier reads have left.
        start: Where a first read starts, None for all history.
        end: Exclusive end of the read, None for no end.
        lookback: How long before the bookmark an incremental read starts.
        by_day: Whether rows belong to days and not to moments.

    Attributes:
        since: Where the read starts, None for all history.
        end: As above.
        from_start: Whether it starts where a first read does.
        started_at: When its first page was requested, by the server's clock.
    """

    def __init__(
        self,
        bookmark: Bookmark,
        *,
        start: datetime | None,
        end: datetime | None,
        lookback: timedelta,
        by_day: bool,
    ) -> None:
        self._bookmark = bookmark
        self._start = start
        self._lookback = lookback
        self._by_day = by_day
        self.since: datetime | None = None
        self.end = end
        self.from_start = False
        self.started_at: datetime | None = None

    def start_at(self, value: datetime | None) -> None:
        """Let the read start where a bookmark says, or else where a first read starts."""
        self.from_start = value is None
        # The bookmark already lies back by the distance of the precision.
        self.since = self._first if value is None else self._whole_days(shift(value, -self._lookback))

    def repeat_from(self, since: datetime) -> None:
        """Let the read start no later than another one that has to be repeated."""
        if self.since is not None and since < self.since:
            self.since, self.from_start = since, since <= (self._first or ALL_HISTORY)

    @property
    def _first(self) -> datetime | None:
        """Where a first read starts."""
        distance = timedelta() if self._by_day else self._bookmark.distance
        return self._start and self._whole_days(shift(self._start, -distance))

    def _whole_days(self, since: datetime) -> datetime:
        return midnight(since) if self._by_day else since

    @property
    def empty(self) -> bool:
        """Whether it ends before it starts."""
        return self.end is not None and self.since is not None and self.since >= self.end

    @property
    def complete(self) -> bool:
        """Whether nothing is left to read before the end."""
        if self.end is None or self._bookmark.unproven_from is not None:
            return False
        return self._bookmark.reaches(self.end) or self.empty

    @property
    def began(self) -> datetime | None:
        """From when on a replication key may belong to a change that was made during the read."""
        return self.started_at and shift(self.started_at, -self._bookmark.distance)

    def holds(self, slice_: Slice, timestamp: datetime) -> bool:
        """Return whether a row of a slice belongs to the read, by its replication key.

        A row that changes during the read leaves its window, and may come with no other one, so it is judged
        by the whole read.
        """
        return self._test(slice_)(timestamp)

    def _test(self, slice_: Slice) -> Callable[[datetime], bool]:
        """Return `holds` for the rows of one slice, with what is the same for all of them worked out once."""
        window, began, end = slice_.window, self.began, self.end
        since = self._first if slice_.whole else self.since

        def holds(timestamp: datetime) -> bool:
            if window is not None and (
                began is None or timestamp < began or window.accepted_range.holds(timestamp)
            ):
                return window.holds(timestamp)
            return (since is None or timestamp >= since) and (end is None or timestamp < end)

        return holds

    def is_young(self, timestamp: datetime) -> bool:
        """Return whether a row with this replication key may have changed since the read started."""
        if self.started_at is None:
            return False
        return timestamp >= midnight(shift(self.started_at, -self._lookback))

    def select(self, slice_: Slice, page: ShapedPage) -> Sequence[Any]:
        """Return the records of a page that belong to the read; those without a replication key always do."""
        if not page.span:
            return page.records
        holds = self._test(slice_)
        if all(map(holds, page.span)):
            return page.records
        dated = zip(page.records, page.timestamps, strict=True)
        return [record for record, one in dated if one is None or holds(one)]
