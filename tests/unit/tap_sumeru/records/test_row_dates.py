"""Dates of a row: in any attribute, nested or not, as text of any usual form or as a number."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.timestamps import Precision, precision
from tap_sumeru.records.row_dates import coarsest, other_dates_of

DAY = datetime(2026, 5, 10, tzinfo=UTC)
MOMENTS = st.datetimes(
    min_value=datetime(2001, 1, 1),  # noqa: DTZ001 - strategies take naive bounds
    max_value=datetime(2099, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
).map(lambda one: one.replace(microsecond=0))

FORMS: list[Any] = [
    lambda at: at.isoformat(),
    lambda at: at.strftime("%Y-%m-%d %H:%M:%S"),
    lambda at: at.strftime("%Y/%m/%d"),
    lambda at: at.strftime("%Y%m%d"),
    lambda at: at.strftime("%d.%m.%Y"),
    lambda at: at.strftime("%m/%d/%Y"),
    lambda at: at.strftime("%d/%m/%Y %H:%M"),
    lambda at: at.strftime("%d %B %Y"),
    lambda at: at.strftime("%B %d, %Y"),
    format_datetime,
    lambda at: format_datetime(at, usegmt=True),
    lambda at: int(at.timestamp()),
    lambda at: int(at.timestamp() * 1000),
    lambda at: int(at.timestamp() * 1000000),
    lambda at: at.timestamp(),
    lambda at: Decimal(str(at.timestamp())),
    lambda at: str(int(at.timestamp())),
]
PLACES: list[Any] = [
    lambda value: {"created": value},
    lambda value: {"meta": {"created": value}},
    lambda value: {"meta": [{"a": {"b": [value]}}]},
    lambda value: {"dates": [None, value]},
]


@given(MOMENTS, st.sampled_from(FORMS), st.sampled_from(PLACES))
def test_a_date_is_found_in_any_form_at_any_place(moment: datetime, form: Any, place: Any) -> None:
    row = {"updated_at": "2020-01-01", **place(form(moment))}
    assert moment.date() in {one.date() for one in other_dates_of(row, "updated_at")}


def test_the_replication_key_is_no_other_date() -> None:
    row = {"updated_at": "2026-05-10", "a": "2026-05-10"}
    assert list(other_dates_of(row, "updated_at")) == [DAY]


@pytest.mark.parametrize(
    "value",
    [5, True, None, "x" * 20, "2025", "March", 10**30, -1, 0.5, "", "+49 170 1234567", "99/99/2026", [], {}],
)
def test_what_is_no_date_is_none(value: object) -> None:
    assert list(other_dates_of({"a": value, "b": {"c": value}}, "updated_at")) == []


@given(st.recursive(st.none() | st.integers() | st.floats() | st.text(), st.lists))
def test_any_value_can_be_searched(value: object) -> None:
    assert all(one.tzinfo is not None for one in other_dates_of({"a": value}, "updated_at"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-10", Precision.DAY),
        ("2026-05-10T23:30:00", Precision.LOCAL),
        ("2026-05-10 23:30", Precision.LOCAL),
        ("2026-05-10T23:30Z", Precision.MINUTE),
        ("2026-05-10T23:30:00Z", Precision.SECOND),
        ("2026-05-10T23:30:00.123+02:00", Precision.SECOND),
    ],
)
def test_the_precision_of_a_timestamp(text: str, expected: Precision) -> None:
    assert precision(text) is expected
    assert coarsest(["2026-05-10T23:30:00Z", text, None, 5, "no date"]) is expected
