"""A client of one shop with a fake session, and its request queue and rate limiter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.client import Client
from sumeru_api.request_queue import RequestQueue
from sumeru_api.responses import parse_page
from sumeru_api.session import TransportError
from sumeru_api.shop import Shop
from sumeru_api.slots import Slots
from support.factories import rate_limiter
from support.fake_session import response

if TYPE_CHECKING:
    from sumeru_api.request_counts import RequestCounts
    from sumeru_api.responses import Page
    from support.fake_session import FakeSession

SHOP = Shop("acme", "s3cret", "https://api.example.com")
OK = response(200, {"data": [{"id": "1"}]})
FAILED = TransportError("the connection failed")


class ClientSetup:
    """A client with a fake session, made inside the running loop.

    Args:
        session: The session.
        shop: The shop.
        concurrency: Requests in flight, at most.
        slots: Requests of all shops, at most.
        max_retries: Retries of each request.
        share: Share of the rate limit that the client may use.
        counts: Counts the requests.

    Attributes:
        limiter: Paces the token, without jitter.
        queue: The requests of the token.
        client: The client.
    """

    def __init__(
        self,
        session: FakeSession,
        *,
        shop: Shop = SHOP,
        concurrency: int = 8,
        slots: Slots | None = None,
        max_retries: int = 5,
        share: float = 1.0,
        counts: RequestCounts | None = None,
    ) -> None:
        self.limiter = rate_limiter(share, concurrency, jitter=lambda: 0.0)
        self.queue = RequestQueue(self.limiter)
        slots = slots or Slots(256, max_hold_seconds=1.0)
        self.client = Client(shop, session, self.queue, slots, max_retries, counts)

    async def get(self, path: str = "orders", params: tuple[tuple[str, str], ...] = ()) -> Page:
        """Return the page at a path."""
        return await self.client.get(path, params, parse_page, "orders")
