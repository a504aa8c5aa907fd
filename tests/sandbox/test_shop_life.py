"""The generated shops sell like real ones: seasons, growth, returning customers and a few large orders."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from statistics import mean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_sandbox.world import trade_calendar
from sumeru_sandbox.world.clock import DAY
from sumeru_sandbox.world.generated_shop import GeneratedShop
from sumeru_sandbox.world.random_source import random_draws
from sumeru_sandbox.world.shop_model import HISTORY
from sumeru_sandbox.world.trade_calendar import TradeCalendar, black_friday, season

NOW = int(datetime(2026, 5, 10, 14, tzinfo=UTC).timestamp())
CUSTOMERS = 6000
SEEDS = [1, 2, 3]

Orders = dict[int, list[date]]


@lru_cache
def shop(seed: int) -> GeneratedShop:
    return GeneratedShop("acme", CUSTOMERS, seed, NOW, "agency", 1500)


@lru_cache
def orders(seed: int) -> Orders:
    """Return the days on which each customer has placed an order."""
    made = shop(seed)
    found: Orders = {customer: [] for customer in range(CUSTOMERS)}
    for order in range(made.counts["orders"]):
        day = datetime.fromtimestamp(made.timelines["orders"].created_at(order), UTC).date()
        found[made.ownership.owner(order)].append(day)
    return found


def sales(seed: int) -> Counter[date]:
    return Counter(day for days in orders(seed).values() for day in days)


def between(found: Counter[date], first: date, days: int) -> float:
    """Return the orders a day from a day on."""
    return mean(found[first + timedelta(days=day)] for day in range(days))


@pytest.mark.parametrize("seed", SEEDS)
def test_weekends_november_and_the_second_year_sell_more_and_january_less(seed: int) -> None:
    found = sales(seed)
    weekdays = Counter(dict.fromkeys(range(7), 0))
    for day, count in found.items():
        weekdays[day.weekday()] += count
    assert min(weekdays[5], weekdays[6]) > 1.1 * max(weekdays[number] for number in range(4))
    assert found[black_friday(2025)] > 2 * between(found, date(2025, 10, 1), 31)
    assert between(found, date(2026, 1, 5), 27) < 0.8 * between(found, date(2025, 11, 1), 30)
    assert between(found, date(2025, 6, 1), 300) > 1.1 * between(found, date(2024, 6, 1), 300)


@pytest.mark.parametrize("seed", SEEDS)
def test_most_customers_buy_once_some_never_and_a_few_very_often(seed: int) -> None:
    counts = Counter(len(days) for days in orders(seed).values())
    assert 0.03 < counts[0] / CUSTOMERS < 0.2
    assert 0.3 < counts[1] / CUSTOMERS < 0.65
    often = sum(count for number, count in counts.items() if number >= 8)
    assert 0.02 < often / CUSTOMERS < 0.15
    assert len(counts) > 15


@pytest.mark.parametrize("seed", SEEDS)
def test_each_month_fewer_customers_of_a_cohort_return_and_never_all_at_once(seed: int) -> None:
    """No cohort of a month stops buying, and none has a month in which everybody returns."""
    cohorts = [days for days in orders(seed).values() if days]
    for first in (date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1)):
        cohort = [sorted(days) for days in cohorts if first <= min(days) < first + timedelta(days=31)]
        returns = [{(day - days[0]).days // 30 for day in days[1:]} for days in cohort]
        active = [mean(month in months for months in returns) for month in range(10)]
        assert max(active) < 0.5
        assert min(active) > 0.01
        assert mean(active[:3]) > 1.5 * mean(active[-3:])


@pytest.mark.parametrize("seed", SEEDS)
def test_order_values_have_a_long_tail(seed: int) -> None:
    made = shop(seed)
    totals = sorted(float(made.row("orders", order)["total_price"]) for order in range(0, 3 * CUSTOMERS, 7))
    assert mean(totals) > 1.3 * median(totals)
    assert totals[-len(totals) // 100] > 5 * median(totals)
    assert totals[0] > 5


@pytest.mark.parametrize("seed", SEEDS)
def test_a_customer_is_called_what_the_orders_show(seed: int) -> None:
    made = shop(seed)
    stages: Counter[str] = Counter()
    for customer in range(0, CUSTOMERS, 5):
        row = made.row("customers", customer)
        stages[row["lifecycle_stage"]] += 1
        if row["lifecycle_stage"] == "loyal":
            assert row["orders_count"] >= 4
            assert row["rfm_segment"] == "champions"
        assert row["orders_count"] < 2 or row["lifecycle_stage"] != "new"
        assert 0 <= row["churn_risk"] <= 1
    assert min(stages[stage] for stage in ("loyal", "active", "new", "at_risk", "lapsed")) > 0


@pytest.mark.parametrize(
    ("year", "expected"), [(2023, date(2023, 11, 24)), (2024, date(2024, 11, 29)), (2026, date(2026, 11, 27))]
)
def test_black_friday_follows_the_fourth_thursday_of_november(year: int, expected: date) -> None:
    assert black_friday(year) == expected
    assert season(expected) == max(season(date(year, 1, 1) + timedelta(days=day)) for day in range(365))


@given(
    st.integers(0, 2 * 10**9),
    st.integers(1, HISTORY),
    st.integers(1, 5000),
    st.integers(-3 * DAY, 3 * DAY),
    st.integers(1, DAY),
)
def test_rows_are_spread_in_order_and_within_the_time(
    first: int, span: int, count: int, shift: int, jitter: int
) -> None:
    calendar = TradeCalendar(first, first + span, random_draws(first))
    at = calendar.spread(count, shift, jitter)
    indices = sorted({0, count - 1, *range(0, count, 97), *range(1, count, 97)})
    found = [at(index) - shift for index in indices]
    assert first - 1 <= found[0]
    assert found[-1] <= first + span
    assert all(before <= after for before, after in pairwise(found))


def test_no_hour_has_no_sales() -> None:
    assert min(trade_calendar._HOURS) > 0  # noqa: SLF001 - a gap would be divided by
