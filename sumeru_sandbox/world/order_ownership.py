"""Which customer placed which order, computed in both directions from the buying habits of the shop."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from sumeru_sandbox.world.buying_habits import GROUP, SHARE_UNITS, SLOTS, BuyingHabits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sumeru_sandbox.world.buying_habits import Slot

_CACHE_SIZE = 1024


class OrderOwnership:
    """Assigns the three orders per customer that a shop has.

    Args:
        customers: Number of customers.
        seed: What makes the buying habits of this shop differ from those of others.
    """

    def __init__(self, customers: int, seed: str) -> None:
        self.customers = customers
        self._seed = seed
        self.orders_of = lru_cache(_CACHE_SIZE)(self._orders_of)

    @cached_property
    def _habits(self) -> BuyingHabits:
        return BuyingHabits(self.customers / GROUP, self._seed)

    @cached_property
    def _slots_of(self) -> list[list[Slot]]:
        """The slots of each customer of a group."""
        slots: list[list[Slot]] = [[] for _ in range(GROUP)]
        for slot in self._habits.slots:
            slots[slot.customer].append(slot)
        return slots

    @cached_property
    def _first_orders(self) -> list[list[int]]:
        """The orders that each customer of the first group places while that group is created."""
        orders: list[list[int]] = [[] for _ in range(GROUP)]
        for order, customer in enumerate(self._habits.first_buyers[: 3 * self.customers]):
            orders[customer].append(order)
        return orders

    def owner(self, order: int) -> int:
        """Return the customer of an order."""
        now, place = divmod(order, SLOTS)
        if not now:
            return self._habits.first_buyers[place]
        _, customer, delay, share = self._habits.slots[place]
        group = now - delay if now >= delay else now * share // SHARE_UNITS
        return group * GROUP + customer

    def _orders_of(self, customer: int) -> list[int]:
        """Return the orders of a customer, by index: the inverse of `owner`."""
        group, one = divmod(customer, GROUP)
        orders = [] if group else self._first_orders[one].copy()
        total = 3 * self.customers
        for place, _, delay, share in self._slots_of[one]:
            order = (group + delay) * SLOTS + place
            if SLOTS <= order < total:
                orders.append(order)
            if group * SHARE_UNITS < delay * share:  # before the group `delay`, as in `owner`
                first = max(1, -(-group * SHARE_UNITS // share))
                end = min(delay, -(-(group + 1) * SHARE_UNITS // share))
                orders.extend(range(first * SLOTS + place, min(end * SLOTS, total), SLOTS))
        return orders

    def breaks(self, one: int) -> Iterator[int]:
        """Yield the groups from which on a customer of a group no longer places the orders of some slot.

        Args:
            one: The customer's place in the group.
        """
        yield 1  # the first group has orders of its own
        for place, _, delay, share in self._slots_of[one]:
            last = (3 * self.customers - 1 - place) // SLOTS
            yield max(1, last - delay + 1)
            yield max(1, min(last, delay - 1) * share // SHARE_UNITS + 1)
