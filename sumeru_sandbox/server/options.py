"""How a sandbox is set up."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sumeru_sandbox.server.accounts import PLANS
from sumeru_sandbox.world.clock import HOUR
from sumeru_sandbox.world.shop_model import JOURNEYS, MAX_CUSTOMERS, MAX_JOURNEYS, MIN_CUSTOMERS

_SHOP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


@dataclass(frozen=True)
class Options:
    """Shops, their size and plan, and the sandbox's clock.

    `rate_limit` is the enterprise plan's, in requests a minute, 0 for none; `now` is in Unix seconds.
    """

    shops: tuple[str, ...] = ("acme", "globex", "initech")
    customers: int = 10_000
    seed: int = 1
    plan: str = "agency"
    rate_limit: int = 0
    now: int | None = None
    live: float = 0
    journeys: int = JOURNEYS

    def __post_init__(self) -> None:
        if not self.shops or len(set(self.shops)) != len(self.shops):
            raise ValueError("shops: at least one is needed, and each only once")
        for shop in self.shops:
            if not _SHOP.fullmatch(shop):
                raise ValueError(f"shops: {shop!r} is no name for a shop")
        if not MIN_CUSTOMERS <= self.customers <= MAX_CUSTOMERS:
            raise ValueError(f"customers: from {MIN_CUSTOMERS} to {MAX_CUSTOMERS}")
        if not 1 <= self.journeys <= MAX_JOURNEYS:
            raise ValueError(f"journeys: from 1 to {MAX_JOURNEYS}")
        if self.plan not in PLANS:
            raise ValueError(f"plan: one of {', '.join(PLANS)}")
        if self.rate_limit < 0:
            raise ValueError("rate limit: 0 or more")
        if not 0 <= self.live <= 3_600_000:  # noqa: PLR2004 - a thousand a second
            raise ValueError("live: from 0 to 3600000 events an hour")

    def world_now(self, clock: float) -> int:
        """The moment up to which the shops' rows go: `now`, or the start of the present hour."""
        return int(clock) // HOUR * HOUR if self.now is None else self.now
