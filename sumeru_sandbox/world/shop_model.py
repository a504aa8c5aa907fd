"""Seeded rules that fix the counts, ids, dates, owners, prices and titles of a generated shop."""

from __future__ import annotations

from functools import cached_property
from math import gcd
from typing import TYPE_CHECKING

from sumeru_sandbox.spec.endpoints import TYPES
from sumeru_sandbox.world import date_patterns, random_source, sample_values
from sumeru_sandbox.world.clock import DAY, HOUR
from sumeru_sandbox.world.order_ownership import OrderOwnership
from sumeru_sandbox.world.timelines import CustomerTimeline, Timeline, evenly
from sumeru_sandbox.world.trade_calendar import TradeCalendar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Patterns = Sequence[Mapping[str, int]]

HISTORY = 730 * DAY
LEAD = 3 * DAY  # between the creation of a row and the first order that refers to it
MIN_CUSTOMERS = 100
MAX_CUSTOMERS = 10_000_000
DEFAULT_JOURNEYS = 10
MAX_JOURNEYS = 1000
_ID_FORMATS = {stream: f"{prefix}%08d" for stream, (_, prefix) in TYPES.items()}
_SMALL_SHOP = 1000  # shops with fewer customers have fewer rows of most streams


def counts(customers: int, journeys: int = DEFAULT_JOURNEYS) -> dict[str, int]:
    """Return the number of rows per stream, for a shop with this many customers and journeys."""
    small = customers < _SMALL_SHOP
    products = max(20, customers // 20)
    return {
        "customers": customers,
        "orders": 3 * customers,
        "attribution": 3 * customers // 2,
        "campaigns": max(3, customers // 10) if small else 100,
        "journeys": journeys,
        "enrollments": customers // 2,
        "products": products,
        "inventory": 6 * products,
        "usage": 60 if small else 730,
        "decision_intelligence_runs": 24 * (10 if small else 90),
        "seo_keywords": customers if small else 1000,
    }


class ShopModel:
    """The properties that the rows of a shop share; `now` is the end of their dates."""

    def __init__(
        self,
        shop: str,
        customers: int,
        seed: int,
        now: int,
        plan: str,
        rate_limit: int,
        *,
        journeys: int = DEFAULT_JOURNEYS,
    ) -> None:
        self.shop = shop
        self.now = now
        self.plan = plan
        self.rate_limit = rate_limit
        self.counts = counts(customers, journeys)
        self.ownership = OrderOwnership(customers, f"{seed}/{shop}")
        self.draws = {stream: random_source.random_draws(seed, shop, stream) for stream in TYPES}
        self._days = random_source.random_draws(seed, shop, "days")
        self.currency = ("USD", "EUR", "GBP")[random_source.random_draws(seed, shop)(0)[0] % 3]

    @cached_property
    def timelines(self) -> Mapping[str, Timeline]:
        """The dates of each stream's rows; a row is created after the rows that it refers to."""
        counts = self.counts
        orders = self._traded("orders", 0, date_patterns.ORDERS)
        customers_created_at = self._calendar.spread(counts["customers"], -LEAD, DAY)
        return {
            "customers": CustomerTimeline(
                counts["customers"], customers_created_at, date_patterns.CUSTOMERS, orders, self.ownership
            ),
            "orders": orders,
            "attribution": Timeline(
                counts["attribution"],
                lambda index: orders.created_at(2 * index),
                date_patterns.ATTRIBUTION,
                self.now,
                updated_field="attributed_at",
            ),
            "campaigns": self._traded("campaigns", LEAD, date_patterns.CAMPAIGNS),
            "journeys": self._even("journeys", 0, date_patterns.JOURNEYS, DAY),
            "enrollments": Timeline(
                counts["enrollments"],
                lambda index: customers_created_at(2 * index) + DAY,
                date_patterns.ENROLLMENTS,
                self.now,
            ),
            "products": self._even("products", 0, date_patterns.PRODUCTS),
            "inventory": self._even("inventory", DAY, date_patterns.CREATED_AND_UPDATED),
            "usage": self._periodic("usage", DAY, "date"),
            "decision_intelligence_runs": self._periodic("decision_intelligence_runs", HOUR, "created_at"),
            "seo_keywords": self._even("seo_keywords", 0, date_patterns.CREATED_AND_UPDATED),
        }

    @cached_property
    def _calendar(self) -> TradeCalendar:
        return TradeCalendar(self.now - HISTORY + LEAD, self.now, self._days)

    def _traded(self, stream: str, lead: int, patterns: Patterns) -> Timeline:
        """Return the dates of rows that follow the trade calendar, `lead` seconds earlier."""
        created_at = self._calendar.spread(self.counts[stream], -lead, DAY)
        return Timeline(self.counts[stream], created_at, patterns, self.now)

    def _even(self, stream: str, delay: int, patterns: Patterns, span: int = HISTORY - DAY) -> Timeline:
        """Return the dates of rows that come evenly over a time, which begins with the history or later."""
        created_at = evenly(self.now - HISTORY + delay, span, self.counts[stream])
        return Timeline(self.counts[stream], created_at, patterns, self.now)

    def _periodic(self, stream: str, step: int, field: str) -> Timeline:
        """Return the dates of rows one step apart, the last of them in the current step."""
        first = self.now // step * step - (self.counts[stream] - 1) * step
        return Timeline(
            self.counts[stream],
            lambda index: first + index * step,
            ({field: 0},),
            self.now,
            updated_field=field,
        )

    @cached_property
    def customers(self) -> CustomerTimeline:
        """The dates of the customers."""
        timeline = self.timelines["customers"]
        assert isinstance(timeline, CustomerTimeline)  # noqa: S101 - for the type checker: `timelines` builds it
        return timeline

    def row_id(self, stream: str, index: int) -> str:
        """Return the id of a row; ids sort like indices."""
        return _ID_FORMATS[stream] % index

    def row_index(self, stream: str, row_id: str) -> int | None:
        """Return the index of a generated row; None if the id belongs to no such row."""
        number = row_id.removeprefix(TYPES[stream][1])
        if not (number.isascii() and number.isdigit()) or int(number) >= self.counts[stream]:
            return None
        return int(number) if self.row_id(stream, int(number)) == row_id else None

    def price(self, product: int, variant: int) -> int:
        """Return the price of a variant, in cents: most are low, and a few high."""
        rank = product * 7919 % 1000
        return 795 + rank**3 // 10**7 * 18 + variant * 250

    def title(self, product: int) -> str:
        """Return the title of a product."""
        colour = sample_values.COLOURS[product % len(sample_values.COLOURS)]
        return f"{colour} {sample_values.PRODUCT_NAMES[product // 6 % len(sample_values.PRODUCT_NAMES)]}"

    def launched_campaign(self, latest: int) -> str | None:
        """Return the id of `latest` or, if that is a draft, of the campaign before; None if there is none."""
        number = latest - (latest % 10 == date_patterns.DRAFT_DIGIT)
        return self.row_id("campaigns", number) if number >= 0 else None

    def enrollment_count(self, journey: int, *, active_only: bool) -> int:
        """Count the enrollments of a journey: all of them, or only the active ones."""
        timeline, journeys = self.timelines["enrollments"], self.counts["journeys"]
        count = 0
        for rows in timeline.sorted_ranges():
            # Within a range, the rows of one journey recur at this interval.
            interval = journeys // gcd(journeys, rows.step)
            first = next(
                (place for place, row in enumerate(rows[:interval]) if row % journeys == journey), None
            )
            if first is not None and not (active_only and "exited_at" in timeline.timestamps(rows[0])):
                count += len(rows[first::interval])
        return count
