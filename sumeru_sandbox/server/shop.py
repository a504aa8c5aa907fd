"""One shop of the server: its rows, its lists, and the events that happen while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_sandbox.server.listing import Listing
from sumeru_sandbox.world.live_events import LiveEvents
from sumeru_sandbox.world.store import Store

if TYPE_CHECKING:
    from sumeru_sandbox.world.clock import Clock
    from sumeru_sandbox.world.generated_shop import GeneratedShop


class Shop:
    """A shop that the server offers: its rows, its lists and its live events."""

    def __init__(self, generated: GeneratedShop, clock: Clock, seed: int, rate: float) -> None:
        self.store = Store(generated, clock)
        self.listing = Listing(self.store)
        self.live_events = LiveEvents(self.store, seed, rate)

    def reset(self) -> None:
        """Restore the initial rows."""
        self.store.reset()
        self.live_events.reset()
