"""`parts`: a few open at a time, and a bookmark that follows the done ones without a gap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.parts import Part, Parts


@given(st.data(), st.integers(min_value=0, max_value=30), st.integers(min_value=1, max_value=8))
def test_in_whatever_order_parts_end_all_are_read_and_none_is_passed_over(
    data: st.DataObject, count: int, at_once: int
) -> None:
    parts = Parts((Part(parent=str(i)) for i in range(count)), at_once)
    under_way = parts.begin()
    ended: set[int] = set()
    reached = -1
    while under_way:
        assert len(under_way) <= at_once
        part = under_way.pop(data.draw(st.integers(min_value=0, max_value=len(under_way) - 1)))
        ended.add(int(part.parent or 0))
        last = parts.finish(part)
        if last is not None:
            assert int(last.parent or 0) > reached
            reached = int(last.parent or 0)
        assert set(range(reached + 1)) <= ended
        assert reached + 1 not in ended
        under_way += parts.begin()
        assert parts.complete == (not under_way)
    assert ended == set(range(count))
    assert reached == count - 1
