"""The engine: reads the streams of all shops in one event loop, and hands their pages to the main thread.

A shop is a task group, a stream is a task, and so is each slice that is read beside the first: a failure ends
the tasks of its stream or shop and no others. The event loop has a thread of its own; the main thread writes
the pages in the order in which they were queued, so that a bookmark never overtakes its rows.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sumeru_api.client import Client
from sumeru_api.rate_limiter import RateLimiter
from sumeru_api.request_counts import RequestCounts
from sumeru_api.request_queue import Reason, RequestQueue, Wait
from sumeru_api.session import Session, default_headers
from sumeru_api.slots import Slots
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.extract.queries import fields_to_request
from tap_sumeru.extract.read_page import ReadPage
from tap_sumeru.extract.stream_reader import StreamReader
from tap_sumeru.records import RecordShaper
from tap_sumeru.state.bookmarks import Bookmark, outdated_by
from tap_sumeru.sync.handover import Handover, call_in
from tap_sumeru.sync.results import Failure, ReadDone
from tap_sumeru.sync.shop_reads import ShopReads

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from datetime import datetime

    from sumeru_api.errors import ApiError
    from sumeru_api.shop import Shop
    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.config.settings import Settings, StreamOptions
    from tap_sumeru.extract.read_progress import ReadProgress
    from tap_sumeru.state.bookmarks import Bookmarks

logger = logging.getLogger("tap-sumeru")

Item = ReadPage | ReadDone | Failure

_MAX_REQUESTS = 256
"""Requests in flight over all shops."""
_REQUEST_HOLD_SECONDS = 1.0
"""A request that waits longer than this for its response no longer counts towards `_MAX_REQUESTS`."""
_MAX_SHOPS = 32
"""Shops that start at the same time."""
_SHOP_HOLD_SECONDS = 0.2
"""After this time a shop no longer counts towards `_MAX_SHOPS`, so that slow shops delay nobody."""
_QUEUED_RECORDS_PER_SHOP = 400
"""Records that may wait to be written: a few pages."""
_MAX_QUEUED_RECORDS = 4_000
"""The same for all shops: as many pages as come in while a request waits for its response."""
_POLL_SECONDS = 0.2
_STOP_SECONDS = 1.0


class _End:
    """The last item: the event loop has ended."""


def _size(item: Item | _End) -> int:
    return 1 + len(item.records) if isinstance(item, ReadPage) else 1


def _log_unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an unhandled exception by its type: asyncio would print its text, which may hold a value."""
    logger.warning("Unhandled in the event loop: %s.", type(context.get("exception")).__name__)


class _StreamSetup:
    """What all shops share of one stream: the catalog's selection, the options, and the shaper."""

    def __init__(self, selection: StreamSelection, options: StreamOptions) -> None:
        self.spec = STREAMS[selection.name]
        self.full_table = selection.full_table
        deselected = set(selection.properties) - set(selection.columns)
        key = selection.replication_key or options.replication_key
        self.options = replace(options.without(deselected), replication_key=key)
        self.fields = fields_to_request(self.spec, selection, key, self.options.include)
        self.shaper = RecordShaper(self.spec, selection, key, self.options.include)

    def bookmark(self, bookmarks: Bookmarks, shop: Shop) -> Bookmark:
        """Return the bookmark of a shop, for its read to work on."""
        options = self.options
        entry = bookmarks.entry(self.spec.name, shop.name)
        return Bookmark(
            entry, options.replication_key, options.date_filter, options.fingerprint, shop.start_date
        )

    def outdated_by(self, bookmarks: Bookmarks, shop: Shop) -> str:
        """Return the option that makes the bookmark of a shop useless, empty if none does."""
        options = self.options
        entry = bookmarks.entry(self.spec.name, shop.name)
        return outdated_by(entry, options.replication_key, options.fingerprint, shop.start_date)


