"""Plan of a read: how many slices are open, how long windows are, and what the bookmark keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.planned_read import NOW, YEARS, Read, planned
from tap_sumeru.state.bookmarks import Verdict

MICROSECOND = timedelta(microseconds=1)


def test_few_windows_are_open_until_the_first_response_then_as_many_as_may_be_in_flight() -> None:
    read = planned(backlogged=False)
    first = read.plan.next_slices()
    assert read.days(first) == [30, 30]
    assert read.plan.next_slices() == []
    assert read.days(read.finish(first[0], pages=1)) == [30] * 7


def test_with_a_backlog_few_windows_are_open_and_sparse_ones_grow() -> None:
    read = planned(backlogged=True)
    waiting = read.plan.next_slices()
    lengths = read.days(waiting)
    while waiting:
        assert len(waiting) <= 2
        more = read.finish(waiting.pop(0), pages=1)
        lengths += read.days(more)
        waiting += more
    assert lengths == [30, 30, 60, 60, 120, 120, 240, 240, None]
    assert read.plan.complete


@pytest.mark.parametrize(("pages", "days"), [(0, 60), (12, 60), (13, 57), (20, 37), (25, 30), (400, 30)])
def test_the_length_of_the_next_window_follows_from_the_pages_of_the_last(pages: int, days: int) -> None:
    read = planned(backlogged=True)
    first, _ = read.plan.next_slices()
    assert read.days(read.finish(first, pages)) == [days]


def test_windows_do_not_grow_if_each_row_takes_a_request() -> None:
    read = Read(backlogged=True, details=True)
    read.plan.plan(whole=False)
    first, _ = read.plan.next_slices()
    assert read.days(read.finish(first, pages=1)) == [30]


def test_two_slices_are_open_if_each_row_takes_a_request() -> None:
    """Their completed pages wait outside of the hand-over."""
    read = Read(backlogged=False, details=True)
    read.plan.plan(whole=False)
    read.plan.requested(NOW)
    assert len(read.plan.next_slices()) == 2


def test_without_a_backlog_windows_have_the_configured_length_again() -> None:
    read = planned(backlogged=True)
    first, second = read.plan.next_slices()
    (third,) = read.finish(first, pages=1)
    assert read.days([third]) == [60]
    read.traffic.backlogged = False
    assert read.days(read.finish(second, pages=1)) == [30] * 7


@pytest.mark.parametrize("whole", [True, False])
def test_the_children_of_several_parents_are_read_concurrently(whole: bool) -> None:
    read = Read(backlogged=True)
    read.plan.parents = {f"jrn_{i}" for i in range(20)}
    read.bookmark.verdict = Verdict.PROVEN
    read.plan.plan(whole=whole)
    assert read.plan.windowed is not whole
    assert len(read.plan.next_slices()) == 8


def unfiltered(*, backlogged: bool = False) -> Read:
    read = Read(backlogged=backlogged)
    read.bookmark.verdict = Verdict.REFUTED
    read.plan.plan(whole=False)
    return read


def test_an_unfiltered_read_is_one_slice() -> None:
    read = unfiltered()
    (only,) = read.plan.next_slices()
    assert (only.window, only.parent, read.plan.windowed) == (None, None, False)
    assert read.plan.next_slices() == []


def test_the_start_of_a_read_is_when_its_first_page_was_requested() -> None:
    read = unfiltered()
    assert read.plan.range.started_at is None
    read.plan.keep_position(cursor="c")
    assert read.bookmark.position is None, "there was no response"
    for minutes in (5, 3, 7):
        read.plan.requested(NOW + timedelta(minutes=minutes))
    assert read.plan.range.started_at == NOW + timedelta(minutes=3)


def test_an_interrupted_read_continues_at_its_cursor_and_keeps_its_start() -> None:
    read = unfiltered()
    read.plan.requested(NOW)
    read.plan.keep_position(cursor="c2")
    assert read.plan.plan_unfiltered(read.bookmark.position) == "c2"
    again = Read(backlogged=False, bookmark=read.bookmark)
    assert again.plan.plan(whole=False) == "c2"
    assert again.plan.range.started_at == NOW


def test_the_position_of_another_query_is_ignored() -> None:
    read = unfiltered()
    read.plan.requested(NOW)
    read.plan.keep_position(cursor="c2")
    other = Read(backlogged=False, bookmark=read.bookmark, filters=(("status", "paid"),))
    assert other.plan.plan(whole=False) is None
    assert other.plan.range.started_at is None


def test_a_read_of_children_continues_after_the_last_complete_parent() -> None:
    read = Read(backlogged=False)
    read.bookmark.verdict = Verdict.REFUTED
    read.plan.parents = {"a", "b", "c"}
    read.plan.plan(whole=False)
    a, b, c = read.plan.next_slices()
    read.plan.requested(NOW)
    assert [one.parent for one in (a, b, c)] == ["a", "b", "c"]
    assert read.plan.finish(b) is None, "the bookmark would skip the first"
    last = read.plan.finish(a)
    assert last is b
    read.plan.keep(last)
    again = Read(backlogged=False, bookmark=read.bookmark)
    again.plan.parents = {"a", "b", "c", "d"}
    again.plan.plan(whole=False)
    assert [one.parent for one in again.plan.next_slices()] == ["c", "d"]


def test_the_bookmark_follows_the_windows_and_ends_at_the_start_of_the_read() -> None:
    read = planned(backlogged=True)
    first, _ = read.plan.next_slices()
    read.plan.requested(NOW)
    last = read.plan.finish(first)
    assert last is first
    assert first.window is not None
    read.plan.keep(last)
    assert read.bookmark.value == first.window.end
    read.plan.keep_all()
    assert (read.bookmark.value, read.bookmark.position, read.bookmark.unproven_from) == (NOW, None, None)


def test_a_bookmark_far_in_the_future_is_forgotten() -> None:
    for days, forgotten in ((0.9, False), (1.1, True)):
        read = Read(backlogged=False)
        read.bookmark.value = NOW + timedelta(days=days)
        assert read.plan.forget_future() is forgotten
        assert (read.bookmark.value is None) is forgotten
    assert not Read(backlogged=False).plan.forget_future()


def test_a_read_that_ends_before_it_starts_is_empty() -> None:
    for end, empty in ((NOW - YEARS, True), (NOW, False), (None, False)):
        read = Read(backlogged=False, end=end)
        read.plan.plan(whole=False)
        assert read.plan.empty is empty


def test_an_unfiltered_read_leaves_out_what_is_older_than_the_bookmark_and_its_lookback() -> None:
    read = Read(backlogged=False, end=NOW - timedelta(minutes=1))
    read.bookmark.verdict, read.bookmark.value = Verdict.REFUTED, NOW - timedelta(hours=2)
    read.plan.plan(whole=False)
    (only,) = read.plan.next_slices()
    since = NOW - timedelta(hours=3)
    moments = [
        since - MICROSECOND,
        since,
        NOW - timedelta(minutes=1) - MICROSECOND,
        NOW - timedelta(minutes=1),
    ]
    assert [read.plan.range.holds(only, one) for one in moments] == [False, True, True, False]


def test_rows_that_belong_to_days_are_read_from_midnight() -> None:
    read = Read(backlogged=False, by_day=True)
    read.bookmark.verdict, read.bookmark.value = Verdict.REFUTED, NOW - timedelta(hours=2)
    read.plan.plan(whole=False)
    (only,) = read.plan.next_slices()
    midnight = NOW - timedelta(days=1)
    assert read.plan.range.holds(only, midnight)
    assert not read.plan.range.holds(only, midnight - MICROSECOND)


def test_what_an_unproven_filter_returned_is_read_again_in_full() -> None:
    read = planned(backlogged=False)
    assert read.bookmark.unproven_from == NOW - YEARS
    read.plan.requested(NOW)
    read.bookmark.value = NOW
    read.plan.plan_unfiltered()
    (only,) = read.plan.next_slices()
    assert read.plan.range.holds(only, NOW - YEARS)
