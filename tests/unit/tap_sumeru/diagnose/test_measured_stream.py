"""The parents of a child stream: which of them are sampled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.diagnose.measured_stream import spread_index


@given(st.integers(min_value=1, max_value=2000))
def test_each_parent_comes_once_and_the_first_few_are_spread(count: int) -> None:
    indices = [spread_index(number, count) for number in range(count)]
    assert sorted(indices) == list(range(count))
    if count >= 10:
        first = sorted(indices[:3])
        assert first[0] < count / 2 < first[-1] + 1
        assert first[-1] - first[0] >= count / 4
