"""`filter_trust`: rows that prove nothing, and a rejection for which the filter was not at fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_sumeru.extract.filter_trust import FilterTrust
from tap_sumeru.extract.windows import Window
from tap_sumeru.records import ShapedPage
from tap_sumeru.state.bookmarks import Bookmark, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator


class OneRow(ShapedPage):
    """A row without any date but its replication key."""

    def __init__(self, timestamp: datetime) -> None:
        self.records, self.timestamps = [{}], [timestamp]

    @override
    def other_dates(self, index: int) -> Iterator[datetime]:
        return iter(())


def test_a_row_that_is_not_given_whole_proves_nothing() -> None:
    trust = FilterTrust(Bookmark({}, "updated_at", ("from", "to")), usable=True)
    day = datetime(2026, 5, 10, tzinfo=UTC)
    accepted = Window(day, day + timedelta(days=1)).accepted_range
    assert trust.check_page(accepted, OneRow(day), None, all_attributes=False)
    assert trust.known == "unproven"
    assert trust.check_page(accepted, OneRow(day), None)
    assert trust.known == "plausible"


def test_a_refusal_that_was_not_the_filters_leaves_it_believed() -> None:
    bookmark = Bookmark({}, "updated_at", ("from", "to"))
    bookmark.verdict = Verdict.PROVEN
    trust = FilterTrust(bookmark, usable=True)
    trust.rejected()
    trust.undo_rejection()
    assert trust.known == "proven"
    trust.rejected()
    trust.confirm_rejection()
    trust.undo_rejection()
    assert trust.known == "refuted"
