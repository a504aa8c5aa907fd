"""Plan of one read: its slices, and how far they have come, as the bookmark keeps it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from sumeru_api.timestamps import midnight
from tap_sumeru.extract.child_slices import child_slices
from tap_sumeru.extract.slices import Slice, SliceQueue
from tap_sumeru.extract.splitting import split
from tap_sumeru.extract.windows import Growth, Window, cut
from tap_sumeru.state.bookmarks import ReadPosition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_sumeru.config.settings import StreamOptions
    from tap_sumeru.extract.filter_trust import FilterTrust
    from tap_sumeru.extract.queries import Query
    from tap_sumeru.extract.recovery import TooDeep
    from tap_sumeru.state.bookmarks import Bookmark

_FUTURE = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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

    Attributes:
        parents: Ids of the parents whose children are read; None if the stream has no parents.
        windowed: Whether the slices use the date filter.
        started_at: When the first page was requested, by the server's clock.
        keyless: Whether a row without a replication key was read, which no filter may return.
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
        self._slices = SliceQueue()
        self.parents: set[str] | None = None
        self.windowed = False
        self.started_at: datetime | None = None
        self.keyless = False
        self._too_deep: TooDeep | None = None
        self._incomplete = False

    # What to read

    def forget_future(self) -> bool:
        """Forget a bookmark that lies in the future; return whether it did."""
        value = self._bookmark.value
        if value is None or value <= self._now + _FUTURE:
            return False
        self._bookmark.value = None
        return True

    def plan(self, *, whole: bool) -> str | None:
        """Plan the slices; return the cursor at which the first one continues an interrupted read.

        Args:
            whole: Whether all rows are needed, from the first.
        """
        value = self._bookmark.value and min(self._bookmark.value, self._now)
        self._since = value - self._options.lookback if value else self._start
        if self._since is not None and self._by_day:
            self._since = midnight(self._since)
        if self.empty:
            return None
        if self._too_deep is not None and self._divisible:
            self._plan_windows(None if whole else self._since)
            return None
        if whole:
            return self.plan_unfiltered()
        position = self._bookmark.position
        # Each parent's children are read through one window, in which no row can prove the filter.
        provable = value is None and self.parents is None
        if position is None and self._since is not None and self._trust.may_shorten(first=provable):
            self._plan_windows(self._since)
            return None
        return self.plan_unfiltered(position)

    @property
    def empty(self) -> bool:
        """Whether the read ends before it starts."""
        return self._end is not None and self._since is not None and self._since >= self._end

    @property
    def _divisible(self) -> bool:
        """Whether the date filter may divide a list of all rows: a plausible one is checked by each row."""
        return self.parents is None and not self.keyless and self._trust.known not in ("none", "refuted")

    def _plan_windows(self, since: datetime | None) -> None:
        """Plan slices that use the date filter.

        Args:
            since: Where they begin; None for all history, in one window that is split where it is too deep.
        """
        self._bookmark.position = None
        whole = Window(since or _EPOCH, self._end)
        if self._trust.unproven and self._bookmark.unproven_from is None:
            self._bookmark.unproven_from = whole.start
        if self.parents is None:
            windows = cut(since, self._end, self._now, self._lengths()) if since else [whole]
            self._use((Slice(window=window) for window in windows), windowed=True)
        else:
            self._use(child_slices(self.parents, self._bookmark, window=whole), windowed=True)

    def plan_unfiltered(self, position: ReadPosition | None = None) -> str | None:
        """Plan the slices without the date filter; return the cursor at which the first one continues.

        Args:
            position: How far an interrupted read came; ignored if it was a read of another query.

        Raises:
            ApiError: The API has refused to list that many rows.
        """
        if self._too_deep is not None:
            raise self._too_deep.because("no date filter that could be verified divides it")
        if self._bookmark.unproven_from is not None:
            # Whatever was read through a filter that was never proven may lack rows.
            self._since = self._bookmark.unproven_from
        self._trust.look_for_candidate(self._now)
        if position is not None and position.query != self._fingerprint():
            position = None
        self.started_at = position.started_at if position else self.started_at
        if self.parents is None:
            self._use([Slice(page_size=position.page_size if position else 0)], windowed=False)
            return position.cursor if position else None
        after = position.after if position else None
        self._use(child_slices(self.parents, self._bookmark, after=after), windowed=False)
        return None

    def _use(self, slices: Iterable[Slice], *, windowed: bool) -> None:
        self._slices = SliceQueue(slices)
        self.windowed = windowed
        self._incomplete = False

    def next_slices(self) -> list[Slice]:
        """Return the slices to start now.

        While requests already wait for the rate limit, only as many windows are open as keep the queue busy:
        more would not be read any sooner. Until the first response, requests are sent one at a time.
        """
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
        """Return whether a row of a slice belongs to the read, by its replication key."""
        if slice_.window is not None:
            return slice_.window.holds(timestamp)
        since = self._start if slice_.whole else self._since
        return (since is None or timestamp >= since) and (self._end is None or timestamp < self._end)

    def split(self, slice_: Slice, refusal: TooDeep) -> bool:
        """Let a list that is too deep be read in smaller windows.

        Returns:
            Whether the whole read has to be planned again for that.

        Raises:
            ApiError: There are no smaller windows.
        """
        if slice_.window is None and slice_.parent is None:
            self._too_deep = refusal
            return True
        self._slices.split(slice_, split(slice_, refusal, self._now))
        return False

    # How far it has come

    def requested(self, timestamp: datetime) -> None:
        """Record when a page was requested, by the server's clock."""
        self.started_at = min(self.started_at or timestamp, timestamp)

    def finish(self, slice_: Slice) -> Slice | None:
        """Record that a slice is finished; return the last one before the first gap, if that has moved."""
        if slice_.window is not None:
            self._growth.learn(slice_.window, slice_.pages)
        if slice_.whole and slice_.parent is not None:
            self._bookmark.answered(slice_.parent)
        return self._slices.finish(slice_)

    def leave_out(self, slice_: Slice, *, missing: bool) -> None:
        """Record that the rows of a parent cannot be read.

        Args:
            slice_: Its slice.
            missing: Whether it is missing: its rows are read in full once it answers again. Otherwise the
                next run has to read all parents again, so this one keeps neither its place nor its end.
        """
        if missing:
            self._bookmark.skip(slice_.parent or "")
        else:
            self._incomplete, self._bookmark.position = True, None
        last = self._slices.finish(slice_)
        if last is not None:
            self.keep(last)

    @property
    def complete(self) -> bool:
        """Whether all slices are finished; call it after `next_slices`."""
        return self._slices.complete

    def keep(self, last: Slice) -> None:
        """Let the bookmark say that all slices up to this one are finished."""
        if self._incomplete or last.whole:
            return
        if not self.windowed:
            self.keep_position(after=last.parent)
        elif last.parent is None and last.window is not None and last.window.end is not None:
            self._advance(last.window.end)

    def keep_position(
        self, *, cursor: str | None = None, after: str | None = None, page_size: int = 0
    ) -> None:
        """Let the bookmark say where an unfiltered read continues: at a cursor, or after a parent."""
        if self.started_at is not None:
            self._bookmark.position = ReadPosition(
                self.started_at, self._since, self._fingerprint(), cursor, after, page_size
            )

    def keep_all(self) -> None:
        """Let the bookmark say that the read is complete."""
        self._advance(self._end)
        self._bookmark.position = None
        self._bookmark.unproven_from = None

    def _advance(self, timestamp: datetime | None) -> None:
        if self.started_at is not None:
            self._bookmark.advance(timestamp or self.started_at, self.started_at)

    def _fingerprint(self) -> str:
        return self._query.fingerprint(self._since, self._end)
