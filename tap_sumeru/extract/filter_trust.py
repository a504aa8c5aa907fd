"""Trust in the API's date filter: the filter must be seen to act on the replication key.

A filter on `created_at` looks right in an incremental read, and silently misses old rows that change.
So a filter is `unproven` until it returns a row whose replication key lies in the requested range while all
other dates of that row lie outside; and it is `refuted` as soon as it returns a row whose replication key
lies outside.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sumeru_api import timestamps
from sumeru_api.timestamps import DAY
from tap_sumeru.extract.windows import Window
from tap_sumeru.state.bookmarks import Bookmark, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_sumeru.records import ShapedPage


def judge(reach: Window, timestamp: datetime, others: Iterable[datetime]) -> Verdict:
    """Return what one row that the filter returned says about the filter.

    Args:
        reach: What a correct API may return for the requested window.
        timestamp: The row's replication key.
        others: All other dates of the row.
    """
    if not reach.holds(timestamp):
        return Verdict.REFUTED
    return Verdict.UNPROVEN if any(reach.holds(other) for other in others) else Verdict.PROVEN


class ProbeCandidate:
    """Looks among the rows of an unfiltered read for one that can prove the filter, and names its day.

    Args:
        now: The present; a row that has not changed for a day is unlikely to change while it is requested.

    Attributes:
        parent: Id of the row's parent, None if the stream has no parents.
        found: Whether a settled row was found, so that no other need be considered.
    """

    def __init__(self, now: datetime) -> None:
        self._settled = now - timedelta(days=1)
        self._window: Window | None = None
        self.parent: str | None = None
        self.found = False

    def consider(self, timestamp: datetime, others: Iterable[datetime], parent: str | None) -> None:
        """Consider a row; costs nothing once a settled row is found."""
        if self.found or (self._window is not None and timestamp > self._settled):
            return
        day = timestamps.midnight(timestamp)
        window = Window(day, timestamps.shift(day, DAY))
        if judge(window.reach, timestamp, others) is Verdict.PROVEN:
            self._window, self.parent = window, parent
            self.found = timestamp <= self._settled

    @property
    def window(self) -> Window | None:
        """The day to request through the filter, None if no row qualified."""
        return self._window


class FilterTrust:
    """What is known about the date filter of one stream of one shop.

    Args:
        bookmark: Keeps it from one run to the next.
        usable: Whether there is a filter to use.
    """

    def __init__(self, bookmark: Bookmark, *, usable: bool) -> None:
        self._bookmark = bookmark
        self._usable = usable
        self._candidate: ProbeCandidate | None = None
        self._before_rejection: Verdict | None = None

    @property
    def known(self) -> str:
        """What is known about the filter, in a word."""
        return self._bookmark.verdict.value if self._usable else "none"

    @property
    def unproven(self) -> bool:
        """Whether no row has said anything about the filter yet."""
        return self._usable and self._bookmark.verdict is Verdict.UNPROVEN

    def may_shorten(self, *, first: bool) -> bool:
        """Return whether a read may use the filter: an incremental read only once it is proven."""
        if self.unproven:
            return first or self._bookmark.unproven_from is not None
        return self._usable and self._bookmark.verdict is Verdict.PROVEN

    def verify(self, reach: Window, page: ShapedPage, *, whole: bool = True) -> bool:
        """Learn from a page that the filter returned; return whether the filter can still be believed.

        Args:
            reach: What a correct API may return for the requested window.
            page: The page.
            whole: Whether the rows have all their attributes; if not, they prove nothing: a date that was
                left out may be the one that the filter acts on.
        """
        if not all(map(reach.holds, page.span)):
            if self._bookmark.unproven_from is None:
                # The filter was believed: whatever it shortened may lack rows.
                self._bookmark.value = None
            self._bookmark.verdict = Verdict.REFUTED
            return False
        if whole and self.unproven:
            dated = ((i, one) for i, one in enumerate(page.timestamps) if one is not None)
            if any(judge(reach, one, page.other_dates(i)) is Verdict.PROVEN for i, one in dated):
                self._bookmark.verdict = Verdict.PROVEN
        return True

    def rejected(self) -> None:
        """Record that the API does not accept the filter; what it returned before stays valid."""
        if self._before_rejection is None:  # several requests may be rejected in the same moment
            self._before_rejection = self._bookmark.verdict
        self._bookmark.verdict = Verdict.REFUTED

    def acquit(self) -> None:
        """Record that the request failed without the filter too, so that the filter was not at fault."""
        if self._before_rejection is not None:
            self._bookmark.verdict, self._before_rejection = self._before_rejection, None

    def confirm_rejection(self) -> None:
        """Record that the request succeeded without the filter."""
        self._before_rejection = None

    def look_for_candidate(self, now: datetime) -> None:
        """Start to look for a row that can prove the filter, among the rows of an unfiltered read."""
        self._candidate = ProbeCandidate(now) if self.unproven else None

    def consider(self, page: ShapedPage, parent: str | None) -> None:
        """Consider the rows of an unfiltered read as candidates."""
        if self._candidate is not None and None in page.timestamps:
            # No filter can be relied on to return a row that lacks the field that it acts on.
            self._candidate = None
        if self._candidate is None or self._candidate.found:
            return
        for i, timestamp in enumerate(page.timestamps):
            if timestamp is not None:
                self._candidate.consider(timestamp, page.other_dates(i), parent)

    def take_candidate(self) -> ProbeCandidate | None:
        """Return the candidate that was found, once."""
        candidate, self._candidate = self._candidate, None
        return candidate if candidate is not None and candidate.window is not None else None

    def judge_probe(self, reach: Window, page: ShapedPage) -> bool:
        """Judge the filter by a page of the candidate's day; return whether more is known now."""
        dated = ((i, one) for i, one in enumerate(page.timestamps) if one is not None)
        verdicts = {judge(reach, one, page.other_dates(i)) for i, one in dated}
        for verdict in (Verdict.REFUTED, Verdict.PROVEN):
            if verdict in verdicts:
                self._bookmark.verdict = verdict
                break
        return not self.unproven
