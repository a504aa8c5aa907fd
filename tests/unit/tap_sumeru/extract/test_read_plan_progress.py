"""Plan of a read: how far it has come, audits, and a clock that is wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.factories import stream_options
from support.planned_read import NOW, YEARS, Read, planned
from tap_sumeru.state.bookmarks import Bookmark, Verdict


def test_a_windowed_read_has_come_to_the_end_of_the_last_window_without_a_gap_before_it() -> None:
    read = Read(backlogged=False, window_days=100)
    read.plan.plan(whole=False)
    progress = read.plan.progress
    assert (progress.start, progress.at, progress.end) == (NOW - YEARS, NOW - YEARS, NOW)
    read.plan.requested(NOW)
    first, second = read.plan.next_slices()[:2]
    seen = []
    for slice_ in (second, first):
        last = read.plan.finish(slice_)
        if last is not None:
            read.plan.keep(last)
        seen.append((progress.share, progress.at))
    assert seen == [(0.1, NOW - YEARS), (0.2, NOW - 0.8 * YEARS)]
    assert progress.pages == 1
    read.plan.plan_unfiltered()
    assert progress.share is None


def test_how_far_a_read_of_children_has_come_is_the_number_of_their_parents() -> None:
    read = Read(backlogged=False)
    read.plan.parents = {f"jrn_{i}" for i in range(4)}
    read.plan.requested(NOW)
    read.plan.plan_unfiltered()
    for slice_ in read.plan.next_slices()[:3]:
        read.plan.finish(slice_)
    assert read.plan.progress.share == 0.75
    read.plan.keep_position(after="jrn_1")
    read.plan.plan_unfiltered(read.bookmark.position)
    assert (read.plan.progress.parents_read, read.plan.progress.parents) == (2, 4)


def audited(now_filtered: Verdict = Verdict.PROVEN) -> Read:
    """Return a read that must be an audit, with a bookmark of yesterday."""
    bookmark = Bookmark({}, "updated_at", stream_options().date_filter)
    bookmark.value, bookmark.verdict = NOW - timedelta(days=1), now_filtered
    bookmark.last_audit, bookmark.filtered_from = NOW - timedelta(days=8), NOW - timedelta(days=7)
    return Read(backlogged=False, bookmark=bookmark)


def test_an_audit_brings_everything_and_continues_at_its_cursor() -> None:
    read = audited()
    assert read.plan.plan(whole=False) is None
    (only,) = read.plan.next_slices()
    assert only.window is None
    assert read.plan.range.holds(only, NOW - YEARS)
    read.plan.requested(NOW)
    read.plan.keep_position(cursor="c2")
    assert read.bookmark.value == NOW - timedelta(days=1), "not before the audit is complete"
    again = Read(backlogged=False, bookmark=read.bookmark)
    assert again.plan.plan(whole=False) == "c2"
    again.plan.requested(NOW + timedelta(hours=1))
    again.plan.keep_all()
    assert (read.bookmark.value, read.bookmark.last_audit, read.bookmark.filtered_from) == (NOW, NOW, None)


def test_an_audit_is_not_shortened_by_an_incremental_read_that_has_to_be_repeated() -> None:
    """A list that was too deep was read through a filter that no row has proven."""
    read = audited()
    read.bookmark.unproven_from = NOW - timedelta(days=2)
    read.plan.plan(whole=False)
    (only,) = read.plan.next_slices()
    assert read.plan.range.holds(only, NOW - YEARS)
    assert read.plan.range.from_start


@pytest.mark.parametrize(("days", "from_start"), [(2, False), (1000, True)])
def test_a_read_that_is_repeated_brings_everything_only_if_it_began_at_the_start(
    days: int, from_start: bool
) -> None:
    read = Read(backlogged=False)
    read.bookmark.value, read.bookmark.verdict = NOW, Verdict.REFUTED
    read.bookmark.unproven_from = NOW - timedelta(days=days)
    read.plan.plan(whole=False)
    assert read.plan.range.since == NOW - timedelta(days=days)
    assert read.plan.range.from_start is from_start


def test_a_refuted_filter_that_is_due_is_tried_again_once_per_run() -> None:
    read = audited(Verdict.REFUTED)
    read.plan.plan(whole=False)
    assert read.bookmark.verdict is Verdict.UNPROVEN
    read.bookmark.verdict = Verdict.REFUTED
    read.plan.plan(whole=False)
    assert read.bookmark.verdict is Verdict.REFUTED


def test_a_clock_that_is_days_behind_the_servers_has_the_read_planned_again() -> None:
    read = planned(backlogged=False)
    assert not read.plan.requested(NOW + timedelta(days=1))
    assert read.plan.requested(NOW + timedelta(days=9))
    assert not read.plan.requested(NOW + timedelta(days=9, hours=1)), "once"
