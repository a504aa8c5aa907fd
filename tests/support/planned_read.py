"""Plan of a first read of orders, whose traffic the test decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from support.factories import stream_options
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.extract.audit import AuditSchedule
from tap_sumeru.extract.filter_trust import FilterTrust
from tap_sumeru.extract.queries import Query
from tap_sumeru.extract.read_plan import ReadPlan
from tap_sumeru.state.bookmarks import Bookmark

if TYPE_CHECKING:
    from tap_sumeru.extract.slices import Slice

NOW = datetime(2026, 6, 1, tzinfo=UTC)
YEARS = timedelta(days=1000)


@dataclass
class Traffic:
    """Up to eight requests may be in flight."""

    backlogged: bool
    concurrency: int = 8


class Read:
    """A first read of orders, from a thousand days ago."""

    def __init__(
        self,
        *,
        backlogged: bool,
        bookmark: Bookmark | None = None,
        end: datetime | None = None,
        by_day: bool = False,
        **options: Any,
    ) -> None:
        self.traffic = Traffic(backlogged)
        chosen = stream_options(**options)
        self.bookmark = bookmark or Bookmark({}, "updated_at", chosen.date_filter)
        self.plan = ReadPlan(
            chosen,
            self.bookmark,
            FilterTrust(self.bookmark, usable=True),
            Query(STREAMS["orders"], chosen),
            now=NOW,
            start=NOW - YEARS,
            end=end,
            by_day=by_day,
            traffic=self.traffic,
            audits=AuditSchedule(timedelta(days=7), "acme", "orders"),
        )

    def days(self, slices: list[Slice]) -> list[int | None]:
        windows = [slice_.window for slice_ in slices]
        return [None if one.end is None else (one.end - one.start).days for one in windows if one]

    def finish(self, slice_: Slice, pages: int) -> list[Slice]:
        slice_.pages = pages
        self.plan.requested(NOW)
        self.plan.finish(slice_)
        return self.plan.next_slices()


def planned(*, backlogged: bool) -> Read:
    """Return a read that is planned."""
    read = Read(backlogged=backlogged)
    read.plan.plan(whole=False)
    return read
