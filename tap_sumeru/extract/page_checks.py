"""Checks each page of rows against what the read relies on: the replication key and the date filter."""

from __future__ import annotations

import logging
from datetime import timedelta
from math import gcd
from typing import TYPE_CHECKING

from sumeru_api.timestamps import DAY, Precision, midnight
from tap_sumeru.extract.recovery import StartOver

if TYPE_CHECKING:
    from tap_sumeru.extract.filter_trust import FilterTrust
    from tap_sumeru.extract.read_plan import ReadPlan
    from tap_sumeru.extract.slices import Slice
    from tap_sumeru.records import RecordShaper, ShapedPage
    from tap_sumeru.state.bookmarks import Bookmark

logger = logging.getLogger("tap-sumeru")

_COARSE = {
    Precision.MINUTE: "has no seconds, so each sync starts a minute earlier",
    Precision.HOUR: "is rounded to minutes or an hour, so each sync starts an hour earlier",
    Precision.LOCAL: "has no time zone, so each sync starts 14 hours earlier",
    Precision.DAY: "has no time of day, so each sync starts 38 hours earlier",
}
_MIN_ROWS = 20
"""Rows that must be whole steps apart before these are taken for the precision."""
_MIN_MIDNIGHTS = 3
"""Rows that must show midnight before it is taken for no time of day."""
_MAX_SHIFTS = 2
"""Times of day that a midnight may have: one in summer and one in winter."""
_HOUR, _QUARTER, _MINUTE = timedelta(hours=1), timedelta(minutes=15), timedelta(minutes=1)
_MICROSECOND = timedelta(microseconds=1)


class PageChecks:
    """Checks the pages of one stream of one shop.

    Args:
        name: Name of the stream, for the log.
        bookmark: What is known about the stream; it learns from the pages.
        trust: What is known about the date filter; it learns from the pages.
        plan: What is read.
        shaper: Has shaped the pages.
    """

    def __init__(
        self,
        name: str,
        bookmark: Bookmark,
        trust: FilterTrust,
        plan: ReadPlan,
        shaper: RecordShaper,
    ) -> None:
        self._name = name
        self._bookmark = bookmark
        self._trust = trust
        self._plan = plan
        self._shaper = shaper

    def check(self, slice_: Slice, page: ShapedPage, *, all_attributes: bool) -> None:
        """Check a page of a slice.

        Args:
            slice_: The slice.
            page: The page.
            all_attributes: Whether all attributes of its rows were requested.

        Raises:
            StartOver: The read cannot go on as planned.
        """
        if not page.records:
            return
        self._check_precision(page)
        if slice_.window is None:
            self._plan.keyless |= None in page.timestamps
            self._trust.consider(page, slice_.parent)
            return
        accepted = slice_.window.accepted_range.widened(self._bookmark.distance)
        if not self._trust.check_page(accepted, page, self._plan.range.began, all_attributes=all_attributes):
            raise StartOver

    def _check_precision(self, page: ShapedPage) -> None:
        """Widen the distance to the bookmark if the replication key is less exact than before."""
        observed = Precision.DAY if _is_midnight(page) else _step(page)
        precision = max(observed, page.precision, key=lambda one: one.distance)
        if not self._bookmark.learn_precision(precision):
            return
        if self._shaper.is_coarser(precision):  # logged once, not for each shop
            logger.warning("%s: `%s` %s.", self._name, self._shaper.key, _COARSE[precision])
        if self._plan.range.since is not None:
            raise StartOver


def _step(page: ShapedPage) -> Precision:
    """Return the precision of many rows whose replication keys are whole steps apart, such as hours.

    One that is the same every day, or twice a day, is taken for a day.
    """
    if not page.span or page.span[0] == page.span[1] or (page.span[1] - page.span[0]) % _MINUTE:
        return Precision.SECOND  # so that an ordinary page costs nothing per row
    dated = [one for one in page.timestamps if one is not None]
    # Only what divides a day is rounded; rows may as well come at regular intervals.
    moments = ((one - page.span[0]) // _MICROSECOND for one in dated)
    step = gcd(DAY // _MICROSECOND, *moments) * _MICROSECOND
    if len(dated) < _MIN_ROWS or step < _MINUTE or step % _MINUTE:
        return Precision.SECOND
    if step > _HOUR:
        return Precision.DAY
    return Precision.MINUTE if step == _MINUTE else Precision.HOUR


def _is_midnight(page: ShapedPage) -> bool:
    """Return whether a few rows of several days all show midnight of some time zone.

    That is at a quarter of an hour, and with daylight saving time an hour earlier or later.
    """
    if not page.span or page.span[0] == page.span[1]:
        return False
    first, last = page.span
    if (last - first) % _HOUR or last - first < DAY - _HOUR or (first - midnight(first)) % _QUARTER:
        return False
    dated = [one for one in page.timestamps if one is not None]
    shifts = {(one - first) % DAY for one in dated}
    is_shifted = len(shifts) > _MAX_SHIFTS or not shifts <= {timedelta(), _HOUR, DAY - _HOUR}
    return len(dated) >= _MIN_MIDNIGHTS and not is_shifted
