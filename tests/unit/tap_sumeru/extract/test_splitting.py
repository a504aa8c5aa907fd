"""Splitting: windows are halved at midnights, down to single days, without gap or overlap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.errors import RequestRejected
from sumeru_api.timestamps import midnight
from tap_sumeru.extract.recovery import TooDeep
from tap_sumeru.extract.slices import Slice, SliceQueue
from tap_sumeru.extract.splitting import halves, split
from tap_sumeru.extract.windows import Window

NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)
REFUSAL = TooDeep(RequestRejected("offset too large", status=400), 200)
_MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - strategies take naive bounds
    max_value=datetime(2026, 12, 31),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)


def is_one_day(window: Window) -> bool:
    end = window.end or NOW
    return end <= midnight(window.start) + timedelta(days=1)


@given(_MOMENTS, st.none() | st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(400)))
def test_a_window_of_more_than_a_day_is_cut_at_a_midnight_inside(
    start: datetime, length: timedelta | None
) -> None:
    window = Window(start, start + length if length else None, NOW)
    parts = halves(window, NOW)
    if parts is None:
        assert is_one_day(window)
        return
    one, other = parts
    assert (one.start, one.end, other.end) == (window.start, other.start, window.end)
    assert one.start < other.start == midnight(other.start) < (window.end or NOW)
    assert other.requested_days[1] == window.requested_days[1]
    whole = (window.end or NOW) - window.start
    assert abs((other.start - one.start) - whole / 2) <= timedelta(days=1), "near the middle"


@given(_MOMENTS, st.none() | _MOMENTS, st.sets(st.integers(min_value=0, max_value=20_000)))
def test_windows_that_are_split_until_they_fit_hold_every_day_once_and_in_order(
    start: datetime, end: datetime | None, busy: set[int]
) -> None:
    """Days that are busy must stand alone; that takes no more slices than twice the days."""
    days = [datetime(1970, 1, 1, 12, tzinfo=UTC) + timedelta(days=day) for day in busy]
    first = Slice(window=Window(start, end))
    slices = SliceQueue([first])
    reading, done = slices.open(1), list[Window]()
    while reading:
        slice_ = reading.pop()
        assert slice_.window is not None
        while sum(map(slice_.window.holds, days)) > 1 and not is_one_day(slice_.window):
            slices.split(slice_, split(slice_, REFUSAL, NOW))
        done.append(slice_.window)
        last = slices.finish(slice_)
        assert last is slice_, "the bookmark follows, slice by slice"
        reading = slices.open(1)
    assert slices.complete
    assert (done[0].start, done[-1].end) == (start, end)
    assert all(one.end == following.start for one, following in pairwise(done))


def test_a_slice_without_a_window_or_of_one_day_cannot_be_split() -> None:
    day = datetime(2026, 5, 10, tzinfo=UTC)
    one_day = Slice(window=Window(day, day + timedelta(days=1)))
    for slice_, reason in ((Slice(parent="jrn_1"), "no date filter divides it"), (one_day, "a single day")):
        with pytest.raises(RequestRejected, match=f"after the first 200 rows .* and {reason}.*: offset too"):
            split(slice_, REFUSAL, NOW)


def test_the_parts_of_a_slice_start_before_later_slices() -> None:
    day = datetime(2026, 5, 10, tzinfo=UTC)
    windows = [Window(day + timedelta(days=4 * n), day + timedelta(days=4 * n + 4)) for n in range(3)]
    slices = SliceQueue(Slice(window=window) for window in windows)
    first, second = slices.open(2)
    slices.split(first, split(first, REFUSAL, NOW))
    assert slices.open(2) == [], "two are in progress"
    assert slices.finish(second) is None, "the rest of the first comes before it"
    (rest,) = slices.open(2)
    assert rest.window == Window(day + timedelta(days=2), day + timedelta(days=4))
    assert slices.finish(first) is first
    assert slices.finish(rest) is second
