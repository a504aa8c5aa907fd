"""The order of a list, from the dates of its first rows."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.timestamps import text
from tap_sumeru.diagnose.list_order import oldest_first
from tap_sumeru.diagnose.workload import day_number

START = datetime(2024, 6, 1, tzinfo=UTC)


def rows(hours: list[float]) -> list[dict[str, object]]:
    return [{"id": str(i), "created_at": text(START + timedelta(hours=one))} for i, one in enumerate(hours)]


@given(st.floats(min_value=0.1, max_value=100), st.sets(st.integers(10, 89), max_size=9))
def test_a_list_in_order_says_how_many_rows_it_has(step: float, odd: set[int]) -> None:
    hours = [i * step - (500 * step if i in odd else 0) for i in range(100)]
    order = oldest_first(rows(hours))
    assert order is not None
    now = day_number(START + timedelta(hours=5000 * step))
    assert order.total(now) == pytest.approx(5000, rel=0.15)


@given(st.integers(min_value=0, max_value=10**6))
def test_no_other_order_says_anything(seed: int) -> None:
    hours = [float(i) for i in range(100)]
    assert oldest_first(rows(hours[::-1])) is None
    random.Random(seed).shuffle(hours)  # noqa: S311 - reproducible
    assert oldest_first(rows(hours)) is None


def test_few_rows_or_rows_without_dates_say_nothing() -> None:
    assert oldest_first([]) is None
    assert oldest_first(rows([1, 2, 3])) is None
    assert oldest_first([{"id": "1", "created_at": None}] * 50) is None
    assert oldest_first([{"id": "1", "created_at": text(START)}] * 50) is None


def test_the_date_that_rows_get_first_counts() -> None:
    found = rows([float(i) for i in range(50)])
    for i, row in enumerate(found):
        row["updated_at"] = text(START + timedelta(days=100, hours=3 * i))
    order = oldest_first(found)
    assert order is not None
    assert order.first == pytest.approx(day_number(START), abs=0.1)
