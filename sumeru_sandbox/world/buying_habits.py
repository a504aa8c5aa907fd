"""Buying habits: when customers buy, drawn for one group of customers and repeated for all later groups.

Most customers buy when they are created. How often one returns follows a Poisson process whose rate is drawn
from a gamma distribution, and which ends after an exponential time: some never return, some return often.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = 240
"""Customers of a group; a multiple of all intervals at which the dates of customers and orders repeat."""
SLOTS = 3 * GROUP
"""Orders placed while a group is created."""
SHARE_UNITS = 16
_BUYS_AT_ONCE = 0.78
# Times are shares of the history, and rates are returns per history.
_RATE_SHAPE, _RATE_SCALE, _MIN_RATE = 0.6, 30.0, 0.01
_MEAN_LIFETIMES = (0.1, 0.1, 0.6)  # two thirds of the customers leave early
_LATEST_RETURN = 0.9


class Slot(NamedTuple):
    """Who places the order at one place among the orders of a group's time.

    The buyer belongs to the group `delay` groups before the present one. Before there is such a group, it
    belongs to the one after `share` sixteenths of all groups so far.
    """

    place: int
    customer: int
    delay: int
    share: int


class BuyingHabits:
    """The slots of a shop, and the buyers of the first group's time.

    Args:
        groups: Number of groups in the history, with fractions.
        seed: Seed of the random numbers.
    """

    def __init__(self, groups: float, seed: str) -> None:
        random = Random(seed)  # noqa: S311 - sample data
        at_once = [_converts(one) or random.random() < _BUYS_AT_ONCE for one in range(GROUP)]
        rates = [max(_MIN_RATE, random.gammavariate(_RATE_SHAPE, _RATE_SCALE)) for _ in range(GROUP)]
        free = [place for place in range(SLOTS) if place % 3 or not at_once[place // 3]]
        moments = sorted(_returns(rates, len(free), groups, random))
        self.slots = [Slot(3 * one, one, 0, 0) for one in range(GROUP) if at_once[one]]
        for place, (_, group, one) in zip(free, moments, strict=True):
            # No customer buys before being created: such an order moves to the next group.
            delay = max(group, int(one > place // 3))
            self.slots.append(Slot(place, one, delay, random.randint(5, 13)))
        self.slots.sort()
        self.first_buyers = list(self._first_buyers(rates, random))

    def _first_buyers(self, rates: list[float], random: Random) -> Iterator[int]:
        """Yield the buyer in each slot of the first group, which has no earlier customers."""
        sums = list(accumulate(rates))
        for place, customer, delay, _ in self.slots:
            newest = place // 3
            yield bisect_right(sums, random.random() * sums[newest], 0, newest) if delay else customer


def _converts(customer: int) -> bool:
    """Whether the first order ends the customer's enrollment; see ENROLLMENTS in date_patterns.py."""
    return customer % 80 in range(20, 40, 2)


def _returns(rates: list[float], number: int, groups: float, random: Random) -> list[tuple[float, int, int]]:
    """Return a number of orders: the time within a group's time, the delay in groups, and the customer."""
    found: list[tuple[float, int, int]] = []
    while len(found) < number:
        for customer, rate in enumerate(rates):
            end = min(random.expovariate(1 / random.choice(_MEAN_LIFETIMES)), _LATEST_RETURN)
            for moment in _poisson(rate, end, random):
                delay, place = divmod(customer / GROUP + moment * groups, 1)
                found.append((place, int(delay), customer))
    return random.sample(found, number)


def _poisson(rate: float, end: float, random: Random) -> Iterator[float]:
    """Yield the moments of a Poisson process, from 0 to `end`."""
    moment = random.expovariate(rate)
    while moment < end:
        yield moment
        moment += random.expovariate(rate)
