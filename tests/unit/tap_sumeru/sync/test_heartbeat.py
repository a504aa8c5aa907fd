"""Heartbeat: a call at each of its times, whatever a call does, and an end that waits for no call."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.sync.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


def beats(durations: Sequence[float], error: Exception | None = None) -> list[float]:
    """Return the times of calls that take these durations, on a virtual clock."""
    now, times, left = [0.0], [], list(durations)

    def beat() -> None:
        times.append(now[0])
        now[0] += left.pop(0)
        if error is not None:
            raise error

    def wait(seconds: float) -> bool:
        now[0] += seconds
        return not left

    Heartbeat(beat, 5.0, 30.0, lambda: now[0]).run(wait)
    return times


def test_the_first_call_comes_early_and_the_others_at_their_interval() -> None:
    assert beats([0.0, 0.0, 0.0]) == [5.0, 35.0, 65.0]


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=30))
def test_there_are_never_more_than_31_seconds_without_a_call(durations: list[float]) -> None:
    ends = [time + spent for time, spent in zip(beats(durations), durations, strict=True)]
    starts = beats(durations)
    assert all(later - end <= 31.0 for end, later in zip(ends, starts[1:], strict=False))
    assert all(later > earlier for earlier, later in pairwise(starts))


def test_a_call_that_fails_is_logged_by_type_alone_and_repeated(caplog: pytest.LogCaptureFixture) -> None:
    assert len(beats([0.0, 0.0], ValueError("jane@example.com"))) == 2
    assert caplog.messages == ["Progress cannot be shown (ValueError)."] * 2


def test_the_end_of_the_block_ends_the_thread_at_once() -> None:
    called = threading.Event()
    with Heartbeat(called.set, 0.0, 1000.0, lambda: 0.0):
        assert called.wait(60)
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]
