"""The audit: every few days, all rows of a stream are read without the date filter and written again.

No check can rule out that the filter acts on a date which the rows do not show, that it leaves out rows
without a replication key, or that a row comes late: with a replication key from before the last sync. The
audit bounds for how long such rows are missing.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sumeru_api.errors import RequestRejected
from tap_sumeru.state.bookmarks import Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from sumeru_api.errors import ApiError
    from tap_sumeru.state.bookmarks import Bookmark

logger = logging.getLogger("tap-sumeru")

_RETRY = timedelta(days=7)
"""How often a refuted filter is tried again if there are no audits."""
_SPREAD = 0.25
"""Last part of the interval, over which the audits of many shops and streams are spread."""


@dataclass(frozen=True, slots=True)
class AuditSchedule:
    """When the audits of one stream of one shop are due.

    Attributes:
        interval: The longest time between two audits; zero for no audits.
        shop: Name of the shop.
        stream: Name of the stream.
    """

    interval: timedelta
    shop: str
    stream: str

    @property
    def share(self) -> float:
        """Part of the interval after which an audit is due; it is the same in every run."""
        digest = hashlib.sha256(f"{self.shop}/{self.stream}".encode()).digest()
        return 1 - _SPREAD * int.from_bytes(digest[:4], "big") / 2**32

    def due(self, last: datetime | None, now: datetime) -> bool:
        """Return whether an audit is due.

        Args:
            last: When the last one was, None if the first read is not complete.
            now: The present.
        """
        return bool(self.interval) and self.retry_due(last, now)

    def retry_due(self, last: datetime | None, now: datetime) -> bool:
        """Return whether a refuted filter should be tried again; the arguments are those of `due`."""
        if last is None:
            return False
        interval, age = self.interval or _RETRY, now - last
        # Most audits are not due for any share, which then need not be worked out.
        return age >= interval * (1 - _SPREAD) and age >= interval * self.share


class Audit:
    """The audits of one stream of one shop, as its bookmark keeps them.

    Args:
        bookmark: What earlier reads have left.
        schedule: When an audit is due.
        now: The present.

    Attributes:
        due: Whether the last audit, or the last try of a refuted filter, is long ago.
        needed: Whether this read must be an audit.
    """

    def __init__(self, bookmark: Bookmark, schedule: AuditSchedule, now: datetime) -> None:
        self._bookmark = bookmark
        self._schedule = schedule
        believed = bookmark.verdict in (Verdict.PROVEN, Verdict.PLAUSIBLE)
        self._filter_matters = believed or bookmark.filtered_from is not None
        self.due = self.needed = self._begun = False
        self.check(now)

    def check(self, now: datetime) -> None:
        """Find out whether an audit is due."""
        last = self._bookmark.last_audit
        self.due = audit_due = self._schedule.due(last, now)
        if self._bookmark.verdict is Verdict.REFUTED:
            self.due = self._schedule.retry_due(last, now)
        self.needed = audit_due
        self._begun = False

    @property
    def avoidable(self) -> bool:
        """Whether this read is an audit, and could be made through the filter instead."""
        return self.needed and self._filter_matters

    def begin(self) -> bool:
        """Log why the stream is read in full, if it is; return whether a refuted filter is tried again.

        That is once per run, however often the read is planned: the filter may be refuted again.
        """
        if not self.due or self._begun:
            return False
        self._begun = True
        if self.needed:
            logger.info(
                "Shop %s: %s: an audit is due (`audit_days`): reading the stream without the date filter, in "
                "case %s; everything since `start_date` is written again.",
                self._schedule.shop,
                self._schedule.stream,
                "the filter leaves out rows" if self._filter_matters else "rows came or changed late",
            )
        return True

    def postpone(self, error: ApiError, *, answered: bool = False) -> None:
        """Leave an audit that cannot be made to the next run: through the filter, the read can go on.

        An audit that fails on its way is not given up: the next run continues it.

        Args:
            error: The request failed for good, or the list is too deep.
            answered: Whether the API has returned rows of this audit in this run.

        Raises:
            ApiError: The read is no audit, or has no filter to go on with.
        """
        on_its_way = answered and not isinstance(error, RequestRejected)
        if not self.avoidable or on_its_way or error.affects_shop:
            raise error
        logger.warning(
            "Shop %s: %s: the audit, a read without the date filter, failed (%s); rows that the filter "
            "leaves out may be missing.",
            self._schedule.shop,
            self._schedule.stream,
            error.describe(),
        )
        self.due = self.needed = False
        self._bookmark.position = None

    def warn_of_required_filter(self) -> None:
        """Log that a first read could not be repeated without the filter."""
        logger.warning(
            "Shop %s: %s: the API lists nothing without the date filter; rows that the filter leaves out may "
            "be missing.",
            self._schedule.shop,
            self._schedule.stream,
        )

    def filter_used(self, since: datetime) -> None:
        """Record that a read uses the filter."""
        self._bookmark.filtered_from = self._bookmark.filtered_from or since

    def read_complete(self, started_at: datetime, *, filtered: bool, from_start: bool) -> None:
        """Record that a read is complete.

        A read without the filter counts as an audit if it brought everything; if there are no audits, also if
        the filter was not used since the last one. A refuted filter is tried again only when an audit is due.

        Args:
            started_at: When it started.
            filtered: Whether it used the filter.
            from_start: Whether it brought everything, from `start_date` on.
        """
        bookmark = self._bookmark
        no_audits = not self._schedule.interval and bookmark.filtered_from is None
        if not filtered and (from_start or no_audits):
            waits = bookmark.verdict is Verdict.REFUTED and not self.due
            bookmark.audited((bookmark.last_audit if waits else None) or started_at)
        else:
            bookmark.last_audit = bookmark.last_audit or started_at
