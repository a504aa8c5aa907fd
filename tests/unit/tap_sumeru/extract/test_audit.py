"""Audit: when it is due, and which reads count as one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sumeru_api.errors import (
    ApiError,
    ApiUnavailable,
    AuthenticationError,
    HostNotResponding,
    RequestRejected,
)
from tap_sumeru.extract.audit import Audit, AuditSchedule
from tap_sumeru.state.bookmarks import Bookmark, Verdict

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
SHOPS = [AuditSchedule(WEEK, f"shop {i}", "orders") for i in range(200)]


def audit(
    last: timedelta | None = None, *, filtered: bool = False, verdict: Verdict = Verdict.PROVEN
) -> tuple[Audit, Bookmark]:
    bookmark = Bookmark({}, "updated_at", ("from", "to"))
    bookmark.last_audit = None if last is None else NOW - last
    bookmark.filtered_from = NOW - timedelta(days=8) if filtered else None
    bookmark.verdict = verdict
    return Audit(bookmark, AuditSchedule(WEEK, "acme", "orders"), NOW), bookmark


@pytest.mark.parametrize("schedule", SHOPS[:20], ids=lambda one: one.shop)
def test_an_audit_is_due_within_the_interval_and_not_long_before(schedule: AuditSchedule) -> None:
    assert schedule.due(NOW - WEEK, NOW)
    assert not schedule.due(NOW - WEEK * 0.74, NOW)
    assert not schedule.due(None, NOW), "the first read is not complete"


def test_the_audits_of_many_shops_are_spread_and_stay_where_they_are() -> None:
    due = sum(one.due(NOW - WEEK * 0.875, NOW) for one in SHOPS)
    assert 0.35 * len(SHOPS) < due < 0.65 * len(SHOPS)
    assert [one.share for one in SHOPS] == [one.share for one in SHOPS]
    assert AuditSchedule(WEEK, "acme", "orders").share != AuditSchedule(WEEK, "acme", "customers").share


def test_without_an_interval_no_audit_is_ever_due() -> None:
    assert not AuditSchedule(timedelta(), "acme", "orders").due(NOW - 1000 * WEEK, NOW)


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("filtered", [True, False])
def test_every_stream_is_audited_also_if_its_filter_is_not_used(verdict: Verdict, *, filtered: bool) -> None:
    """A list that is read without the filter may hold rows that came late: incremental reads skip these."""
    assert audit(WEEK, filtered=filtered, verdict=verdict)[0].needed
    assert not audit(timedelta(days=1), filtered=filtered, verdict=verdict)[0].needed


def test_a_refuted_filter_is_tried_again_once_per_run_when_an_audit_is_due() -> None:
    one, _ = audit(WEEK, verdict=Verdict.REFUTED)
    assert [one.begin(), one.begin()] == [True, False]
    assert not audit(timedelta(days=1), verdict=Verdict.REFUTED)[0].begin()


def test_a_clock_that_proves_to_be_days_behind_makes_an_audit_due() -> None:
    one, _ = audit(timedelta(days=1))
    one.check(NOW + WEEK)
    assert one.needed


def test_the_first_read_through_the_filter_starts_the_interval() -> None:
    one, bookmark = audit()
    one.filter_used(NOW - WEEK)
    one.read_complete(NOW, filtered=True, from_start=True)
    assert (bookmark.last_audit, bookmark.filtered_from) == (NOW, NOW - WEEK)
    later = NOW + timedelta(days=1)
    one.filter_used(NOW)
    one.read_complete(later, filtered=True, from_start=False)
    assert (bookmark.last_audit, bookmark.filtered_from) == (NOW, NOW - WEEK)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_read_of_everything_without_the_filter_counts_as_an_audit(verdict: Verdict) -> None:
    one, bookmark = audit(WEEK, filtered=True, verdict=verdict)
    one.read_complete(NOW, filtered=False, from_start=True)
    assert (bookmark.last_audit, bookmark.filtered_from) == (NOW, None)


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("last", [timedelta(days=1), WEEK])
def test_an_incremental_read_does_not_count_as_an_audit(verdict: Verdict, last: timedelta) -> None:
    for filtered in (True, False):
        one, bookmark = audit(last, filtered=True, verdict=verdict)
        one.read_complete(NOW, filtered=filtered, from_start=False)
        assert (bookmark.last_audit, bookmark.filtered_from is None) == (NOW - last, False)


def test_a_state_that_knows_of_no_audit_starts_the_interval() -> None:
    one, bookmark = audit()
    one.read_complete(NOW, filtered=False, from_start=False)
    assert bookmark.last_audit == NOW


def test_reads_without_a_refuted_filter_do_not_put_off_its_next_try() -> None:
    one, bookmark = audit(timedelta(days=1), verdict=Verdict.REFUTED)
    one.read_complete(NOW, filtered=False, from_start=True)
    assert bookmark.last_audit == NOW - timedelta(days=1)


def test_without_audits_a_refuted_filter_is_tried_again_every_week() -> None:
    never = AuditSchedule(timedelta(), "acme", "orders")
    for days, tried in ((6, False), (8, True)):
        bookmark = audit(timedelta(days=days), verdict=Verdict.REFUTED)[1]
        one = Audit(bookmark, never, NOW)
        assert (one.needed, one.begin()) == (False, tried)
        one.read_complete(NOW, filtered=False, from_start=False)
        assert (bookmark.last_audit == NOW) is tried


def test_an_audit_that_the_api_rejects_is_left_to_the_next_run(caplog: pytest.LogCaptureFixture) -> None:
    error = RequestRejected("offset too large", status=400)
    one, _ = audit(WEEK, filtered=True)
    one.postpone(error)
    assert not one.needed
    assert "orders: the audit, a read without the date filter, failed (400: offset" in caplog.text
    with pytest.raises(RequestRejected):
        one.postpone(error)


def test_an_audit_that_fails_is_put_off_unless_it_has_come_on() -> None:
    failed = ApiUnavailable("timeout")
    with pytest.raises(ApiUnavailable):
        audit(WEEK, filtered=True)[0].postpone(failed, answered=True)
    one, _ = audit(WEEK, filtered=True)
    one.postpone(failed)
    assert not one.needed


@pytest.mark.parametrize("error", [AuthenticationError("bad token"), HostNotResponding("no answer")])
def test_an_audit_is_not_put_off_for_an_error_of_the_whole_shop(error: ApiError) -> None:
    with pytest.raises(type(error)):
        audit(WEEK, filtered=True)[0].postpone(error)


@pytest.mark.parametrize("verdict", [Verdict.REFUTED, Verdict.UNPROVEN])
def test_an_audit_without_a_filter_to_go_on_with_is_not_put_off(verdict: Verdict) -> None:
    with pytest.raises(RequestRejected):
        audit(WEEK, verdict=verdict)[0].postpone(RequestRejected("offset too large", status=400))
