"""Which rows may have changed during the read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.timestamps import Precision
from tap_sumeru.extract.read_range import ReadRange
from tap_sumeru.state.bookmarks import Bookmark

BEGAN = datetime(2026, 5, 10, 14, 23, tzinfo=UTC)


@given(st.sampled_from(Precision), st.integers(0, 30), st.integers(-300_000, 300_000))
def test_only_a_row_that_changed_since_the_read_began_is_young(
    precision: Precision, lookback: int, seconds: int
) -> None:
    bookmark = Bookmark({}, "updated_at", None)
    bookmark.precision = precision
    read = ReadRange(bookmark, start=None, end=None, lookback=timedelta(days=lookback), by_day=False)
    timestamp = BEGAN + timedelta(seconds=seconds)
    assert not read.is_young(timestamp), "nothing was requested"
    read.started_at = BEGAN
    assert read.is_young(timestamp) is (timestamp >= BEGAN - bookmark.distance - timedelta(minutes=1))
