"""Slices: a few are open at a time, and the bookmark follows the finished ones without a gap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.extract.slices import Slice, SliceQueue


@given(st.data(), st.integers(min_value=0, max_value=30))
def test_in_any_order_of_finishing_all_slices_are_read_and_none_is_skipped(
    data: st.DataObject, count: int
) -> None:
    counts = st.integers(min_value=1, max_value=8)
    slices = SliceQueue(Slice(parent=str(i)) for i in range(count))
    in_progress = slices.open(data.draw(counts))
    finished: set[int] = set()
    reached = -1
    while in_progress:
        slice_ = in_progress.pop(data.draw(st.integers(min_value=0, max_value=len(in_progress) - 1)))
        finished.add(int(slice_.parent or 0))
        last = slices.finish(slice_)
        if last is not None:
            assert int(last.parent or 0) > reached
            reached = int(last.parent or 0)
        assert set(range(reached + 1)) <= finished
        assert reached + 1 not in finished
        at_once = data.draw(counts)
        left = count - len(finished) - len(in_progress)
        opened = slices.open(at_once)
        assert len(opened) == min(left, max(0, at_once - len(in_progress)))
        in_progress += opened
        assert slices.complete == (not in_progress)
    assert finished == set(range(count))
    assert reached == count - 1


def test_one_slice_after_the_other() -> None:
    slices = SliceQueue(Slice(parent=name) for name in "abc")
    (first,) = slices.open(1)
    assert slices.open(1) == []
    assert not slices.complete
    assert slices.finish(first) is first
    assert [slice_.parent for slice_ in slices.open(1)] == ["b"]


def test_as_many_slices_are_in_progress_as_requested() -> None:
    slices = SliceQueue(Slice(parent=name) for name in "abcdef")
    a, b, c = slices.open(3)
    slices.finish(b)
    slices.finish(c)
    assert slices.open(1) == []
    assert [slice_.parent for slice_ in slices.open(3)] == ["d", "e"]
    assert slices.finish(a) is c


def test_a_slice_that_begins_again_has_read_nothing() -> None:
    slice_ = Slice(pages=3)
    slice_.progress.take(frozenset({"ord_1"}), rows=1)
    slice_.begin()
    assert (slice_.pages, slice_.progress.rows) == (0, 0)
