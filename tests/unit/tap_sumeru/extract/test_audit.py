"""Audit: when it is due, and which reads count as one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sumeru_api.errors import RequestRejected
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


def test_a_read_is_an_audit_only_if_the_filter_was_or_would_be_used() -> None:
    for verdict in Verdict:
        assert audit(WEEK, filtered=True, verdict=verdict)[0].needed
        believed = verdict in (Verdict.PROVEN, Verdict.PLAUSIBLE)
        assert audit(WEEK, verdict=verdict)[0].needed is believed
    assert not audit(timedelta(days=1), filtered=True)[0].needed


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


def test_an_incremental_read_without_the_filter_counts_if_the_filter_was_not_used() -> None:
    one, bookmark = audit(timedelta(days=1), verdict=Verdict.UNPROVEN)
    one.read_complete(NOW, filtered=False, from_start=False)
    assert bookmark.last_audit == NOW
    one, bookmark = audit(timedelta(days=1), filtered=True)
    one.read_complete(NOW, filtered=False, from_start=False)
    assert bookmark.last_audit == NOW - timedelta(days=1)
    assert bookmark.filtered_from is not None


def test_reads_without_a_refuted_filter_do_not_put_off_its_next_try() -> None:
    one, bookmark = audit(timedelta(days=1), verdict=Verdict.REFUTED)
    one.read_complete(NOW, filtered=False, from_start=True)
    assert bookmark.last_audit == NOW - timedelta(days=1)
    one, bookmark = audit(WEEK, verdict=Verdict.REFUTED)
    one.read_complete(NOW, filtered=False, from_start=False)
    assert bookmark.last_audit == NOW


def test_an_audit_that_the_api_rejects_is_left_to_the_next_run(caplog: pytest.LogCaptureFixture) -> None:
    error = RequestRejected("offset too large", status=400)
    one, _ = audit(WEEK, filtered=True)
    one.postpone(error)
    assert not one.needed
    assert "orders: the API rejects the audit, a read without the date filter (400: offset" in caplog.text
    with pytest.raises(RequestRejected):
        one.postpone(error)
