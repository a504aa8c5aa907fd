"""STATE goes out as soon as no unsettled row precedes it, and never before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from target_sumeru.apply.state_release import StateRelease


def test_a_state_without_rows_before_it_is_due_at_once() -> None:
    release = StateRelease([0, 3], [2])
    assert release.due() == 0
    assert release.due() is None
    release.settle(2)
    assert release.due() == 3


def test_only_the_last_of_several_states_goes_out() -> None:
    release = StateRelease([1, 2, 3], [1, 4])
    assert release.due() is None
    release.settle(1)
    assert release.due() == 3


def test_two_rows_of_one_line_are_both_needed() -> None:
    release = StateRelease([1], [1, 1])
    release.settle(1)
    assert release.due() is None
    release.settle(1)
    assert release.due() == 1


@given(
    states=st.sets(st.integers(0, 30)).map(sorted),
    lines=st.lists(st.integers(1, 30), max_size=20),
    data=st.data(),
)
def test_any_order_of_settling_releases_what_the_rows_allow(
    states: list[int], lines: list[int], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(lines))
    settled = data.draw(st.integers(0, len(order)))
    release, left, last = StateRelease(states, lines), list(lines), -1
    for line in [None, *order[:settled]]:
        if line is not None:
            release.settle(line)
            left.remove(line)
        free = [state for state in states if all(state < other for other in left)]
        due = release.due()
        expected = free[-1] if free else -1
        assert due == (expected if expected > last else None)
        last = max(last, expected)
