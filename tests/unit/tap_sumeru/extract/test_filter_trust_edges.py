"""`filter_trust`: rows that prove nothing, and a rejection for which the filter was not at fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from typing_extensions import override

from sumeru_api.timestamps import Precision
from tap_sumeru.extract.filter_trust import FilterTrust
from tap_sumeru.extract.windows import Window
from tap_sumeru.records import ShapedPage
from tap_sumeru.state.bookmarks import Bookmark, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator


DAY = datetime(2026, 5, 10, tzinfo=UTC)
BEGAN = DAY + timedelta(days=60)
MICROSECOND = timedelta(microseconds=1)
ACCEPTED = Window(DAY, DAY + timedelta(days=1)).accepted_range


class Rows(ShapedPage):
    """Rows, each given by its replication key and its other dates."""

    def __init__(self, *rows: tuple[datetime, list[datetime]]) -> None:
        self.ids, self.timestamps = [None] * len(rows), [at for at, _ in rows]
        self._others = [others for _, others in rows]

    @override
    def other_dates(self, index: int) -> Iterator[datetime]:
        return iter(self._others[index])


def unproven() -> tuple[FilterTrust, Bookmark]:
    bookmark = Bookmark({}, "updated_at", ("from", "to"))
    return FilterTrust(bookmark, usable=True), bookmark


def test_a_row_that_is_not_given_whole_proves_nothing() -> None:
    trust, _ = unproven()
    assert trust.check_page(ACCEPTED, Rows((DAY, [])), None, all_attributes=False)
    assert trust.known == "unproven"
    assert trust.check_page(ACCEPTED, Rows((DAY, [])), None)
    assert trust.known == "plausible"


def test_a_row_that_has_changed_since_the_read_began_may_lie_anywhere() -> None:
    trust, _ = unproven()
    assert trust.check_page(ACCEPTED, Rows((DAY, [DAY]), (BEGAN, [])), BEGAN)
    assert trust.known != "refuted"
    assert not trust.check_page(ACCEPTED, Rows((BEGAN - MICROSECOND, [])), BEGAN)
    assert trust.known == "refuted"
    trust, _ = unproven()
    assert not trust.check_page(ACCEPTED, Rows((BEGAN, [])), None), "when the read began is not known"


def test_a_row_behind_others_that_say_nothing_proves_the_filter() -> None:
    trust, _ = unproven()
    assert trust.check_page(ACCEPTED, Rows((DAY, [DAY]), (DAY, [DAY - timedelta(days=9)])), BEGAN)
    assert trust.known == "proven"


def test_a_row_whose_dates_are_not_exact_enough_is_no_candidate() -> None:
    nearly_outside = Rows((DAY, [ACCEPTED.start - timedelta(minutes=30)]))
    for precision, exact in ((Precision.SECOND, True), (Precision.HOUR, False)):
        trust, bookmark = unproven()
        bookmark.precision = precision
        trust.look_for_candidate(BEGAN)
        trust.consider(nearly_outside, None)
        assert (trust.take_candidate() is not None) is exact


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
