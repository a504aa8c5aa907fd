"""A made-up shop, every row of which is computed from (seed, shop, stream, index)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sumeru_sandbox.world.customer_rows import People
from sumeru_sandbox.world.shop_model import JOURNEYS, Outline
from sumeru_sandbox.world.shop_rows import Goods

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Row = dict[str, Any]


class World(Outline):
    """The rows that a shop has to begin with."""

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
        super().__init__(shop, customers, seed, now, plan, rate_limit, journeys=journeys)
        people, goods = People(self), Goods(self)
        self._makers: Mapping[str, Callable[[int], Row]] = {
            "customers": people.customer,
            "orders": people.order,
            "attribution": people.attribution,
            "campaigns": goods.campaign,
            "journeys": goods.journey,
            "enrollments": people.enrollment,
            "products": goods.product,
            "inventory": goods.stock,
            "usage": goods.usage,
            "decision_intelligence_runs": goods.run,
            "seo_keywords": goods.keyword,
        }

    def row(self, stream: str, index: int) -> Row:
        """The attributes of a row."""
        return self._makers[stream](index)

    def family(self, stream: str, field: str, parent: int) -> list[range]:
        """The rows of a stream that belong to a customer or a journey."""
        if field == "journey_id":
            return [range(parent, self.counts[stream], self.counts["journeys"])]
        numbers = self.ownership.orders_of(parent)
        if stream == "attribution":
            numbers = [order // 2 for order in numbers if order % 2 == 0]
        elif stream == "enrollments":
            numbers = [parent // 2] if parent % 2 == 0 else []
        return [range(number, number + 1) for number in numbers if number < self.counts[stream]]
