"""What the rows of a made-up shop agree on: how many there are, their ids, dates and owners, and prices."""

from __future__ import annotations

from functools import cached_property
from math import gcd
from typing import TYPE_CHECKING

from sumeru_sandbox.spec.endpoints import TYPES
from sumeru_sandbox.world import date_patterns as histories
from sumeru_sandbox.world import random_source as chance
from sumeru_sandbox.world.clock import DAY, HOUR
from sumeru_sandbox.world.timelines import CustomerTimeline, Ownership, Timeline, paced

if TYPE_CHECKING:
    from collections.abc import Mapping

HISTORY = 730 * DAY
MIN_CUSTOMERS = 100
MAX_CUSTOMERS = 10_000_000
JOURNEYS = 10
MAX_JOURNEYS = 1000
_IDENTS = {stream: f"{prefix}%08d" for stream, (_, prefix) in TYPES.items()}
_SMALL = 1000  # shops with fewer customers have less of everything


def counts(customers: int, journeys: int = JOURNEYS) -> dict[str, int]:
    """Rows by stream, for a shop with so many customers and journeys."""
    small = customers < _SMALL
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


class Outline:
    """The shop that all its rows agree on."""

    def __init__(
        self,
        shop: str,
        customers: int,
        seed: int,
        now: int,
        plan: str,
        rate_limit: int,
        *,
        journeys: int = JOURNEYS,
    ) -> None:
        self.shop = shop
        self.now = now
        self.plan = plan
        self.rate_limit = rate_limit
        self.counts = counts(customers, journeys)
        self.ownership = Ownership(customers)
        self.draws = {stream: chance.drawer(seed, shop, stream) for stream in TYPES}
        self.currency = ("USD", "EUR", "GBP")[chance.drawer(seed, shop)(0)[0] % 3]

    @cached_property
    def timelines(self) -> Mapping[str, Timeline]:
        """The dates of each stream's rows; what depends on something else comes after it."""
        start, now = self.now - HISTORY, self.now

        def line(stream: str, later: int, classes: tuple[Mapping[str, int], ...], span: int = 0) -> Timeline:
            anchor = paced(start + later, span or HISTORY - later, self.counts[stream], DAY)
            return Timeline(self.counts[stream], anchor, classes, now)

        orders = line("orders", 3 * DAY, histories.ORDERS)
        made = paced(start, HISTORY - 3 * DAY, self.counts["customers"], DAY)
        return {
            "customers": CustomerTimeline(
                self.counts["customers"], made, histories.CUSTOMERS, orders, self.ownership
            ),
            "orders": orders,
            "attribution": Timeline(
                self.counts["attribution"],
                lambda index: orders.anchor(2 * index),
                histories.ATTRIBUTION,
                now,
                changed="attributed_at",
            ),
            "campaigns": line("campaigns", 0, histories.CAMPAIGNS),
            "journeys": line("journeys", 0, histories.JOURNEYS, DAY),
            "enrollments": line("enrollments", DAY, histories.ENROLLMENTS, HISTORY - 3 * DAY),
            "products": line("products", 0, histories.PRODUCTS),
            "inventory": line("inventory", DAY, histories.GOODS),
            "usage": self._regular("usage", DAY, "date"),
            "decision_intelligence_runs": self._regular("decision_intelligence_runs", HOUR, "created_at"),
            "seo_keywords": line("seo_keywords", 0, histories.GOODS),
        }

    def _regular(self, stream: str, step: int, field: str) -> Timeline:
        """Rows one step apart, the last of them in the present one."""
        first = self.now // step * step - (self.counts[stream] - 1) * step
        return Timeline(
            self.counts[stream], lambda index: first + index * step, ({field: 0},), self.now, changed=field
        )

    @cached_property
    def customers(self) -> CustomerTimeline:
        """The dates of the customers."""
        timeline = self.timelines["customers"]
        assert isinstance(timeline, CustomerTimeline)  # noqa: S101 - so made above
        return timeline

    def ident(self, stream: str, index: int) -> str:
        """The id of a row; ids sort as indices do."""
        return _IDENTS[stream] % index

    def index(self, stream: str, ident: str) -> int | None:
        """The index of a row that there was to begin with."""
        number = ident.removeprefix(TYPES[stream][1])
        if not (number.isascii() and number.isdigit()) or int(number) >= self.counts[stream]:
            return None
        return int(number) if self.ident(stream, int(number)) == ident else None

    def price(self, product: int, variant: int) -> int:
        """The price of a variant, in hundredths."""
        return 599 + product * 7919 % 14_400 + variant * 250

    def title(self, product: int) -> str:
        """The title of a product."""
        colour = chance.COLOURS[product % len(chance.COLOURS)]
        return f"{colour} {chance.THINGS[product // 6 % len(chance.THINGS)]}"

    def launched_campaign(self, latest: int) -> str | None:
        """The id of a campaign launched before the one given was made; nothing if there is none."""
        number = latest - (latest % 10 == histories.DRAFT)
        return self.ident("campaigns", number) if number >= 0 else None

    def enrolled(self, journey: int, *, still: bool) -> int:
        """How many customers are in a journey, or ever were."""
        timeline, journeys = self.timelines["enrollments"], self.counts["journeys"]
        enrolled = 0
        for rows in timeline.pieces():
            # The rows of one journey come back after so many.
            turn = journeys // gcd(journeys, rows.step)
            first = next((place for place, row in enumerate(rows[:turn]) if row % journeys == journey), None)
            if first is not None and not (still and "exited_at" in timeline.moments(rows[0])):
                enrolled += len(rows[first::turn])
        return enrolled
