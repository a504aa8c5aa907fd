"""The options that a sandbox starts with, validated."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sumeru_sandbox.server.accounts import PLANS
from sumeru_sandbox.world.clock import HOUR
from sumeru_sandbox.world.shop_model import DEFAULT_JOURNEYS, MAX_CUSTOMERS, MAX_JOURNEYS, MIN_CUSTOMERS

_SHOP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


@dataclass(frozen=True)
class Options:
    """The shops, their size and plan, and the start of the clock.

    `rate_limit` applies to the enterprise plan, in requests per minute; 0 means none. `now` is in Unix
    seconds. `live` is the number of live events per hour.
    """

    shops: tuple[str, ...] = ("acme", "globex", "initech")
    customers: int = 10_000
    seed: int = 1
    plan: str = "agency"
    rate_limit: int = 0
    now: int | None = None
    live: float = 0
    journeys: int = DEFAULT_JOURNEYS

    def __post_init__(self) -> None:
        if not self.shops or len(set(self.shops)) != len(self.shops):
            raise ValueError("shops: give at least one, and each only once")
        for shop in self.shops:
            if not _SHOP.fullmatch(shop):
                raise ValueError(f"shops: {shop!r} is not a valid shop name")
        if not MIN_CUSTOMERS <= self.customers <= MAX_CUSTOMERS:
            raise ValueError(f"customers: must be from {MIN_CUSTOMERS} to {MAX_CUSTOMERS}")
        if not 1 <= self.journeys <= MAX_JOURNEYS:
            raise ValueError(f"journeys: must be from 1 to {MAX_JOURNEYS}")
        if self.plan not in PLANS:
            raise ValueError(f"plan: must be one of {', '.join(PLANS)}")
        if self.rate_limit < 0:
            raise ValueError("rate limit: must be 0 or more")
        if not 0 <= self.live <= 3_600_000:  # noqa: PLR2004 - a thousand per second
            raise ValueError("live: must be from 0 to 3600000 events per hour")

    def data_end(self, clock: float) -> int:
        """Return the time at which the generated rows end: `now`, or the start of the current hour."""
        return int(clock) // HOUR * HOUR if self.now is None else self.now
