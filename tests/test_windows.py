"""`windows`: a range is cut without gap or overlap, and asked for with room to spare."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.windows import Window, cut

UTC = timezone.utc
_INSTANTS = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - strategies take naive bounds
    max_value=datetime(2026, 12, 31),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)


@given(_INSTANTS, st.none() | _INSTANTS, _INSTANTS, st.integers(min_value=1, max_value=400))
def test_windows_cover_the_range_without_gap_or_overlap(
    start: datetime, end: datetime | None, now: datetime, days: int
) -> None:
    windows = list(cut(start, end, now, days))
    if end is not None and end <= start:
        assert windows == []
        return
    assert windows[0].start == start
    assert windows[-1].end == end
    for one, following in pairwise(windows):
        assert one.end == following.start
        assert one.start < following.start <= now
        assert following.start.time() == datetime.min.time()


@given(_INSTANTS, st.integers(min_value=1, max_value=60), _INSTANTS)
def test_every_instant_belongs_to_one_window(start: datetime, days: int, instant: datetime) -> None:
    windows = list(cut(start, None, datetime(2026, 6, 1, tzinfo=UTC), days))
    assert sum(window.holds(instant) for window in windows) == (instant >= start)


@given(
    _INSTANTS,
    st.integers(min_value=1, max_value=90),
    st.integers(min_value=-12 * 60, max_value=14 * 60),
    st.booleans(),
    st.floats(min_value=0, max_value=1, exclude_max=True),
)
def test_what_is_asked_for_holds_the_window_in_any_zone(
    start: datetime,
    days: int,
    offset: int,
    inclusive: bool,
    part: float,
) -> None:
    """A row inside the window is given by an API of any time zone, its last day inclusive or not."""
    end = start + timedelta(days=days)
    window = Window(start, end)
    row = start + (end - start) * part
    first, last = window.asked
    assert last is not None
    zone = timezone(timedelta(minutes=offset))
    given_from = datetime.fromisoformat(first).replace(tzinfo=zone)
    given_to = datetime.fromisoformat(last).replace(tzinfo=zone) + timedelta(days=inclusive)
    assert given_from <= row < given_to
    assert window.reach.holds(given_from)
    assert window.reach.holds(given_to - timedelta(microseconds=1))


def test_an_open_window_asks_for_no_last_day() -> None:
    window = Window(datetime(2026, 5, 10, 12, tzinfo=UTC), None)
    assert window.asked == ("2026-05-09", None)
    assert window.reach.end is None
    assert window.holds(datetime(2099, 1, 1, tzinfo=UTC))


def test_the_first_window_starts_at_the_exact_instant() -> None:
    start = datetime(2026, 5, 10, 14, 23, tzinfo=UTC)
    windows = cut(start, None, datetime(2026, 5, 12, 1, tzinfo=UTC), 1)
    assert [window.start for window in windows] == [
        start,
        datetime(2026, 5, 11, tzinfo=UTC),
        datetime(2026, 5, 12, tzinfo=UTC),
    ]
