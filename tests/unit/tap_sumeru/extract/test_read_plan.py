"""`planning`: as many windows as are read any sooner, and as long as what they hold allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.settings import StreamOptions
from tap_sumeru.extract.filter_trust import FilterTrust
from tap_sumeru.extract.queries import Query
from tap_sumeru.extract.read_plan import ReadPlan
from tap_sumeru.state.bookmarks import Bookmark, Verdict

if TYPE_CHECKING:
    from tap_sumeru.extract.slices import Slice

NOW = datetime(2026, 6, 1, tzinfo=UTC)
YEARS = timedelta(days=1000)


@dataclass
class Traffic:
    """Eight requests may be under way."""

    backlogged: bool
    concurrency: int = 8


class Read:
    """A first read of orders, from a thousand days ago."""

    def __init__(self, *, backlogged: bool, details: bool = False) -> None:
        self.traffic = Traffic(backlogged)
        options = StreamOptions("updated_at", details=details)
        self.bookmark = Bookmark({}, "updated_at", options.date_filter)
        self.plan = ReadPlan(
            options,
            self.bookmark,
            FilterTrust(self.bookmark, usable=True),
            Query(STREAMS["orders"], options),
            now=NOW,
            start=NOW - YEARS,
            end=None,
            by_day=False,
            traffic=self.traffic,
        )

    def days(self, slices: list[Slice]) -> list[int | None]:
        windows = [slice_.window for slice_ in slices]
        return [one.end and (one.end - one.start).days for one in windows if one]  # type: ignore[misc]

    def finish(self, slice_: Slice, pages: int) -> list[Slice]:
        slice_.pages = pages
        self.plan.requested(NOW)
        self.plan.finish(slice_)
        return self.plan.next_slices()


def begun(*, backlogged: bool) -> Read:
    read = Read(backlogged=backlogged)
    read.plan.plan(whole=False)
    return read


def test_the_first_answer_is_waited_for_with_few_windows_then_as_many_are_open_as_are_read_at_once() -> None:
    read = begun(backlogged=False)
    first = read.plan.next_slices()
    assert read.days(first) == [30, 30]
    assert read.plan.next_slices() == []
    assert read.days(read.finish(first[0], pages=1)) == [30] * 7


def test_while_others_wait_for_their_turn_few_windows_are_open_and_sparse_ones_grow() -> None:
    read = begun(backlogged=True)
    waiting = read.plan.next_slices()
    lengths = read.days(waiting)
    while waiting:
        assert len(waiting) <= 2
        more = read.finish(waiting.pop(0), pages=1)
        lengths += read.days(more)
        waiting += more
    assert lengths == [30, 30, 60, 60, 120, 120, 240, 240, None]
    assert read.plan.complete


@pytest.mark.parametrize(("pages", "following"), [(0, 60), (12, 60), (13, 57), (20, 37), (25, 30), (400, 30)])
def test_a_window_is_followed_by_one_that_should_hold_a_few_pages(pages: int, following: int) -> None:
    read = begun(backlogged=True)
    first, _ = read.plan.next_slices()
    assert read.days(read.finish(first, pages)) == [following]


def test_windows_do_not_grow_where_each_row_is_a_request() -> None:
    read = Read(backlogged=True, details=True)
    read.plan.plan(whole=False)
    first, _ = read.plan.next_slices()
    assert read.days(read.finish(first, pages=1)) == [30]


def test_windows_that_are_read_side_by_side_again_have_the_wished_length_again() -> None:
    read = begun(backlogged=True)
    first, second = read.plan.next_slices()
    (third,) = read.finish(first, pages=1)
    assert read.days([third]) == [60]
    read.traffic.backlogged = False
    assert read.days(read.finish(second, pages=1)) == [30] * 7


@pytest.mark.parametrize("whole", [True, False])
def test_the_children_of_many_parents_are_read_side_by_side(whole: bool) -> None:
    read = Read(backlogged=True)
    read.plan.parents = {f"jrn_{i}" for i in range(20)}
    read.bookmark.verdict = Verdict.PROVEN
    read.plan.plan(whole=whole)
    assert read.plan.windowed is not whole
    assert len(read.plan.next_slices()) == 8
