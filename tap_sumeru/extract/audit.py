"""The audit: every few days, a stream that is read through the date filter is read once without it.

No check can rule out that the filter acts on a date which the rows do not show, or that it leaves out rows
without a replication key. The audit bounds for how long such rows are missing.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

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
        needed: Whether this read must be an audit: one is due, and the filter was or would be used.
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
        self.needed = audit_due and self._filter_matters
        self._begun = False

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
                "case the filter leaves out rows; everything since `start_date` is written again.",
                self._schedule.shop,
                self._schedule.stream,
            )
        return True

    def postpone(self, error: ApiError) -> None:
        """Leave an audit that the API does not allow to the next run: through the filter, the read can go on.

        Args:
            error: The API rejects the request, or the list is too deep.

        Raises:
            ApiError: The read is no audit.
        """
        if not self.needed:
            raise error
        logger.warning(
            "Shop %s: %s: the API rejects the audit, a read without the date filter (%s); rows that the "
            "filter leaves out may be missing.",
            self._schedule.shop,
            self._schedule.stream,
            error.describe(),
        )
        self.due = self.needed = False
        self._bookmark.position = None

    def filter_used(self, since: datetime) -> None:
        """Record that a read uses the filter."""
        self._bookmark.filtered_from = self._bookmark.filtered_from or since

    def read_complete(self, started_at: datetime, *, filtered: bool, from_start: bool) -> None:
        """Record that a read is complete.

        A read without the filter counts as an audit if it brought everything, or if the filter was not used
        since the last one. A refuted filter is tried again only when an audit is due.

        Args:
            started_at: When it started.
            filtered: Whether it used the filter.
            from_start: Whether it brought everything, from `start_date` on.
        """
        bookmark = self._bookmark
        if filtered:
            bookmark.last_audit = bookmark.last_audit or started_at
        elif from_start or bookmark.filtered_from is None:
            waits = bookmark.verdict is Verdict.REFUTED and not self.due
            bookmark.audited((bookmark.last_audit if waits else None) or started_at)
