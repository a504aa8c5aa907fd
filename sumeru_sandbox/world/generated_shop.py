"""A generated shop: each row is computed from seed, shop, stream and index when it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sumeru_sandbox.world.customer_rows import CustomerRows
from sumeru_sandbox.world.shop_model import DEFAULT_JOURNEYS, ShopModel
from sumeru_sandbox.world.shop_rows import ShopRows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Row = dict[str, Any]


class GeneratedShop(ShopModel):
    """The rows of a shop before any write."""

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
        super().__init__(shop, customers, seed, now, plan, rate_limit, journeys=journeys)
        customer_rows, shop_rows = CustomerRows(self), ShopRows(self)
        self._row_builders: Mapping[str, Callable[[int], Row]] = {
            "customers": customer_rows.customer,
            "orders": customer_rows.order,
            "attribution": customer_rows.attribution,
            "campaigns": shop_rows.campaign,
            "journeys": shop_rows.journey,
            "enrollments": customer_rows.enrollment,
            "products": shop_rows.product,
            "inventory": shop_rows.inventory_level,
            "usage": shop_rows.usage,
            "decision_intelligence_runs": shop_rows.decision_run,
            "seo_keywords": shop_rows.keyword,
        }

    def row(self, stream: str, index: int) -> Row:
        """Return the attributes of a row."""
        return self._row_builders[stream](index)

    def child_rows(self, stream: str, field: str, parent: int) -> list[range]:
        """Return the rows of a stream that belong to a customer or a journey, as ranges of indices."""
        if field == "journey_id":
            return [range(parent, self.counts[stream], self.counts["journeys"])]
        numbers = self.ownership.orders_of(parent)
        if stream == "attribution":
            numbers = [order // 2 for order in numbers if order % 2 == 0]
        elif stream == "enrollments":
            numbers = [parent // 2] if parent % 2 == 0 else []
        return [range(number, number + 1) for number in numbers if number < self.counts[stream]]
