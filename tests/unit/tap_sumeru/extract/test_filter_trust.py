"""Trust in the date filter: rows earn it, and a single row loses it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from tap_sumeru.extract.filter_trust import FilterTrust
from tap_sumeru.extract.filter_verdict import verdict_of_row
from tap_sumeru.extract.probe_candidate import ProbeCandidate
from tap_sumeru.extract.windows import Window
from tap_sumeru.records import ShapedPage
from tap_sumeru.records.row_dates import other_dates_of
from tap_sumeru.state.bookmarks import Bookmark, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

Dated = tuple[datetime | None, dict[str, Any]]

DAY = datetime(2026, 5, 10, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ACCEPTED = Window(DAY, DAY + timedelta(days=1)).accepted_range


@pytest.mark.parametrize(
    ("key", "others", "verdict"),
    [
        ("2026-05-10T12:00:00Z", {}, Verdict.PLAUSIBLE),
        ("2026-05-10T12:00:00Z", {"created_at": "2025-01-01T00:00:00Z"}, Verdict.PROVEN),
        ("2026-05-10T12:00:00Z", {"created_at": None, "name": "2025"}, Verdict.PLAUSIBLE),
        ("2026-05-10T12:00:00Z", {"cancelled_at": "0001-01-01T00:00:00Z"}, Verdict.PLAUSIBLE),
        ("2026-05-10T12:00:00Z", {"meta": {"created": 1714521600}}, Verdict.PROVEN),
        ("2026-05-10T12:00:00Z", {"meta": {"created": 1778414400}}, Verdict.UNPROVEN),
        ("2026-05-10T12:00:00Z", {"created_at": "2026-05-10T11:00:00Z"}, Verdict.UNPROVEN),
        ("2026-05-10T12:00:00Z", {"unknown": "2026-05-09", "created_at": "2025-01-01"}, Verdict.UNPROVEN),
        # Outside of the day, but within what an API of another time zone may return for it.
        ("2026-05-08T12:00:00Z", {"created_at": "2025-01-01"}, Verdict.PROVEN),
        ("2026-05-08T09:00:00Z", {"created_at": "2025-01-01"}, Verdict.REFUTED),
        ("2026-05-01T12:00:00Z", {"created_at": "2026-05-10T12:00:00Z"}, Verdict.REFUTED),
        ("2026-06-01T12:00:00Z", {}, Verdict.REFUTED),
    ],
)
def test_what_a_row_says_about_the_filter(key: str, others: dict[str, Any], verdict: Verdict) -> None:
    timestamp = datetime.fromisoformat(key)
    dates = other_dates_of({"updated_at": key, **others}, "updated_at")
    assert verdict_of_row(ACCEPTED, timestamp, dates) is verdict


@pytest.mark.parametrize("edge", ["start", "end"])
def test_a_row_at_the_edge_of_what_a_correct_api_may_return_does_not_refute(edge: str) -> None:
    assert ACCEPTED.end is not None
    timestamp = ACCEPTED.start if edge == "start" else ACCEPTED.end - MICROSECOND
    outside = ACCEPTED.start - MICROSECOND if edge == "start" else ACCEPTED.end
    assert verdict_of_row(ACCEPTED, timestamp, []) is Verdict.PLAUSIBLE
    assert verdict_of_row(ACCEPTED, outside, []) is Verdict.REFUTED
    assert verdict_of_row(ACCEPTED, DAY, [timestamp]) is Verdict.UNPROVEN
    assert verdict_of_row(ACCEPTED, DAY, [outside]) is Verdict.PROVEN


def test_the_candidate_is_a_settled_row_whose_other_dates_lie_elsewhere() -> None:
    useless = ProbeCandidate(DAY + timedelta(days=10))
    useless.consider(DAY, [DAY], None)
    assert useless.window is None
    candidate = ProbeCandidate(DAY + timedelta(days=10))
    elsewhere = datetime(2025, 1, 1, tzinfo=UTC)
    candidate.consider(DAY + timedelta(days=9, hours=12), [elsewhere], "jrn_2")
    assert candidate.window == Window(DAY + timedelta(days=9), DAY + timedelta(days=10))
    assert (candidate.parent, candidate.found) == ("jrn_2", False)
    candidate.consider(DAY, [elsewhere], "jrn_1")
    assert candidate.window == Window(DAY, DAY + timedelta(days=1))
    assert (candidate.parent, candidate.found) == ("jrn_1", True)


def test_a_row_is_settled_when_it_has_not_changed_for_a_day() -> None:
    old = {"created_at": "2025-01-01"}
    at_the_limit = ProbeCandidate(DAY + timedelta(days=1))
    assert (at_the_limit.window, at_the_limit.parent, at_the_limit.found) == (None, None, False)
    at_the_limit.consider(DAY, others(old), None)
    assert at_the_limit.found
    just_changed = ProbeCandidate(DAY + timedelta(days=1))
    just_changed.consider(DAY + MICROSECOND, others(old), None)
    assert not just_changed.found
    just_changed.consider(DAY, others(old), "settled")
    assert (just_changed.parent, just_changed.found) == ("settled", True)


def test_the_first_candidate_stays_until_a_settled_one_comes_which_stays_for_good() -> None:
    old = {"created_at": "2025-01-01"}
    candidate = ProbeCandidate(DAY + timedelta(days=1))
    candidate.consider(DAY + timedelta(hours=1), others(old), "first")
    candidate.consider(DAY + timedelta(hours=2), others(old), "second")
    assert candidate.parent == "first"
    candidate.consider(DAY - timedelta(days=3), others(old), "settled")
    candidate.consider(DAY - timedelta(days=4), others(old), "settled too")
    assert candidate.parent == "settled"
    assert candidate.window == Window(DAY - timedelta(days=3), DAY - timedelta(days=2))


@pytest.mark.parametrize(("hours", "rows"), [(0, 30), (1, 200)], ids=["settled", "may change"])
def test_a_row_without_other_dates_will_do_if_many_rows_have_none(hours: int, rows: int) -> None:
    candidate = ProbeCandidate(DAY + timedelta(days=1))
    for number in range(1, rows + 1):
        candidate.consider(DAY + timedelta(hours=hours), [], f"parent {number}")
        assert candidate.found == (number == rows)
    assert candidate.parent == "parent 1"


def others(row: dict[str, Any]) -> list[datetime]:
    return list(other_dates_of(row, "updated_at"))


class Rows(ShapedPage):
    """Rows, each given by its replication key and its attributes."""

    def __init__(self, rows: list[Dated]) -> None:
        self.records, self.timestamps = [row for _, row in rows], [at for at, _ in rows]
        self.ids = [row.get("id") for _, row in rows]

    @override
    def other_dates(self, index: int) -> Iterator[datetime]:
        return iter(others(self.records[index]))


GOOD = {"updated_at": "2026-05-10", "created_at": "2025-01-01"}
VAGUE = {"updated_at": "2026-05-10", "created_at": "2026-05-10"}
OUTSIDE = DAY + timedelta(days=30)
BEGAN = DAY + timedelta(days=60)


def trust(verdict: Verdict = Verdict.UNPROVEN, *, usable: bool = True) -> tuple[FilterTrust, Bookmark]:
    bookmark = Bookmark({}, "updated_at", ("from", "to"))
    bookmark.value, bookmark.verdict = DAY, verdict
    return FilterTrust(bookmark, usable=usable), bookmark


def test_what_is_known_in_a_word() -> None:
    assert [trust(verdict)[0].known for verdict in Verdict] == ["unproven", "plausible", "proven", "refuted"]
    assert [trust(verdict)[0].improvable for verdict in Verdict] == [True, True, False, False]
    nothing, _ = trust(usable=False)
    assert (nothing.known, nothing.improvable) == ("none", False)


def test_an_unproven_filter_shortens_a_first_read_only() -> None:
    unproven, bookmark = trust()
    assert unproven.may_use_filter(first=True)
    assert not unproven.may_use_filter(first=False)
    bookmark.unproven_from = DAY
    assert unproven.may_use_filter(first=False), "the first read goes on"


@pytest.mark.parametrize("first", [True, False])
def test_a_believed_filter_shortens_any_read_and_a_refuted_one_none(first: bool) -> None:
    assert trust(Verdict.PROVEN)[0].may_use_filter(first=first)
    assert trust(Verdict.PLAUSIBLE)[0].may_use_filter(first=first)
    assert not trust(Verdict.REFUTED)[0].may_use_filter(first=first)
    assert not trust(Verdict.PROVEN, usable=False)[0].may_use_filter(first=first)
    assert not trust(Verdict.UNPROVEN, usable=False)[0].may_use_filter(first=first)


@pytest.mark.parametrize("first_read", [True, False])
@pytest.mark.parametrize("usable", [True, False])
@pytest.mark.parametrize("verdict", Verdict)
def test_only_a_plausible_filter_of_a_first_read_is_accepted_and_only_once(
    verdict: Verdict, *, usable: bool, first_read: bool
) -> None:
    one, bookmark = trust(verdict, usable=usable)
    bookmark.unproven_from = DAY if first_read else None
    improvable = one.improvable
    accepted = usable and first_read and verdict is Verdict.PLAUSIBLE
    assert one.accept() == accepted
    assert bookmark.unproven_from == (DAY if first_read and not accepted else None)
    assert one.improvable == (improvable and not accepted)
    assert bookmark.verdict is verdict
    assert not (accepted and one.accept())


def test_one_good_row_proves_the_filter() -> None:
    one, bookmark = trust()
    assert one.check_page(ACCEPTED, Rows([(DAY, VAGUE)]), BEGAN)
    assert one.known == "unproven"
    assert one.check_page(ACCEPTED, Rows([(DAY, GOOD)]), BEGAN, all_attributes=False)
    assert one.known == "unproven"
    assert one.check_page(ACCEPTED, Rows([(DAY, GOOD)]), BEGAN)
    assert (one.known, bookmark.value) == ("proven", DAY)
    assert one.check_page(ACCEPTED, Rows([(DAY, VAGUE)]), BEGAN)
    assert one.known == "proven", "a row that says nothing changes nothing"


@pytest.mark.parametrize("before", [Verdict.PROVEN, Verdict.UNPROVEN])
def test_one_row_from_outside_refutes_the_filter_and_discards_the_bookmark(before: Verdict) -> None:
    one, bookmark = trust(before)
    assert not one.check_page(ACCEPTED, Rows([(OUTSIDE, GOOD)]), BEGAN)
    assert (bookmark.verdict, bookmark.value) == (Verdict.REFUTED, None)


def test_a_first_read_keeps_its_bookmark_when_its_filter_is_refuted() -> None:
    one, bookmark = trust()
    bookmark.unproven_from = DAY - timedelta(days=9)
    assert not one.check_page(ACCEPTED, Rows([(OUTSIDE, GOOD)]), BEGAN)
    assert (bookmark.verdict, bookmark.value) == (Verdict.REFUTED, DAY)


def test_a_refuted_filter_is_not_proven_by_a_good_row() -> None:
    one, bookmark = trust(Verdict.REFUTED)
    assert one.check_page(ACCEPTED, Rows([(DAY, GOOD)]), BEGAN)
    assert bookmark.verdict is Verdict.REFUTED


def test_a_rejected_filter_is_refuted_unless_the_request_fails_without_it_too() -> None:
    one, bookmark = trust(Verdict.PROVEN)
    one.undo_rejection()
    assert one.known == "proven", "the filter was not rejected"
    one.rejected()
    assert (one.known, bookmark.value) == ("refuted", DAY)
    one.undo_rejection()
    assert one.known == "proven"


def test_a_rejection_is_undone_once() -> None:
    one, bookmark = trust(Verdict.PROVEN)
    one.rejected()
    one.undo_rejection()
    bookmark.verdict = Verdict.REFUTED
    one.undo_rejection()
    assert one.known == "refuted"


def test_a_request_that_succeeds_without_the_filter_confirms_its_rejection() -> None:
    one, _ = trust(Verdict.PROVEN)
    one.rejected()
    one.confirm_rejection()
    one.undo_rejection()
    assert one.known == "refuted"


def test_a_candidate_is_looked_for_if_the_filter_is_unproven_and_taken_once() -> None:
    one, _ = trust()
    assert one.take_candidate() is None
    one.consider(Rows([(DAY, GOOD)]), "not yet looked for")
    one.look_for_candidate(DAY + timedelta(days=10))
    assert one.take_candidate() is None, "none was found"
    one.look_for_candidate(DAY + timedelta(days=10))
    one.consider(Rows([(DAY, VAGUE)]), "jrn_1")
    one.consider(Rows([(DAY, GOOD)]), "jrn_2")
    candidate = one.take_candidate()
    assert candidate is not None
    assert (candidate.window, candidate.parent, candidate.found) == (
        Window(DAY, DAY + timedelta(days=1)),
        "jrn_2",
        True,
    )
    assert one.take_candidate() is None


@pytest.mark.parametrize("verdict", [Verdict.PROVEN, Verdict.REFUTED])
def test_no_candidate_is_looked_for_if_there_is_nothing_to_prove(verdict: Verdict) -> None:
    one, _ = trust(verdict)
    one.look_for_candidate(DAY + timedelta(days=10))
    one.consider(Rows([(DAY, GOOD)]), None)
    assert one.take_candidate() is None


def test_a_row_without_the_replication_key_ends_the_search() -> None:
    one, _ = trust()
    one.look_for_candidate(DAY + timedelta(days=10))
    one.consider(Rows([(DAY, GOOD)]), None)
    one.consider(Rows([(None, {})]), None)
    one.consider(Rows([(DAY, GOOD)]), None)
    assert one.take_candidate() is None
