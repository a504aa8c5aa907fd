"""`slices`: a few open at a time, and a bookmark that follows the done ones without a gap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.extract.slices import Slice, SliceQueue
from tap_sumeru.extract.windows import Window


@given(st.data(), st.integers(min_value=0, max_value=30))
def test_in_whatever_order_parts_end_all_are_read_and_none_is_passed_over(
    data: st.DataObject, count: int
) -> None:
    at_once = st.integers(min_value=1, max_value=8)
    slices = SliceQueue(Slice(parent=str(i)) for i in range(count))
    under_way = slices.open(data.draw(at_once))
    ended: set[int] = set()
    reached = -1
    while under_way:
        slice_ = under_way.pop(data.draw(st.integers(min_value=0, max_value=len(under_way) - 1)))
        ended.add(int(slice_.parent or 0))
        last = slices.finish(slice_)
        if last is not None:
            assert int(last.parent or 0) > reached
            reached = int(last.parent or 0)
        assert set(range(reached + 1)) <= ended
        assert reached + 1 not in ended
        wished = data.draw(at_once)
        left = count - len(ended) - len(under_way)
        begun = slices.open(wished)
        assert len(begun) == min(left, max(0, wished - len(under_way)))
        under_way += begun
        assert slices.complete == (not under_way)
    assert ended == set(range(count))
    assert reached == count - 1


def test_one_part_after_the_other() -> None:
    slices = SliceQueue(Slice(parent=name) for name in "abc")
    (first,) = slices.open(1)
    assert slices.open(1) == []
    assert not slices.complete
    assert slices.finish(first) is first
    assert [slice_.parent for slice_ in slices.open(1)] == ["b"]


def test_as_many_parts_are_under_way_as_are_wished() -> None:
    slices = SliceQueue(Slice(parent=name) for name in "abcdef")
    a, b, c = slices.open(3)
    slices.finish(b)
    slices.finish(c)
    assert slices.open(1) == []
    assert [slice_.parent for slice_ in slices.open(3)] == ["d", "e"]
    assert slices.finish(a) is c


def test_a_part_knows_what_may_come_for_its_window() -> None:
    day = datetime(2026, 5, 10, tzinfo=UTC)
    window = Window(day, day + timedelta(days=1))
    assert Slice(window=window).reach == window.reach
    assert Slice().reach is None
