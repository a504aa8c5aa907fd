"""Whether a date filter can be believed: it must be seen to act on the replication key.

A filter on `created_at` looks right in an incremental read, and silently misses old rows that change.
So it is `unproven` until it returns a row whose replication key lies in the range asked for while every
other date of that row lies outside; and it is `refuted` as soon as it returns a row whose replication key
lies outside.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sumeru_api import timestamps
from sumeru_api.timestamps import DAY
from tap_sumeru.extract.windows import Window
from tap_sumeru.state.bookmarks import Bookmark, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tap_sumeru.records.rows import Rows

_LONGEST_TIMESTAMP = 35
_SHORTEST_TIMESTAMP = 10


def dates_of(attributes: Mapping[str, Any]) -> dict[str, datetime]:
    """Return all attributes of a row that are dates, known to the schema or not."""
    found = {}
    for name, value in attributes.items():
        if isinstance(value, str) and _SHORTEST_TIMESTAMP <= len(value) <= _LONGEST_TIMESTAMP:
            instant = timestamps.parse(value)
            if instant is not None:
                found[name] = instant
    return found


def others_of(attributes: Mapping[str, Any], key: str) -> Iterator[datetime]:
    """Yield all dates of a row but its replication key."""
    yield from (instant for name, instant in dates_of(attributes).items() if name != key)


def judge(reach: Window, instant: datetime, others: Iterable[datetime]) -> Verdict:
    """Return what one row, returned for a window, says about the filter.

    Args:
        reach: What a correct API may give for the window that was asked for.
        instant: The row's replication key.
        others: All other dates of the row.
    """
    if not reach.holds(instant):
        return Verdict.REFUTED
    return Verdict.UNPROVEN if any(reach.holds(other) for other in others) else Verdict.PROVEN


class ProbeCandidate:
    """Looks among the rows of an unfiltered read for one that can prove the filter, and names its day.

    Args:
        now: The present; a row that has not changed for a day is less likely to change while it is asked for.
    """

    def __init__(self, now: datetime) -> None:
        self._settled = now - timedelta(days=1)
        self._window: Window | None = None
        self.parent: str | None = None
        self.found = False

    def look(self, instant: datetime, others: Iterable[datetime], parent: str | None) -> None:
        """Consider a row; costs nothing once a good one is found."""
        if self.found or (self._window is not None and instant > self._settled):
            return
        day = timestamps.midnight(instant)
        window = Window(day, timestamps.shift(day, DAY))
        if judge(window.reach, instant, others) is Verdict.PROVEN:
            self._window, self.parent = window, parent
            self.found = instant <= self._settled

    @property
    def window(self) -> Window | None:
        """The day to ask the filter for, or None if no row qualified."""
        return self._window


class FilterTrust:
    """What is believed of one stream's date filter, and on what it is based.

    Args:
        bookmark: Where it is remembered.
        usable: Whether there is a filter to believe in.
    """

    def __init__(self, bookmark: Bookmark, *, usable: bool) -> None:
        self._bookmark = bookmark
        self._usable = usable
        self._witness: ProbeCandidate | None = None
        self._before: Verdict | None = None

    @property
    def known(self) -> str:
        """What is known about the filter, in a word."""
        return self._bookmark.verdict.value if self._usable else "none"

    @property
    def unproven(self) -> bool:
        """Whether rows have said nothing about it yet."""
        return self._usable and self._bookmark.verdict is Verdict.UNPROVEN

    def may_shorten(self, *, first: bool) -> bool:
        """Return whether a read may go by the filter: an incremental one only once it is proven."""
        if self.unproven:
            return first or self._bookmark.unproven_from is not None
        return self._usable and self._bookmark.verdict is Verdict.PROVEN

    def verify(self, reach: Window, rows: Rows, *, whole: bool = True) -> bool:
        """Learn from rows that the filter gave; return whether it can still be believed.

        Rows that are not given whole prove nothing: a date that was left out may be what the filter is on.
        """
        if not all(map(reach.holds, rows.span)):
            if self._bookmark.unproven_from is None:
                # It was believed: nothing that it shortened can be relied on.
                self._bookmark.value = None
            self._bookmark.verdict = Verdict.REFUTED
            return False
        if whole and self.unproven:
            dated = ((i, instant) for i, instant in enumerate(rows.instants) if instant is not None)
            if any(judge(reach, instant, rows.others(i)) is Verdict.PROVEN for i, instant in dated):
                self._bookmark.verdict = Verdict.PROVEN
        return True

    def refused(self) -> None:
        """Take note that the API does not accept the filter; what it gave before stays good."""
        self._before = self._bookmark.verdict
        self._bookmark.verdict = Verdict.REFUTED

    def acquit(self) -> None:
        """Take note that the request failed without the filter too: the filter was not to blame."""
        if self._before is not None:
            self._bookmark.verdict, self._before = self._before, None

    def settle(self) -> None:
        """Take note that the request went well without the filter."""
        self._before = None

    def seek_witness(self, now: datetime) -> None:
        """Begin to look for a row that can prove the filter, among the rows of an unfiltered read."""
        self._witness = ProbeCandidate(now) if self.unproven else None

    def look(self, rows: Rows, parent: str | None) -> None:
        """Consider the rows of an unfiltered read."""
        if self._witness is not None and None in rows.instants:
            # No filter can be relied on to give a row that lacks what it filters on.
            self._witness = None
        if self._witness is None or self._witness.found:
            return
        for i, instant in enumerate(rows.instants):
            if instant is not None:
                self._witness.look(instant, rows.others(i), parent)

    def call_witness(self) -> ProbeCandidate | None:
        """Return the witness that was found, once."""
        witness, self._witness = self._witness, None
        return witness if witness is not None and witness.window is not None else None

    def hear(self, reach: Window, rows: Iterable[tuple[datetime | None, Iterable[datetime]]]) -> bool:
        """Judge the filter by what it gives for the witness's day; return whether it is known now."""
        verdicts = {judge(reach, instant, others) for instant, others in rows if instant is not None}
        for verdict in (Verdict.REFUTED, Verdict.PROVEN):
            if verdict in verdicts:
                self._bookmark.verdict = verdict
                break
        return not self.unproven
