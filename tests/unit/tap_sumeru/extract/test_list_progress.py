"""Progress of a list: pages that bring nothing new end it, and so do tries that come no further."""

from __future__ import annotations

from itertools import cycle, islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.errors import UnexpectedResponse
from tap_sumeru.extract.list_progress import ListProgress


def page(*rows: object) -> frozenset[object]:
    return frozenset(rows)


@given(st.lists(st.sets(st.integers(0, 40), min_size=1), min_size=1, max_size=60), st.booleans())
def test_an_endless_list_of_the_same_rows_ends_whatever_its_pages(
    pages: list[set[int]], with_empty: bool
) -> None:
    progress = ListProgress()

    def read() -> None:
        for one in islice(cycle(pages), 500):
            progress.take(frozenset(one), rows=len(one))
            if with_empty:
                progress.take(page(), rows=0)

    with pytest.raises(UnexpectedResponse, match="no progress: 3 pages in a row"):
        read()


@given(st.lists(st.integers(1, 100), max_size=50), st.integers(0, 99))
def test_a_list_whose_pages_overlap_goes_on(sizes: list[int], overlap: int) -> None:
    progress, start = ListProgress(), 0
    for size in sizes:
        rows = range(max(0, start - overlap), start + size)
        assert not progress.take(frozenset(rows), rows=len(rows))
        start += size


@given(st.lists(st.integers(0, 30), max_size=80))
def test_tries_end_once_three_in_a_row_come_no_further(reached: list[int]) -> None:
    """Each try comes to some row and is refused there."""
    progress, best, fruitless = ListProgress(), -1, 0
    for rows in reached:
        for row in range(rows):
            known = progress.take(page(row), rows=1)
            assert known == (row < best), "pages of earlier tries are recognised, and no others"
        fruitless = 0 if rows > best else fruitless + 1
        best = max(best, rows)
        assert progress.start_over(3) == (fruitless < 3)
        assert progress.furthest == best
        if fruitless == 3:
            return


def test_pages_of_another_size_may_have_the_same_rows() -> None:
    progress = ListProgress()
    progress.take(page(*range(100)), rows=100)
    progress.forget_pages()
    for start in range(0, 100, 10):
        progress.take(page(*range(start, start + 10)), rows=10)


def test_random_pages_of_more_rows_than_are_kept_come_to_an_end() -> None:
    """A server that ignores the cursor and sorts at random sends the same rows, on other pages."""
    draw, progress = Random(1), ListProgress()  # noqa: S311 - a seed gives the same pages

    def read() -> None:
        for _ in range(10_000):
            progress.take(frozenset(draw.sample(range(6000), 100)), rows=100)

    with pytest.raises(UnexpectedResponse, match="most of its rows come again"):
        read()
    assert progress.rows > 10_000


@given(count=st.integers(101, 3000), changing=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_an_endless_list_in_any_order_ends_before_its_rows_have_come_thirty_times(
    count: int, changing: bool, seed: int
) -> None:
    draw, progress = Random(seed), ListProgress()  # noqa: S311 - a seed gives the same pages

    def read() -> None:
        for turn in range(30 * count // 100):
            ids = [str(one) for one in draw.sample(range(count), 100)]
            progress.take(frozenset((one, turn * changing) for one in ids), rows=100, ids=ids)

    with pytest.raises(UnexpectedResponse, match="no progress"):
        read()


@given(count=st.integers(500, 5000), times=st.integers(1, 3))
def test_a_list_that_returns_each_row_up_to_three_times_is_read_to_its_end(count: int, times: int) -> None:
    """Its pages overlap, so that none has only rows of earlier ones."""
    progress, step = ListProgress(), 100 // times
    for first in range(0, count, step):
        ids = [str(one) for one in range(first, first + 100)]
        progress.take(frozenset(ids), rows=100, ids=ids)
    assert progress.rows == 100 * len(range(0, count, step))


def test_a_long_list_whose_rows_each_come_twice_is_read_to_its_end() -> None:
    progress = ListProgress()
    for number in range(2000):
        first = 50 * number
        progress.take(frozenset(range(first, first + 100)), rows=100)
    assert progress.rows == 200_000


def test_rows_that_change_again_and_again_while_they_are_read_do_not_end_a_list() -> None:
    progress = ListProgress()
    for turn in range(15):
        for first in range(0, 2000, 100):
            ids = [str(one) for one in range(first, first + 100)]
            progress.take(frozenset((one, turn) for one in ids), rows=100, ids=ids)
    assert progress.rows == 30_000
