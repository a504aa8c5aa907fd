"""Requests and minutes of a read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.diagnose.workload import (
    EstimatedPace,
    day_number,
    day_start,
    list_pages,
    probe_pages,
    window_pages,
)

START = datetime(2025, 1, 1, tzinfo=UTC)


def test_a_list_takes_a_request_per_hundred_rows_and_one_at_least() -> None:
    assert [list_pages(rows) for rows in (0, 1, 100, 101, 1000)] == [1, 1, 1, 2, 10]
    assert [probe_pages(per_day) for per_day in (0, 25, 100, 10_000)] == [1, 1, 4, 10]


def test_dense_windows_keep_their_length_and_request_room_on_either_side() -> None:
    now = START + timedelta(days=300)
    pages = window_pages(lambda start, end: 1000 * (end - start), START, None, now, 30, grows=True)
    assert pages == 10 * (33 * 10 + 0.5) + 3 * 10 + 0.5  # an open window up to now, of no length, comes last


def test_sparse_windows_grow_unless_every_row_is_a_request() -> None:
    now = START + timedelta(days=3600)
    assert window_pages(lambda *_: 0.0, START, None, now, 30, grows=True) < 25
    assert window_pages(lambda *_: 0.0, START, None, now, 30, grows=False) == 121


@given(st.floats(0, 1e6), st.floats(0, 1e5), st.floats(0, 5), st.floats(1, 6000), st.integers(1, 64))
def test_a_read_is_never_faster_than_limit_burst_or_responses_allow(
    requests: float, longest: float, latency: float, per_minute: float, concurrency: int
) -> None:
    seconds = EstimatedPace(per_minute, latency, concurrency).seconds(requests, longest) * (1 + 1e-9)
    assert seconds >= longest * latency
    assert seconds >= requests * latency / concurrency
    assert seconds * per_minute / 60 >= requests / 2 - 1e-6
    assert seconds * per_minute / 60 >= requests - 9.5 * per_minute / 60 - 1e-6
    assert EstimatedPace(None, latency, concurrency).seconds(requests, longest) <= seconds


def test_thousand_requests_at_sixhundred_a_minute() -> None:
    assert EstimatedPace(600, 0.1, 8).seconds(1000, 100) == pytest.approx(90.5)


@given(st.integers(min_value=0, max_value=40_000))
def test_days_are_counted_from_1970(number: int) -> None:
    assert day_number(day_start(number)) == number
