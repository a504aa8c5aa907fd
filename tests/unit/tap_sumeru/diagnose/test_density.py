"""Density: the sum over a range, from samples of a few days, is close and says how close it is."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.diagnose.density import Days, Density

if TYPE_CHECKING:
    from collections.abc import Sequence

_START = 20_000


@st.composite
def _counts(draw: st.DrawFn) -> list[int]:
    """Rows of each day: a level, a trend, weekdays, and perhaps many rows that have changed lately."""
    days = draw(st.integers(min_value=30, max_value=900))
    level, trend = draw(st.floats(1, 400)), draw(st.floats(-0.9, 3))
    weekend, lately = draw(st.floats(0.6, 1)), draw(st.floats(0, 4))
    return [
        round(level * (1 + trend * i / days) * (weekend if i % 7 > 4 else 1) * (1 + lately * (i / days) ** 8))
        for i in range(days)
    ]


class _Sampler:
    """Samples days of known counts as an estimate does."""

    def __init__(self, counts: Sequence[int], usual: float) -> None:
        self._sums = [0, *accumulate(counts)]
        self.truth = self._sums[-1]
        self.density = Density(_START, _START + len(counts), usual)

    def sample(self) -> Days | None:
        days = self.density.next_days()
        if days is not None:
            last = len(self._sums) - 1
            first, end = (min(max(one - _START, 0), last) for one in (days.first, days.end))
            self.density.add(days, self._sums[end] - self._sums[first])
        return days

    @property
    def sum(self) -> float:
        return self.density.rows(self.density.start, self.density.end)


@given(_counts(), st.floats(0.1, 1000))
def test_ten_samples_are_close_and_the_error_covers_what_they_miss(counts: list[int], usual: float) -> None:
    sampler = _Sampler(counts, usual)
    for _ in range(10):
        sampler.sample()
    off = abs(sampler.sum - sampler.truth)
    assert off <= 0.4 * sampler.truth + len(counts)
    assert off <= 2.5 * sampler.density.error + len(counts)


@given(st.integers(min_value=0, max_value=500), st.integers(min_value=2, max_value=900))
def test_one_sample_of_an_even_list_is_exact(per_day: int, days: int) -> None:
    sampler = _Sampler([per_day] * days, 10)
    assert sampler.sample() is not None
    assert abs(sampler.sum - sampler.truth) < 1e-6 * sampler.truth + 1e-6


@given(st.lists(st.integers(min_value=0, max_value=2000), min_size=1, max_size=40))
def test_sampling_ends_with_the_whole_range_and_no_day_is_sampled_twice(counts: list[int]) -> None:
    sampler = _Sampler(counts, 200)
    seen = list[int]()
    while (days := sampler.sample()) is not None:
        seen += range(days.first, days.end)
        assert len(seen) <= 2 * len(counts)
    assert len(set(seen)) == len(seen)


@given(_counts(), st.integers(1, 8))
def test_more_samples_are_taken_where_the_list_is_least_certain(counts: list[int], samples: int) -> None:
    sampler = _Sampler(counts, 50)
    for _ in range(samples):
        days = sampler.sample()
        assert days is None or _START <= days.first < days.end <= _START + len(counts)


@given(st.integers(360, 900), st.integers(0, 6), st.floats(1.2, 2))
def test_samples_of_single_days_are_not_all_of_the_same_weekday(
    days: int, first: int, weekend: float
) -> None:
    """A shop whose weekends are busy: three days half a range apart could all be Sundays."""
    counts = [round(200 * (weekend if (i + first) % 7 > 4 else 1)) for i in range(days)]
    sampler = _Sampler(counts, 200)
    for _ in range(5):
        sampled = sampler.sample()
        assert sampled
        assert sampled.end - sampled.first == 1
    weekdays = {int(one.at) % 7 for one in sampler.density.samples}
    assert len(weekdays) >= 4
    assert sampler.sum == pytest.approx(sampler.truth, rel=0.6 * (weekend - 1))


def test_parts_of_a_range_add_up_and_there_is_nothing_outside() -> None:
    density = Density(10, 20, usual=5)
    density.add(Days(10, 11), 10)
    density.add(Days(19, 20), 30)
    whole = density.rows(0, 100)
    assert whole == density.rows(10, 20) == density.rows(10, 13.5) + density.rows(13.5, 20)
    assert density.rows(0, 10) == density.rows(20, 30) == 0
    assert whole == 200


def test_days_with_too_many_rows_are_followed_by_fewer_days() -> None:
    density = Density(0, 800, usual=1)
    days = density.next_days()
    assert days is not None
    assert days.end - days.first == 70
    assert density.shorten(days)
    shorter = density.next_days()
    assert shorter is not None
    assert shorter.end - shorter.first == 8
    while density.shorten(shorter):
        shorter = density.next_days()
        assert shorter is not None
    assert shorter.end - shorter.first == 1


@given(st.floats(_START, _START + 50), st.floats(1.5, 50), st.integers(0, 10**6))
def test_a_list_that_is_too_dense_is_sampled_by_single_days(start: float, days: float, usual: int) -> None:
    density = Density(start, start + days, usual)
    for _ in range(200):
        found = density.next_days()
        if found is None:
            return
        if not density.shorten(found):
            assert found.end - found.first == 1
            density.add(found, 10**6)
    pytest.fail("sampling does not end")
