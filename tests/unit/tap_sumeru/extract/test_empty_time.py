"""Random lists that begin long after the bookmark: every row is read, and time without rows costs little."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from math import log2

from hypothesis import given
from hypothesis import strategies as st

from support.limited_list import LimitedList, order
from support.listed_orders import NOW, Sink, proven, read

LONG_AGO = date(1971, 1, 1)
DAYS = (NOW.date() - LONG_AGO).days
BOOKMARK = proven("1971-01-01T00:00:00Z")
STRETCH = 300
"""Days of a stretch of time with rows."""


def orders(days: list[int]) -> list[dict[str, object]]:
    """Return orders that were changed so many days after `LONG_AGO`."""
    return [order(i, LONG_AGO + timedelta(days=day), seconds=i) for i, day in enumerate(days)]


@st.composite
def busy_days(draw: st.DrawFn) -> list[int]:
    """Draw the days of rows: some stretches of time, apart from each other or not."""
    starts = draw(st.lists(st.integers(0, DAYS - 1), max_size=4))
    rows = st.lists(st.integers(0, STRETCH), min_size=1, max_size=120)
    return [min(DAYS - 1, start + offset) for start in starts for offset in draw(rows)]


def longest_page(sink: Sink) -> int:
    """Return how many days the rows of one page span at most."""
    pages = [[datetime.fromisoformat(row["updated_at"]) for row in page] for page in sink.pages if page]
    return max(((max(page) - min(page)).days for page in pages), default=0)


@given(busy_days(), st.sampled_from([7, 30, 365]), st.none() | st.sampled_from([400, 1000, 5000]))
def test_every_row_is_read_once_in_few_requests_and_in_windows_of_the_usual_length(
    days: list[int], window_days: int, max_days: int | None
) -> None:
    usual = 12 * window_days
    api = LimitedList(orders(days), max_days=max(max_days, usual + 3) if max_days else None)
    sink, requests, error = read(api, BOOKMARK, backlogged=True, window_days=window_days)
    assert error is None
    assert sorted(row["id"] for page in sink.pages for row in page) == [row["id"] for row in api.rows]
    assert sink.bookmark["replication_key_value"] == "2026-06-01T00:00:00Z"
    assert longest_page(sink) <= usual
    stretches = len({day // STRETCH for day in days})
    over_nothing = DAYS / usual if max_days else 0
    assert requests < 30 + over_nothing + stretches * (2 * STRETCH / window_days + 2 * log2(DAYS / usual))


@given(busy_days(), st.booleans())
def test_a_stream_whose_rows_each_take_a_request_reads_windows_of_the_shortest_length(
    days: list[int], backlogged: bool
) -> None:
    sink, _, error = read(
        LimitedList(orders(days)), BOOKMARK, backlogged=backlogged, window_days=30, details=True
    )
    assert longest_page(sink) <= 30
    assert error is not None or len(sink.ids) == len(days)
