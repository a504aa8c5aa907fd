"""Plan of one read: its slices, and how far they have come, as the bookmark keeps it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from sumeru_api.timestamps import DAY, Precision, midnight, shift
from tap_sumeru.extract.audit import Audit
from tap_sumeru.extract.reached import Reached
from tap_sumeru.extract.slices import Slice, SliceQueue
from tap_sumeru.extract.windows import Growth, Window, cut
from tap_sumeru.state.bookmarks import ReadPosition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from typing import Any

    from tap_sumeru.config.settings import StreamOptions
    from tap_sumeru.extract.audit import AuditSchedule
    from tap_sumeru.extract.filter_trust import FilterTrust
    from tap_sumeru.extract.queries import Query
    from tap_sumeru.records import ShapedPage
    from tap_sumeru.state.bookmarks import Bookmark

_MIN_SLICES = 2
"""Slices in progress at least, so that the next request can go out while a page is processed."""


class Traffic(Protocol):
    """What a plan has to know of the requests of its shop."""

    @property
    def concurrency(self) -> int:
        """How many requests may be in flight."""

    @property
    def backlogged(self) -> bool:
        """Whether a new request would have to wait for the rate limit."""


class ReadPlan:
    """What to read of one stream of one shop.

    Args:
        options: How the stream is read.
        bookmark: What earlier reads have left.
        trust: What is known about the date filter.
        query: Builds the requests, and tells one read from another.
        now: The present, by our clock.
        start: Where a first read starts, None for all history.
        end: Exclusive end of the read, None for no end.
        by_day: Whether rows belong to days and not to moments.
        traffic: The requests of the shop.
        audits: When audits are due.

    Attributes:
        audit: Decides whether this read is an audit.
        parents: Ids of the parents whose children are read; None if the stream has no parents.
        windowed: Whether the slices use the date filter.
        empty: Whether nothing is left to read before the end.
        started_at: When the first page was requested, by the server's clock.
        reached: How far the read has come, for the log.
    """

    def __init__(
        self,
        options: StreamOptions,
        bookmark: Bookmark,
        trust: FilterTrust,
        query: Query,
        *,
        now: datetime,
        start: datetime | None,
        end: datetime | None,
        by_day: bool,
        traffic: Traffic,
        audits: AuditSchedule,
    ) -> None:
        self._options = options
        self._bookmark = bookmark
        self._trust = trust
        self._query = query
        self._now = now
        self._start = start
        self._end = end
        self._by_day = by_day
        self._traffic = traffic
        self._growth = Growth(options.window_days)
        self._since: datetime | None = None
        self._from_start = False
        self._slices = SliceQueue()
        self.audit = Audit(bookmark, audits, now)
        if by_day:
            bookmark.precision = Precision.DAY
        self.parents: set[str] | None = None
        self.windowed = self.empty = False
        self.started_at: datetime | None = None
        self.reached = Reached()

    # What to read

    def forget_future(self) -> bool:
        """Forget a bookmark that lies in the future by the server's clock; return whether it did."""
        value, last_audit = self._bookmark.value, self._bookmark.last_audit
        if last_audit is not None and last_audit > self._now + DAY:
            self._bookmark.last_audit = None  # the interval starts anew
        if value is None or value <= self._now + DAY:
            return False
        self._bookmark.forget()
        return True

    def forget(self) -> None:
        """Forget what earlier reads have left: the next plan reads the stream from the start."""
        self._bookmark.forget()
        self._bookmark.position = None

    def plan(self, *, whole: bool) -> str | None:
        """Plan the slices; return the cursor at which the first one continues an interrupted read.

        Args:
            whole: Whether all rows are needed, from the first.
        """
        value = self._bookmark.value and min(self._bookmark.value, self._now)
        self._start_at(None if self.audit.needed else value)
        self.empty = self._is_empty()
        if self.empty:
            return None
        if self.audit.begin():
            self._trust.try_again()
        if whole:
            return self.plan_unfiltered()
        position = self._bookmark.position
        # Each parent's children are read through one window, in which no row can prove the filter.
        provable = value is None and self.parents is None
        filtered = not self.audit.needed and self._trust.may_use_filter(first=provable)
        since = self._since if filtered and position is None else None
        if since is None or (self._end is not None and since >= self._end):
            return self.plan_unfiltered(position)
        self._plan_windows(since)
        return None

    def _start_at(self, value: datetime | None) -> None:
        """Let the read start where a bookmark says, or else at the start of all reads."""
        self._from_start = value is None
        if value is not None:
            self._since = shift(value, -self._options.lookback)  # the bookmark keeps the distance
        else:
            distance = timedelta() if self._by_day else self._bookmark.distance
            self._since = self._start and shift(self._start, -distance)
        if self._since is not None and self._by_day:
            self._since = midnight(self._since)

    def _is_empty(self) -> bool:
        """Return whether nothing is left to read before the end."""
        if self._end is None or self._bookmark.unproven_from is not None:
            return False
        return self._bookmark.reaches(self._end) or (self._since is not None and self._since >= self._end)

    @property
    def may_leave_out(self) -> bool:
        """Whether rows are left out by their replication key."""
        return self._since is not None

    def _plan_windows(self, since: datetime) -> None:
        if self._trust.improvable and self._from_start and self._bookmark.unproven_from is None:
            self._bookmark.unproven_from = since
        self.audit.filter_used(since)
        if self.parents is None:
            windows = cut(since, self._end, self._now, self._lengths())
            self.reached.through(since, self._end or self._now)
            self._use((Slice(window=window) for window in windows), windowed=True)
        else:
            window = Window(since, self._end, self._now)
            self.reached.through_parents(len(self.parents))
            self._use((Slice(window=window, parent=one) for one in sorted(self.parents)), windowed=True)

    def plan_unfiltered(self, position: ReadPosition | None = None) -> str | None:
        """Plan the slices without the date filter; return the cursor at which the first one continues.

        Args:
            position: How far an interrupted read came; ignored if it was a read of another query.
        """
        if self._bookmark.unproven_from is not None:
            # Whatever was read through a filter that was never proven may lack rows.
            self._since, self._from_start = self._bookmark.unproven_from, True
        self._trust.look_for_candidate(self._now, audit=self.audit.needed)
        if position is not None and position.query != self._fingerprint():
            position = None
        self.started_at = position.started_at if position else self.started_at
        if self.parents is None:
            self.reached.everything()
            self._use([Slice()], windowed=False)
            return position.cursor if position else None
        after = position.after if position and position.after else ""
        parents = sorted(parent for parent in self.parents if parent > after)
        self.reached.through_parents(len(self.parents), len(self.parents) - len(parents))
        self._use((Slice(parent=parent) for parent in parents), windowed=False)
        return None

    def _use(self, slices: Iterable[Slice], *, windowed: bool) -> None:
        self._slices = SliceQueue(slices)
        self.windowed = windowed

    def next_slices(self) -> list[Slice]:
        """Return the slices to start now.

        While requests already wait for the rate limit, only as many windows are open as keep the queue busy:
        more would not be read any sooner. Until the first response, requests are sent one at a time.
        """
        if self._options.details:  # every row is a request: two pages of rows keep the queue busy
            return self._slices.open(_MIN_SLICES)
        waiting = self.started_at is None or self._traffic.backlogged
        if self.windowed and self.parents is None and waiting:
            return self._slices.open(_MIN_SLICES)
        return self._slices.open(max(_MIN_SLICES, self._traffic.concurrency))

    def _lengths(self) -> Iterator[int]:
        """Yield the length of each window in days, when it is needed.

        Windows may grow while requests wait for the rate limit; not with `details`, where every row is a
        request.
        """
        while True:
            may_grow = self._traffic.backlogged and not self._options.details
            yield self._growth.days if may_grow else self._options.window_days

    def holds(self, slice_: Slice, timestamp: datetime) -> bool:
        """Return whether a row of a slice belongs to the read, by its replication key.

        A row that changes while its window is read is no longer dated there, but it may come with no other
        window of this read.
        """
        window, began = slice_.window, self.began
        if window is not None and (
            began is None or timestamp < began or window.accepted_range.holds(timestamp)
        ):
            return window.holds(timestamp)
        return (self._since is None or timestamp >= self._since) and (
            self._end is None or timestamp < self._end
        )

    def is_young(self, timestamp: datetime) -> bool:
        """Return whether a row with this replication key may have changed since the read started."""
        if self.started_at is None:
            return False
        return timestamp >= midnight(shift(self.started_at, -self._options.lookback))

    def select(self, slice_: Slice, page: ShapedPage) -> Sequence[Any]:
        """Return the records of a page that belong to the read; those without a replication key always do."""
        if all(self.holds(slice_, timestamp) for timestamp in page.span):
            return page.records
        dated = zip(page.records, page.timestamps, strict=True)
        return [record for record, one in dated if one is None or self.holds(slice_, one)]

    # How far it has come

    def requested(self, timestamp: datetime) -> bool:
        """Record when a page was requested, by the server's clock.

        Returns:
            Whether our clock is so far behind the server's that the read must be planned again.
        """
        self.started_at = min(self.started_at or timestamp, timestamp)
        self.reached.pages += 1
        if timestamp <= self._now + DAY:
            return False
        self._now = timestamp
        self.audit.check(timestamp)
        return self.windowed or self.audit.due

    @property
    def began(self) -> datetime | None:
        """From when on a replication key stands for a change that may have been made during the read."""
        return self.started_at and shift(self.started_at, -self._bookmark.distance)

    def finish(self, slice_: Slice) -> Slice | None:
        """Record that a slice is finished; return the last one before the first gap, if that has moved."""
        if slice_.window is not None:
            self._growth.learn(slice_.window, slice_.pages)
        self._note_progress(slice_)
        return self._slices.finish(slice_)

    def _note_progress(self, slice_: Slice) -> None:
        window = slice_.window
        if slice_.parent is not None:
            self.reached.parents_read += 1
        elif window is not None:
            self.reached.read_window(window.start, window.end or max(window.start, self._now))

    @property
    def complete(self) -> bool:
        """Whether all slices are finished; call it after `next_slices`."""
        return self._slices.complete

    def keep(self, last: Slice) -> None:
        """Let the bookmark say that all slices up to this one are finished."""
        if last.window is None:
            self.keep_position(after=last.parent)
        elif last.parent is None and last.window.end is not None:
            self._advance(last.window.end)
            self.reached.at = last.window.end

    def keep_position(self, *, cursor: str | None = None, after: str | None = None) -> None:
        """Let the bookmark say where an unfiltered read continues: at a cursor, or after a parent."""
        if self.started_at is not None:
            self._bookmark.position = ReadPosition(
                self.started_at, self._since, self._fingerprint(), cursor, after
            )

    def keep_all(self) -> None:
        """Let the bookmark say that the read is complete."""
        self._advance(self._end)
        self._bookmark.position = None
        self._bookmark.unproven_from = None
        if self.started_at is not None:
            self.audit.read_complete(self.started_at, filtered=self.windowed, from_start=self._from_start)

    def _advance(self, timestamp: datetime | None) -> None:
        if self.started_at is not None:
            self._bookmark.advance(timestamp or self.started_at, self.started_at)

    def _fingerprint(self) -> str:
        return self._query.fingerprint(self._since, self._end)
