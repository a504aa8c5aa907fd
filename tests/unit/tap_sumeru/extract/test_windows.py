"""Windows: a range is cut without gap or overlap, and requested with room on either side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.extract.windows import Growth, Window, cut

_TIMESTAMPS = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - strategies take naive bounds
    max_value=datetime(2026, 12, 31),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)


@given(_TIMESTAMPS, st.none() | _TIMESTAMPS, _TIMESTAMPS, st.integers(min_value=1, max_value=400))
def test_windows_cover_the_range_without_gap_or_overlap(
    start: datetime, end: datetime | None, now: datetime, days: int
) -> None:
    windows = list(cut(start, end, now, repeat(days)))
    if end is not None and end <= start:
        assert windows == []
        return
    assert windows[0].start == start
    assert windows[-1].end == end
    for one, following in pairwise(windows):
        assert one.end == following.start
        assert one.start < following.start <= now
        assert following.start.time() == datetime.min.time()


@given(_TIMESTAMPS, st.integers(min_value=1, max_value=60), _TIMESTAMPS)
def test_every_timestamp_belongs_to_one_window(start: datetime, days: int, timestamp: datetime) -> None:
    windows = list(cut(start, None, datetime(2026, 6, 1, tzinfo=UTC), repeat(days)))
    assert sum(window.holds(timestamp) for window in windows) == (timestamp >= start)


@given(
    _TIMESTAMPS,
    st.integers(min_value=1, max_value=90),
    st.integers(min_value=-12 * 60, max_value=14 * 60),
    st.booleans(),
    st.floats(min_value=0, max_value=1, exclude_max=True),
)
def test_the_requested_days_hold_the_window_in_any_time_zone(
    start: datetime,
    days: int,
    offset: int,
    inclusive: bool,
    part: float,
) -> None:
    """A row inside the window is returned by an API of any time zone, its last day inclusive or not."""
    end = start + timedelta(days=days)
    window = Window(start, end)
    row = start + (end - start) * part
    first, last = window.requested_days
    assert last is not None
    zone = timezone(timedelta(minutes=offset))
    returned_from = datetime.fromisoformat(first).replace(tzinfo=zone)
    returned_to = datetime.fromisoformat(last).replace(tzinfo=zone) + timedelta(days=inclusive)
    assert returned_from <= row < returned_to
    assert window.accepted_range.holds(returned_from)
    assert window.accepted_range.holds(returned_to - timedelta(microseconds=1))


def test_an_open_window_requests_both_days_and_accepts_any_later_row() -> None:
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    window = Window(datetime(2026, 5, 10, 12, tzinfo=UTC), None, now)
    assert window.requested_days == ("2026-05-09", "2026-05-22")
    assert window.accepted_range.end is None
    assert window.holds(datetime(2099, 1, 1, tzinfo=UTC))


def test_the_first_window_starts_at_the_exact_moment() -> None:
    start = datetime(2026, 5, 10, 14, 23, tzinfo=UTC)
    windows = cut(start, None, datetime(2026, 5, 12, 1, tzinfo=UTC), repeat(1))
    assert [window.start for window in windows] == [
        start,
        datetime(2026, 5, 11, tzinfo=UTC),
        datetime(2026, 5, 12, tzinfo=UTC),
    ]


MIDNIGHT = datetime(2026, 5, 10, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def test_a_window_holds_its_start_and_not_its_end() -> None:
    window = Window(MIDNIGHT, MIDNIGHT + timedelta(days=1))
    assert window.holds(window.start)
    assert not window.holds(window.start - MICROSECOND)
    assert window.holds(MIDNIGHT + timedelta(days=1) - MICROSECOND)
    assert not window.holds(MIDNIGHT + timedelta(days=1))


@pytest.mark.parametrize(
    ("beyond", "last"),
    [
        # The last moment is on the 10th: the 11th for the zone, the 12th if the last day is exclusive.
        (-MICROSECOND, "2026-05-12"),
        (timedelta(), "2026-05-12"),
        # One moment of the 11th is inside.
        (MICROSECOND, "2026-05-13"),
    ],
)
def test_the_day_of_an_end_at_midnight_is_not_requested(beyond: timedelta, last: str) -> None:
    window = Window(MIDNIGHT, MIDNIGHT + timedelta(days=1) + beyond)
    assert window.requested_days == ("2026-05-09", last)


def test_a_correct_api_reaches_fourteen_hours_beyond_the_requested_days() -> None:
    accepted = Window(MIDNIGHT, MIDNIGHT + timedelta(days=1)).accepted_range
    assert accepted.start == datetime(2026, 5, 8, 10, tzinfo=UTC)
    assert accepted.end == datetime(2026, 5, 13, 14, tzinfo=UTC)


def test_windows_have_the_given_length_and_end_where_the_range_ends() -> None:
    days = [MIDNIGHT + timedelta(days=day) for day in range(8)]
    windows = list(cut(days[0], days[6], days[7], repeat(2)))
    assert windows == [Window(days[0], days[2]), Window(days[2], days[4]), Window(days[4], days[6])]
    noon = days[2] + timedelta(hours=12)
    assert list(cut(days[0], noon, days[7], repeat(2))) == [Window(days[0], days[2]), Window(days[2], noon)]


def test_a_range_that_ends_in_the_future_is_cut_up_to_the_present() -> None:
    days = [MIDNIGHT + timedelta(days=day) for day in range(8)]
    assert list(cut(days[0], days[7], days[1], repeat(1))) == [
        Window(days[0], days[1]),
        Window(days[1], days[7]),
    ]
    before_midnight = days[1] - MICROSECOND
    assert list(cut(days[0], days[7], before_midnight, repeat(1))) == [Window(days[0], days[7])]


@pytest.mark.parametrize("span", [timedelta(), -MICROSECOND])
def test_an_empty_range_has_no_window(span: timedelta) -> None:
    assert list(cut(MIDNIGHT, MIDNIGHT + span, MIDNIGHT, repeat(1))) == []
    assert list(cut(MIDNIGHT, MIDNIGHT + MICROSECOND, MIDNIGHT, repeat(1))) == [
        Window(MIDNIGHT, MIDNIGHT + MICROSECOND)
    ]


def test_windows_at_the_ends_of_the_calendar() -> None:
    first = datetime(1, 1, 1, tzinfo=UTC)
    last = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert Window(first, last).requested_days == ("0001-01-01", "9999-12-31")
    assert Window(first, last).accepted_range == Window(first, last)
    last_day = datetime(9999, 12, 31, tzinfo=UTC)
    assert list(cut(last_day, None, last, repeat(30))) == [Window(last_day, None)]
    assert list(cut(first, last_day, last, repeat(10**7))) == [Window(first, last_day)]


def test_no_window_grows_beyond_twelve_times_the_shortest() -> None:
    growth = Growth(10)
    for _ in range(8):
        growth.learn(Window(MIDNIGHT, MIDNIGHT + timedelta(days=growth.days)), pages=1)
    assert growth.days == 120
    growth.learn(Window(MIDNIGHT, MIDNIGHT + timedelta(days=7)), pages=13)
    assert growth.days == 13


def test_the_last_window_of_an_open_range_is_requested_up_to_the_present() -> None:
    now = MIDNIGHT + timedelta(days=3, hours=12)
    *_, last = cut(MIDNIGHT, None, now, repeat(2))
    assert last.requested_days == ("2026-05-11", "2026-05-15")


@given(
    _TIMESTAMPS,
    st.none() | st.timedeltas(MICROSECOND, timedelta(90)),
    st.timedeltas(timedelta(), timedelta(3)),
)
def test_a_widened_window_is_longer_by_as_much_at_both_ends(
    start: datetime, length: timedelta | None, by: timedelta
) -> None:
    end = start + length if length else None
    assert Window(start, end).widened(by) == Window(start - by, end + by if end else None)
