"""Which customer placed which order, computed in both directions without storing it."""

from __future__ import annotations

from functools import lru_cache

_CACHE_SIZE = 1024
# Customers whose index ends in this digit do not own the first of their three orders.
_NO_FIRST_ORDER_DIGIT = 9


class OrderOwnership:
    """Assigns three orders per customer: older customers have more of them, and some newer ones have none."""

    def __init__(self, customers: int) -> None:
        self.customers = customers
        self.orders_of = lru_cache(_CACHE_SIZE)(self._orders_of)

    def owner(self, order: int) -> int:
        """Return the customer of an order."""
        number, kind = divmod(order, 3)
        if kind == 0 and number % 10 != _NO_FIRST_ORDER_DIGIT:
            return number
        return number // 4 if kind == 2 else number // 2  # noqa: PLR2004 - the last of the three

    def _orders_of(self, customer: int) -> list[int]:
        """Return the orders of a customer, by index: the inverse of `owner`."""
        orders = [] if customer % 10 == _NO_FIRST_ORDER_DIGIT else [3 * customer]
        for number in range(2 * customer, min(2 * customer + 2, self.customers)):
            orders.append(3 * number + 1)
            if number % 10 == _NO_FIRST_ORDER_DIGIT:
                orders.append(3 * number)
        orders.extend(range(12 * customer + 2, min(12 * customer + 14, 3 * self.customers), 3))
        return orders

    def order_count_steps(self) -> list[int]:
        """Return the indices from which customers have fewer orders than those before."""
        return [-(-(self.customers - more) // share) for share in (2, 4) for more in range(share)]