class Engine:
    """Reads streams of shops.

    Args:
        settings: The settings.
        selections: The streams to read.
        bookmarks: The bookmarks of the state; the engine only reads them.
        now: The present, by our clock.

    Attributes:
        queues: The request queue of each shop.
        counts: The requests of each stream.
    """

    def __init__(
        self, settings: Settings, selections: Sequence[StreamSelection], bookmarks: Bookmarks, now: datetime
    ) -> None:
        self._settings = settings
        self._bookmarks = bookmarks
        self._now = now
        self._streams = [_StreamSetup(one, settings.options[one.name]) for one in selections]
        self.queues = {shop.name: self._queue() for shop in settings.shops}
        self.counts = RequestCounts()
        queued = min(_QUEUED_RECORDS_PER_SHOP * len(settings.shops), _MAX_QUEUED_RECORDS)
        self._handover: Handover[Item | _End] = Handover(queued, _size)
        self._thread = threading.Thread(target=self._run, name="event-loop", daemon=True)
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: asyncio.Task[None] | None = None
        self._shops: dict[str, ShopReads] = {}
        self._crash: BaseException | None = None

    def _queue(self) -> RequestQueue:
        return RequestQueue(RateLimiter(self._settings.rate_limit_share, self._settings.concurrency))

    def outdated(self) -> Counter[tuple[str, str]]:
        """Return how many shops have a bookmark that an option makes useless, by stream and option."""
        count: Counter[tuple[str, str]] = Counter()
        end = self._settings.end_date
        for stream in self._streams:
            for shop in () if stream.full_table else self._settings.shops:
                option = stream.outdated_by(self._bookmarks, shop)
                if end is not None and stream.bookmark(self._bookmarks, shop).reaches(end):
                    option = "end_date"
                if option:
                    count[stream.spec.name, option] += 1
        return count

    # In any thread

    def reading(self) -> dict[str, list[ReadProgress]]:
        """Return how far the reads under way have come, by stream."""
        reading: dict[str, list[ReadProgress]] = defaultdict(list)
        for shop in list(self._shops.values()):
            for stream, progress in shop.reading():
                reading[stream].append(progress)
        return reading

    def waits(self, now: float) -> dict[str, Wait]:
        """Return, for each shop whose reads make no progress, what it waits for.

        Args:
            now: The time by the clock of the event loop.
        """
        waits = {shop: self.queues[shop].wait_at(now) for shop in list(self._shops)}
        timeout = self._settings.request_timeout_seconds
        return {
            shop: wait._replace(until=wait.since + timeout) if wait.reason is Reason.RESPONSE else wait
            for shop, wait in waits.items()
            if wait is not None
        }

    # In the main thread

    def items(self) -> Generator[Item | None, None, None]:
        """Yield pages and the ends of reads as they come, and None from time to time when nothing comes."""
        self._thread.start()
        self._started.wait()
        try:
            while True:
                item = self._handover.get(_POLL_SECONDS)
                if isinstance(item, _End):
                    break
                yield item
        finally:
            self.close()
        if self._crash is not None:
            raise self._crash

    def give_up(self, stream: str, shop: str, error: ApiError) -> None:
        """Stop reading a stream of a shop whose records cannot be written."""

        def give_up() -> None:
            reads = self._shops.get(shop)
            if reads is not None:
                reads.give_up(stream, error)

        if self._loop is not None:
            call_in(self._loop, give_up)

    def close(self) -> None:
        """Stop reading, and drop the requests that are under way."""
        if self._loop is not None and self._running is not None:
            call_in(self._loop, self._stop)
            self._thread.join(_STOP_SECONDS)

    # In the event loop

    def _run(self) -> None:
        try:
            asyncio.run(self._read_all())
        except asyncio.CancelledError:
            pass  # closed
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self._crash = error
        finally:
            self._started.set()
            self._handover.end(_End())

    def _stop(self) -> None:
        for reads in self._shops.values():
            reads.close()
        if self._running is not None:
            self._running.cancel()

    async def _read_all(self) -> None:
        self._loop, self._running = asyncio.get_running_loop(), asyncio.current_task()
        self._started.set()
        self._loop.set_exception_handler(_log_unhandled)
        session = Session(default_headers(self._settings.user_agent), self._settings.request_timeout_seconds)
        request_slots = Slots(_MAX_REQUESTS, _REQUEST_HOLD_SECONDS, self._handover.wait_to_start)
        shop_slots = Slots(_MAX_SHOPS, _SHOP_HOLD_SECONDS)
        try:
            async with asyncio.TaskGroup() as group:
                for shop in self._settings.shops:
                    queue = self.queues[shop.name]
                    retries = self._settings.max_retries
                    client = Client(shop, session, queue, request_slots, retries, self.counts)
                    group.create_task(self._read_shop(client, shop_slots))
        finally:
            await session.close()

    async def _read_shop(self, client: Client, shop_slots: Slots) -> None:
        slot = await shop_slots.acquire()
        try:
            readers = {stream.spec.name: self._reader(stream, client) for stream in self._streams}
            reads = self._shops[client.shop.name] = ShopReads(client.shop.name, readers, self._handover.put)
            await reads.run()
        finally:
            slot.release()
            self._shops.pop(client.shop.name, None)

    def _reader(self, stream: _StreamSetup, client: Client) -> StreamReader:
        return StreamReader(
            stream.spec,
            stream.options,
            client,
            stream.bookmark(self._bookmarks, client.shop),
            stream.shaper,
            self._handover,
            now=self._now,
            end_date=self._settings.end_date,
            fields=stream.fields,
            full_table=stream.full_table,
        )
