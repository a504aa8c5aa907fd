"""Chooses the row of an unfiltered read by which the date filter is probed afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sumeru_api.timestamps import DAY, midnight, shift
from tap_sumeru.extract.filter_verdict import verdict_of_row
from tap_sumeru.extract.windows import Window
from tap_sumeru.state.bookmarks import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_SETTLED = timedelta(days=1)
"""A row that has not changed for this long is unlikely to change while it is requested."""
_MAX_CONSIDERED, _MAX_UNSETTLED = 30, 200
"""Rows after which a row without other dates is accepted, or else one that may still change.

The stream then has none that could prove the filter. Each row that is considered is parsed once more.
"""


class ProbeCandidate:
    """Looks among the rows of an unfiltered read for the best one, and names its day.

    A row whose other dates lie elsewhere can prove the filter; one without other dates can only make it
    plausible, or show that it acts on a date that the rows do not show.

    Args:
        now: The present.
        distance: How far a replication key may be from the moment that it stands for.

    Attributes:
        window: The day to request through the filter, None if no row qualified.
        parent: Id of the row's parent, None if the stream has no parents.
        found: Whether no other row need be considered.
    """

    def __init__(self, now: datetime, distance: timedelta = timedelta()) -> None:
        self._settled = shift(now, -_SETTLED - distance)
        self._distance = distance
        self._rank = (0, False)
        self._considered = 0
        self._row: tuple[str | None, datetime] | None = None
        self.window: Window | None = None
        self.parent: str | None = None
        self.found = False

    def consider(
        self, timestamp: datetime, others: Iterable[datetime], parent: str | None, row_id: str | None = None
    ) -> None:
        """Consider a row; costs nothing once a row is found."""
        if self.found:
            return
        self._considered += 1
        day = midnight(timestamp)
        window = Window(day, shift(day, DAY))
        verdict = verdict_of_row(window.accepted_range.widened(self._distance), timestamp, others)
        rank = (_WORTH.get(verdict, 0), timestamp <= self._settled)
        if rank[0] and rank > self._rank:
            self._rank, self._row = rank, (row_id, timestamp)
            self.window, self.parent = window, parent
        enough = _MAX_CONSIDERED if self._rank[1] else _MAX_UNSETTLED
        self.found = self._rank == _BEST or (self._rank[0] > 0 and self._considered >= enough)

    def is_row(self, row_id: str | None, timestamp: datetime) -> bool:
        """Return whether a row is the candidate, unchanged."""
        return self._row is not None and self._row[0] in (None, row_id) and self._row[1] == timestamp


_WORTH = {Verdict.PLAUSIBLE: 1, Verdict.PROVEN: 2}
_BEST = (2, True)
