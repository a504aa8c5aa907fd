"""Plan of one read: its slices, and how far they have come, as the bookmark keeps it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sumeru_api.timestamps import DAY, Precision, shift
from tap_sumeru.extract.audit import Audit
from tap_sumeru.extract.child_slices import child_slices
from tap_sumeru.extract.pace import Pace
from tap_sumeru.extract.read_progress import ReadProgress
from tap_sumeru.extract.read_range import ALL_HISTORY, ReadRange
from tap_sumeru.extract.slices import Slice, SliceQueue
from tap_sumeru.extract.splitting import split
from tap_sumeru.extract.windows import Window, cut
from tap_sumeru.state.bookmarks import Verdict
from tap_sumeru.state.read_position import ReadPosition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_sumeru.config.settings import StreamOptions
    from tap_sumeru.extract.audit import AuditSchedule
    from tap_sumeru.extract.filter_trust import FilterTrust
    from tap_sumeru.extract.pace import Traffic
    from tap_sumeru.extract.queries import Query
    from tap_sumeru.extract.recovery import TooDeep
    from tap_sumeru.state.bookmarks import Bookmark

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        range: Which rows belong to the read.
        parents: Ids of the parents whose children are read; None if the stream has no parents.
        windowed: Whether the slices use the date filter.
        empty: Whether nothing is left to read before the end.
        keyless: Whether a row without a replication key was read, which no filter may return.
        progress: How far the read has come, for the log.
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
        self._bookmark = bookmark
        self._trust = trust
        self._query = query
        self._now = now
        self._pace = Pace(options, traffic)
        self._slices = SliceQueue()
        self._too_deep: TooDeep | None = None
        self._incomplete = False
        self.audit = Audit(bookmark, audits, now)
        if by_day:
            bookmark.precision = Precision.DAY
        self.range = ReadRange(bookmark, start=start, end=end, lookback=options.lookback, by_day=by_day)
        self.parents: set[str] | None = None
        self.windowed = self.empty = self.keyless = False
        self.progress = ReadProgress()

    # What to read

    def forget_future(self) -> bool:
        """Forget a bookmark that lies in the future by the server's clock; return whether it did."""
        return self._bookmark.forget_after(shift(self._now, DAY))

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
        self.range.start_at(None if self.audit.needed else value)
        self.empty = self.range.complete
        if self.empty:
            return None
        if self.audit.begin():
            self._trust.try_again()
        if self._too_deep is not None and self._divisible:
            self._plan_windows(None if whole else self.range.since)
            return None
        if whole:
            return self.plan_unfiltered()
        position = self._bookmark.position
        # Each parent's children are read through one window, in which no row can prove the filter.
        provable = value is None and self.parents is None
        filtered = not self.audit.needed and self._trust.may_use_filter(first=provable)
        since = self.range.since if filtered and position is None else None
        if since is None or self.range.empty:
            return self.plan_unfiltered(position)
        self._plan_windows(since)
        return None

    @property
    def _divisible(self) -> bool:
        """Whether the date filter may divide a list of all rows: a plausible one is checked by each row."""
        usable = self._trust.known not in ("none", Verdict.REFUTED)
        return usable and self.parents is None and not self.keyless and not self.range.empty

    @property
    def unverified(self) -> bool:
        """Whether the filter was used for a first read that has to be repeated without it."""
        if not (self.windowed and self._trust.first_read_unproven):
            return False
        return self._too_deep is None or self._trust.known == Verdict.UNPROVEN

    def _plan_windows(self, since: datetime | None) -> None:
        """Plan slices that use the date filter.

        Args:
            since: Where they begin; None for all history, in one window that is split where it is too deep.
        """
        self._bookmark.position = None
        whole = Window(since or _EPOCH, self.range.end, self._now)
        repeatable = self._trust.improvable and self.range.from_start
        if self._bookmark.unproven_from is None and (repeatable or self._trust.known == Verdict.UNPROVEN):
            self._bookmark.unproven_from = since or ALL_HISTORY
        self.audit.filter_used(whole.start)
        if self.parents is None:
            windows = cut(since, whole.end, self._now, self._pace.lengths()) if since else [whole]
            self.progress.through(whole.start, whole.end or self._now)
            self._use((Slice(window=window) for window in windows), windowed=True)
        else:
            self.progress.through_parents(len(self.parents))
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
            self.range.repeat_from(self._bookmark.unproven_from)
        self._trust.look_for_candidate(self._now, audit=self.audit.needed)
        if position is not None and position.query != self._fingerprint():
            position = None
        self.range.started_at = position.started_at if position else self.range.started_at
        if self.parents is None:
            self.progress.everything()
            self._use([Slice(page_size=position.page_size if position else 0)], windowed=False)
            return position.cursor if position else None
        after = position.after if position else None
        read = sum(one <= after for one in self.parents) if after is not None else 0
        self.progress.through_parents(len(self.parents), read)
        self._use(child_slices(self.parents, self._bookmark, after=after), windowed=False)
        return None

    def _use(self, slices: Iterable[Slice], *, windowed: bool) -> None:
        self._slices = SliceQueue(slices)
        self.windowed = windowed
        self._incomplete = False

    def next_slices(self) -> list[Slice]:
        """Return the slices to start now."""
        windows = self.windowed and self.parents is None
        return self._slices.open(
            self._pace.slices(windows=windows, answered=self.range.started_at is not None)
        )

    def split(self, slice_: Slice, refusal: TooDeep) -> bool:
        """Let a list that is too deep be read in smaller windows.

        Returns:
            Whether the whole read has to be planned again for that.

        Raises:
            ApiError: There are no smaller windows.
        """
        if slice_.is_all:
            self._too_deep = refusal
            return True
        self._slices.split(slice_, split(slice_, refusal, self._now))
        return False

    # How far it has come

    def requested(self, timestamp: datetime) -> bool:
        """Record when a page was requested, by the server's clock.

        Returns:
            Whether our clock is so far behind the server's that the read must be planned again.
        """
        self.range.started_at = min(self.range.started_at or timestamp, timestamp)
        self.progress.pages += 1
        if timestamp <= self._now + DAY:
            return False
        self._now = timestamp
        self.audit.check(timestamp)
        return self.windowed or self.audit.due

    def finish(self, slice_: Slice) -> Slice | None:
        """Record that a slice is finished; return the last one before the first gap, if that has moved."""
        window = slice_.window
        if window is not None:
            self._pace.learn(window, slice_.pages)
        if slice_.parent is not None:
            self.progress.parents_read += 1
            if slice_.whole:
                self._bookmark.answered(slice_.parent)
        elif window is not None:
            self.progress.read_window(window.start, window.end or max(window.start, self._now))
        return self._slices.finish(slice_)

    def leave_out(self, slice_: Slice, *, missing: bool) -> Slice | None:
        """Record that the rows of a parent cannot be read; return as `finish` does.

        Args:
            slice_: Its slice.
            missing: Whether it is missing: its rows are read in full once it answers again. Otherwise the
                next run has to read all parents again, so this one keeps neither its place nor its end.
        """
        if missing:
            self._bookmark.skip(slice_.parent or "")
        else:
            self._incomplete, self._bookmark.position = True, None
        self.progress.parents_read += 1
        return self._slices.finish(slice_)

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
            self.progress.at = last.window.end

    def keep_position(
        self, *, cursor: str | None = None, after: str | None = None, page_size: int = 0
    ) -> None:
        """Let the bookmark say where an unfiltered read continues: at a cursor, or after a parent."""
        if self.range.started_at is not None:
            self._bookmark.position = ReadPosition(
                self.range.started_at, self.range.since, self._fingerprint(), cursor, after, page_size
            )

    def keep_all(self) -> None:
        """Let the bookmark say that the read is complete."""
        self._advance(self.range.end)
        self._bookmark.position = None
        self._bookmark.unproven_from = None
        if self.range.started_at is not None:
            from_start = self.range.from_start
            self.audit.read_complete(self.range.started_at, filtered=self.windowed, from_start=from_start)

    def _advance(self, timestamp: datetime | None) -> None:
        if self.range.started_at is not None:
            self._bookmark.advance(timestamp or self.range.started_at, self.range.started_at)

    def _fingerprint(self) -> str:
        return self._query.fingerprint(self.range.since, self.range.end)
