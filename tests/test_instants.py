"""`instants`: any timestamp becomes RFC 3339 in UTC, or is told to be none."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru import instants


@pytest.mark.parametrize(
    ("value", "normal"),
    [
        ("2026-05-10T14:23:00Z", "2026-05-10T14:23:00Z"),
        ("2026-05-10T14:23:00z", "2026-05-10T14:23:00Z"),
        ("2026-05-10t14:23:00Z", "2026-05-10T14:23:00Z"),
        ("2026-05-10 14:23:00", "2026-05-10T14:23:00Z"),
        ("2026-05-10T14:23:00+02:00", "2026-05-10T12:23:00Z"),
        ("2026-05-10T14:23:00-0530", "2026-05-10T19:53:00Z"),
        ("2026-05-10T14:23:00+02", "2026-05-10T12:23:00Z"),
        ("2026-05-10T14:23", "2026-05-10T14:23:00Z"),
        ("2026-05-10", "2026-05-10T00:00:00Z"),
        ("2026-05-10T14:23:00.120Z", "2026-05-10T14:23:00.120Z"),
        ("2026-05-10T14:23:00.123456789Z", "2026-05-10T14:23:00.123456Z"),
        ("2026-05-10T14:23:00.5+01:00", "2026-05-10T13:23:00.5Z"),
        ("2026-12-31T24:00:00Z", "2027-01-01T00:00:00Z"),
        ("2026-12-31T24:00", "2027-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_a_timestamp_is_brought_to_utc(value: str, normal: str) -> None:
    assert instants.normalise(value) == normal


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "20260510",
        "12:00",
        "2026-13-10T00:00:00Z",
        "2026-02-30",
        "2026-05-10T25:00:00Z",
        "2026-05-10T24:00:01Z",
        "2026-05-10T23:59:60Z",
        "0001-01-01T00:00:00+02:00",
        "9999-12-31T24:00:00Z",
        "2026-05-10T14:23:00 Z",
        "٢٠٢٦-05-10T14:23:00Z",
    ],
)
def test_what_is_no_timestamp_is_told(value: str) -> None:
    assert instants.normalise(value) is None
    assert instants.parse(value) is None


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001 - zones are added
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_every_form_of_an_instant_is_the_same_instant(naive: datetime, minutes: int) -> None:
    instant = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert instants.parse(instant.isoformat()) == instant
    normal = instants.normalise(instant.isoformat())
    assert normal is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", normal)
    assert instants.parse(normal) == instant
    assert instants.normalise(normal) == normal


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    normal = instants.normalise(text)
    assert normal is None or instants.normalise(normal) == normal


def test_a_shift_stays_on_the_calendar() -> None:
    first, last = datetime(1, 1, 1, tzinfo=instants.UTC), datetime(9999, 12, 31, tzinfo=instants.UTC)
    assert instants.shift(first, -instants.DAY) == first
    assert instants.shift(last, 2 * instants.DAY).year == 9999
