"""Numbers, names, times and durations in correct English."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tap_sumeru.sync.wording import count, day, names, time_left


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "record", "0 records"),
        (1, "record", "1 record"),
        (2, "record", "2 records"),
        (1, "request", "1 request"),
        (1000, "request", "1000 requests"),
    ],
)
def test_a_number_with_its_noun(number: int, noun: str, text: str) -> None:
    assert count(number, noun) == text


def test_of_many_shops_only_the_first_are_named() -> None:
    shops = [f"shop-{i}" for i in range(25)]
    assert names(shops[:2]) == "shop-0, shop-1"
    assert names(shops[:20]) == ", ".join(shops[:20])
    assert names(shops) == ", ".join(shops[:20]) + " and 5 more"


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        (datetime(2026, 5, 10, tzinfo=UTC), "2026-05-10"),
        (datetime(2026, 5, 10, 6, 30, tzinfo=UTC), "2026-05-10T06:30:00Z"),
    ],
)
def test_the_start_of_a_day_is_its_date(timestamp: datetime, text: str) -> None:
    assert day(timestamp) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "less than a minute left"),
        (59.9, "less than a minute left"),
        (60.0, "about 1 minute left"),
        (7790.0, "about 2 hours 10 minutes left"),
        (86_399.0, "about 1 day left"),
        (180_000.0, "about 2 days 2 hours left"),
    ],
)
def test_an_estimate_is_as_exact_as_it_can_be(seconds: float, text: str) -> None:
    assert time_left(seconds) == text
