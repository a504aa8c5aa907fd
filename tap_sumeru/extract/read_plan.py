"""In which parts one stream of one shop is read, and how far they have come, as its bookmark keeps it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from sumeru_api.timestamps import midnight
from tap_sumeru.extract.slices import Slice, SliceQueue
from tap_sumeru.extract.windows import Growth, Window, cut
from tap_sumeru.state.bookmarks import Bookmark, ReadPosition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from tap_sumeru.config.settings import StreamOptions
    from tap_sumeru.extract.filter_trust import FilterTrust
    from tap_sumeru.extract.queries import Query

_FUTURE = timedelta(days=1)
_FEW = 2
"""Windows under way at least, so that the next one need not wait until a page is written."""


class Traffic(Protocol):
    """What a plan needs to know of the requests of its shop."""

    @property
    def at_once(self) -> int:
        """How many may be under way."""

    @property
    def crowded(self) -> bool:
        """Whether some wait for their turn, so that further ones would only wait with them."""


class Plan:
    """What is to be read of one stream of one shop.

    Args:
        options: How the stream is read.
        bookmark: What earlier reads have left.
        trust: What is believed of the date filter.
        query: Makes the requests, and tells one read from another.
        now: The present, by our clock.
        first: Start of a first read, or None.
        end: Exclusive end of the read, or None.
        by_day: Whether rows belong to days, not to instants.
        traffic: The requests of the shop.
    """

    def __init__(
        self,
        options: StreamOptions,
        bookmark: Bookmark,
        trust: FilterTrust,
        query: Query,
        *,
        now: datetime,
        first: datetime | None,
        end: datetime | None,
        by_day: bool,
        traffic: Traffic,
    ) -> None:
        self._options = options
        self._bookmark = bookmark
        self._trust = trust
        self._query = query
        self._now = now
        self._first = first
        self._end = end
        self._by_day = by_day
        self._traffic = traffic
        self._growth = Growth(options.window_days)
        self._since: datetime | None = None
        self._began: datetime | None = None
        self._parts = SliceQueue()
        self.parents: set[str] | None = None
        """Ids of the parents whose children are read; None if the stream has none."""
        self.windowed = False
        """Whether the parts go by the date filter."""
        self.moved = False
        """Whether the bookmark has moved since the engine last looked."""

    # What to read

    def forget_future(self) -> bool:
        """Forget a bookmark that lies in the future; return whether it did."""
        value = self._bookmark.value
        if value is None or value <= self._now + _FUTURE:
            return False
        self._bookmark.value = None
        return True

    def begin(self, *, whole: bool) -> str | None:
        """Plan the parts; return the cursor at which the first goes on, if it was interrupted.

        Args:
            whole: Whether all rows are needed, from the first.
        """
        value = self._bookmark.value and min(self._bookmark.value, self._now)
        self._since = value - self._options.lookback if value else self._first
        if self._since is not None and self._by_day:
            self._since = midnight(self._since)
        if self.empty:
            return None
        if whole:
            return self.begin_unfiltered()
        place = self._bookmark.place
        # Of a parent only one window is read: no row of it could prove the filter.
        provable = value is None and self.parents is None
        if place is None and self._since is not None and self._trust.may_shorten(first=provable):
            self._begin_windows(self._since)
            return None
        return self.begin_unfiltered(place)

    @property
    def empty(self) -> bool:
        """Whether the read ends before it begins."""
        return self._end is not None and self._since is not None and self._since >= self._end

    def _begin_windows(self, since: datetime) -> None:
        if self._trust.unproven and self._bookmark.unproven_from is None:
            self._bookmark.unproven_from = since
        if self.parents is None:
            windows = cut(since, self._end, self._now, self._lengths())
            self._start((Slice(window=window) for window in windows), windowed=True)
        else:
            window = Window(since, self._end)
            self._start((Slice(window=window, parent=one) for one in sorted(self.parents)), windowed=True)

    def begin_unfiltered(self, place: ReadPosition | None = None) -> str | None:
        """Plan the parts without the date filter; return the cursor at which the first goes on, if any.

        Args:
            place: How far such a read has come; one of another query says nothing.
        """
        if self._bookmark.unproven_from is not None:
            # What was read by a filter that never proved itself may lack rows, back to where it came in.
            self._since = self._bookmark.unproven_from
        self._trust.seek_witness(self._now)
        if place is not None and place.query != self._fingerprint():
            place = None
        self._began = place.began if place else self._began
        if self.parents is None:
            self._start([Slice()], windowed=False)
            return place.cursor if place else None
        after = place.after if place and place.after else ""
        parents = sorted(parent for parent in self.parents if parent > after)
        self._start((Slice(parent=parent) for parent in parents), windowed=False)
        return None

    def _start(self, parts: Iterable[Slice], *, windowed: bool) -> None:
        self._parts = SliceQueue(parts)
        self.windowed = windowed

    def next_parts(self) -> list[Slice]:
        """Return the parts to begin now: of windows no more than are read any sooner for it.

        Until the first answer requests are made one by one.
        """
        few = self.windowed and self.parents is None and (self._began is None or self._traffic.crowded)
        return self._parts.begin(_FEW if few else max(_FEW, self._traffic.at_once))

    def _lengths(self) -> Iterator[int]:
        """Yield how long the windows are to be, each when it is needed.

        Where more of them are not read any sooner, they may grow; not where a page costs a request a row.
        """
        while True:
            grown = self._traffic.crowded and not self._options.details
            yield self._growth.days if grown else self._options.window_days

    def holds(self, part: Slice, instant: datetime) -> bool:
        """Return whether a row of a part belongs to the read, by its replication key."""
        if part.window is not None:
            return part.window.holds(instant)
        return (self._since is None or instant >= self._since) and (self._end is None or instant < self._end)

    # How far it has come

    def asked(self, instant: datetime) -> None:
        """Take note that a page was asked for, by the server's clock."""
        self._began = min(self._began or instant, instant)

    def finish(self, part: Slice) -> Slice | None:
        """Take note that a part is read; return the last one before the first gap, if that has moved."""
        if part.window is not None:
            self._growth.learn(part.window, part.pages)
        return self._parts.finish(part)

    @property
    def complete(self) -> bool:
        """Whether all parts are read; ask after `next_parts`."""
        return self._parts.complete

    def keep(self, last: Slice) -> None:
        """Let the bookmark say that all parts up to this one are read."""
        if last.window is None:
            self.keep_place(after=last.parent)
        elif last.parent is None and last.window.end is not None:
            self._advance(last.window.end)

    def keep_place(self, *, cursor: str | None = None, after: str | None = None) -> None:
        """Let the bookmark say where an unfiltered read goes on: at a cursor, or after a parent."""
        if self._began is not None:
            self._bookmark.place = ReadPosition(self._began, self._since, self._fingerprint(), cursor, after)

    def keep_all(self) -> None:
        """Let the bookmark say that all is read."""
        self._advance(self._end)
        self._bookmark.place = None
        self._bookmark.unproven_from = None

    def _advance(self, instant: datetime | None) -> None:
        if self._began is not None:
            self._bookmark.advance(instant or self._began, self._began)
            self.moved = True

    def _fingerprint(self) -> str:
        return self._query.fingerprint(self._since, self._end)
