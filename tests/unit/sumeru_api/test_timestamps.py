"""Timestamps: every form becomes RFC 3339 in UTC, and anything else is recognised as no timestamp."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api import timestamps


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
        ("2026-05-10T14:23:00.0Z", "2026-05-10T14:23:00.0Z"),
        ("2026-05-10T14:23:00.120000Z", "2026-05-10T14:23:00.120000Z"),
        ("2026-05-10T14:23:00.1200000Z", "2026-05-10T14:23:00.12Z"),
        ("2026-05-10T14:23:00.123456789Z", "2026-05-10T14:23:00.123456Z"),
        ("2026-05-10T14:23:00.5+01:00", "2026-05-10T13:23:00.5Z"),
        ("2026-12-31T24:00:00Z", "2027-01-01T00:00:00Z"),
        ("2026-12-31T24:00", "2027-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_a_timestamp_is_normalised_to_utc(value: str, normal: str) -> None:
    assert timestamps.normalise(value) == normal


@given(st.sampled_from("+-"), st.integers(0, 99), st.integers(0, 99), st.sampled_from(["", ":"]))
def test_an_offset_that_rfc_3339_does_not_know_is_none(
    sign: str, hours: int, minutes: int, colon: str
) -> None:
    value = f"2026-05-10T14:23:00{sign}{hours:02}{colon}{minutes:02}"
    known = hours <= 23 and minutes <= 59
    expected = datetime.fromisoformat(value).astimezone(UTC) if known else None
    assert timestamps.parse(value) == expected


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
        "2026-05-10x14:23:00Z",
        "2026-05-10T14:23:00.",
        "20260510T142300Z",
        # Python 3.11 and later accept these; no loader of a warehouse does.
        "2026-W19-7T14:23:00Z",
        "2026-05-10T142300.5Z",
        "2026-05-10T14:23+01Z",
        "٢٠٢٦-05-10T14:23:00Z",
        "2026-05-10T٢٢:23:00Z",
    ],
)
def test_what_is_not_a_timestamp_is_none(value: str) -> None:
    assert timestamps.normalise(value) is None
    assert timestamps.parse(value) is None


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001 - zones are added
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_every_form_of_a_timestamp_is_the_same_timestamp(naive: datetime, minutes: int) -> None:
    timestamp = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert timestamps.parse(timestamp.isoformat()) == timestamp
    normal = timestamps.normalise(timestamp.isoformat())
    assert normal is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", normal)
    assert timestamps.parse(normal) == timestamp
    assert timestamps.normalise(normal) == normal


@given(st.text())
def test_any_text_can_be_normalised(text: str) -> None:
    normal = timestamps.normalise(text)
    assert normal is None or timestamps.normalise(normal) == normal


def test_a_shift_stays_within_the_calendar() -> None:
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    assert timestamps.shift(first, -timestamps.DAY) == first
    assert timestamps.shift(last, 2 * timestamps.DAY).year == 9999


def test_a_shift_within_the_calendar_is_exact() -> None:
    day = datetime(2026, 5, 10, tzinfo=UTC)
    assert timestamps.shift(day, timedelta(microseconds=1)) == day.replace(microsecond=1)


@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns", "Pacific/Kiritimati"])
def test_the_time_zone_of_the_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    timestamp = datetime(2026, 5, 10, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        assert timestamps.text(timestamp) == "2026-05-09T23:30:00Z"
        assert timestamps.midnight(timestamp) == datetime(2026, 5, 9, tzinfo=UTC)
        assert timestamps.parse("2026-05-09 23:30") == timestamp
    time.tzset()


def test_a_time_before_1971_stands_for_a_missing_one() -> None:
    first = datetime(1971, 1, 1, tzinfo=UTC)
    assert timestamps.real(first) == first
    assert timestamps.real(first - timedelta.resolution) is None
    assert timestamps.real(None) is None
