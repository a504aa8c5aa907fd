"""Samples: the first rows of each stream of each shop, read with a few requests."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from typing_extensions import override

from sumeru_api.client import Client
from sumeru_api.errors import ApiError, ApiUnavailable
from sumeru_api.rate_limiter import RateLimiter
from sumeru_api.request_queue import RequestQueue
from sumeru_api.responses import row_id
from sumeru_api.session import Session, default_headers
from sumeru_api.slots import Slots
from sumeru_api.timestamps import http_date
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.extract.list_reader import ListReader
from tap_sumeru.extract.queries import Query
from tap_sumeru.extract.slices import Kind, Slice
from tap_sumeru.records import RecordShaper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence

    from sumeru_api.shop import Shop
    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.config.settings import Settings
    from tap_sumeru.records import ShapedPage

ResultT = TypeVar("ResultT")

_MAX_REQUESTS = 64
_HOLD_SECONDS = 1.0
_MAX_SHOPS = 16


class HeaderQueue(RequestQueue):
    """A request queue that keeps what the last response said about the shop.

    Attributes:
        limit: Requests a minute, as the API states it; empty if it does not.
        clock_offset: Seconds by which the server's clock is ahead of ours, None if it is unknown.
    """

    def __init__(self, limiter: RateLimiter) -> None:
        super().__init__(limiter)
        self._started = 0.0
        self._waits: list[float] = []
        self.limit = ""
        self.clock_offset: float | None = None

    @property
    def latency(self) -> float:
        """Median seconds from a request to its response, of requests sent one at a time."""
        return median(self._waits) if self._waits else 0.0

    def ends_with(self, error: ApiError) -> bool:
        """Return whether an error makes all further requests of the shop pointless."""
        return error.affects_shop or (isinstance(error, ApiUnavailable) and not self._waits)

    @override
    async def turn(self, ready: Callable[[], Awaitable[None]] | None = None, cost: int = 1) -> float:
        """Wait until the rate limit allows the next request, and keep when it starts."""
        self._started = await super().turn(ready, cost)
        return self._started

    @override
    def answered(self, headers: Mapping[str, str], cost: int = 1) -> None:
        """Record a response, and keep what its headers say."""
        self._waits.append(asyncio.get_running_loop().time() - self._started)
        self.limit = headers.get("X-RateLimit-Limit", self.limit)
        served_at = http_date(headers.get("Date"))
        if served_at is not None:
            # The header has whole seconds: the middle of its second is the best guess.
            self.clock_offset = round((served_at - datetime.now(UTC)).total_seconds() + 0.5, 1)
        super().answered(headers, cost)


class SampledPage(NamedTuple):
    """A page of a sample.

    Attributes:
        shaped: Its records.
        parent: Id of the parent of the rows, for a child stream.
        complete: Whether the list holds no more rows.
        requested_at: When it was requested, by the server's clock.
    """

    shaped: ShapedPage
    parent: str | None
    complete: bool
    requested_at: datetime


class StreamSampler:
    """Reads the first rows of one stream of one shop.

    Args:
        selection: The stream.
        settings: The settings.
        client: The API of the shop.
        queue: Its requests.

    Attributes:
        spec: The stream.
        options: How it is read.
        key: Its replication key.
        columns: The columns of its schema.
        client: The API of the shop.
        queue: Its requests.
        lists: Reads the lists of the stream.
        shaper: Shapes its pages.
    """

    def __init__(
        self, selection: StreamSelection, settings: Settings, client: Client, queue: HeaderQueue
    ) -> None:
        self.spec = STREAMS[selection.name]
        self.options = settings.options[selection.name]
        self.columns = frozenset(selection.properties)
        self.key = selection.replication_key or self.options.replication_key
        self.shaper = RecordShaper(self.spec, selection, self.key, self.options.include)
        query = Query(self.spec, self.options)
        self.lists = ListReader(self.spec, client, query, self.shaper, smaller_pages=False)
        self.client = client
        self.queue = queue

    async def pages(self, max_parents: int = 1) -> AsyncIterator[SampledPage]:
        """Yield pages, those of the first parents in turn for a child stream.

        Raises:
            ApiError: A page could not be read.
            Recovery: The API does not accept the request.
        """
        for parent in await self._parents(max_parents):
            async for answer in self.lists.pages(Slice(Kind.ROWS, parent=parent)):
                shaped = self.shaper.shape_page(answer.page, self.client.shop.name, parent)
                yield SampledPage(shaped, parent, answer.next_cursor is None, answer.requested_at)

    async def _parents(self, max_parents: int) -> list[str | None]:
        if not self.spec.parent:
            return [None]
        async for answer in self.lists.pages(Slice(Kind.PARENTS)):
            ids = [row_id(row) for row in answer.page.rows]
            found: list[str | None] = [one for one in ids if one is not None]
            return found[:max_parents]
        return []


class SampledShop(NamedTuple):
    """A shop whose streams can be sampled.

    Attributes:
        name: Its name.
        host: URL of its API.
        queue: Its requests.
        samplers: Its streams.
    """

    name: str
    host: str
    queue: HeaderQueue
    samplers: Sequence[StreamSampler]


async def open_shops(
    settings: Settings,
    selections: Sequence[StreamSelection],
    visit: Callable[[SampledShop], Awaitable[ResultT]],
) -> list[ResultT]:
    """Call a function for each shop, for some at the same time; return the results in order.

    Failed requests are not retried, because a person waits for the result.
    """
    session = Session(default_headers(settings.user_agent), settings.request_timeout_seconds)
    slots, turns = Slots(_MAX_REQUESTS, _HOLD_SECONDS), asyncio.Semaphore(_MAX_SHOPS)

    async def open_shop(shop: Shop) -> ResultT:
        async with turns:
            queue = HeaderQueue(RateLimiter(settings.rate_limit_share, settings.concurrency))
            client = Client(shop, session, queue, slots, max_retries=0)
            samplers = [StreamSampler(one, settings, client, queue) for one in selections]
            return await visit(SampledShop(shop.name, shop.api_url, queue, samplers))

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(open_shop(shop)) for shop in settings.shops]
    finally:
        await session.close()
    return [task.result() for task in tasks]


async def visit_streams(
    shop: SampledShop, visit: Callable[[StreamSampler], Coroutine[Any, Any, None]]
) -> ApiError | None:
    """Visit all streams of a shop at the same time; return the error that ended this early, or None.

    Args:
        shop: The shop.
        visit: Visits one stream; raises the errors for which `HeaderQueue.ends_with` returns True.
    """
    ended: ApiError | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for sampler in shop.samplers:
                group.create_task(visit(sampler))
    except* ApiError as errors:
        ended = next(one for one in errors.exceptions if isinstance(one, ApiError))
    return ended
