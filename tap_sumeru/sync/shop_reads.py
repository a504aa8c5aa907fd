"""The reads of one shop: one task per stream, which fails alone unless the error affects the whole shop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError, UnexpectedResponse
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.sync.results import Failure, ReadDone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_sumeru.extract.parents import Listing
    from tap_sumeru.extract.read_progress import ReadProgress
    from tap_sumeru.extract.stream_reader import StreamReader


class ShopReads:
    """Reads all streams of a shop, side by side.

    Args:
        shop: Name of the shop.
        readers: The readers, by stream.
        put: Receives a `ReadDone` or a `Failure` for each stream.
    """

    def __init__(
        self, shop: str, readers: Mapping[str, StreamReader], put: Callable[[ReadDone | Failure], None]
    ) -> None:
        self._shop = shop
        self._readers = readers
        self._put = put
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._unfinished = dict.fromkeys(readers)
        self._listings = self._shared_listings()

    def _shared_listings(self) -> dict[str, asyncio.Future[Listing | ApiError]]:
        """Let a child stream use the ids that the read of its parent stream collects, if both are read."""
        parents = {STREAMS[name].parent for name in self._readers} & self._readers.keys()
        loop = asyncio.get_running_loop()
        return {name: loop.create_future() for name in parents if self._readers[name].collect_ids()}

    async def run(self) -> None:
        """Read all streams to their end; parents start first, since others wait for them."""
        async with asyncio.TaskGroup() as group:
            for name in sorted(self._readers, key=lambda name: name not in self._listings):
                self._tasks[name] = group.create_task(self._read(name))

    async def _read(self, name: str) -> None:
        reader = self._readers[name]
        try:
            await reader.read(await self._parents_of(name))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self._fail(name, UnexpectedResponse("a request was cancelled"))
        except ApiError as error:
            self._fail(name, error)
        except Exception as error:  # noqa: BLE001 - an unexpected error must not stop the other streams
            self._fail(name, UnexpectedResponse(f"a row cannot be read ({type(error).__name__})"))
        else:
            self._complete(name, reader)

    async def _parents_of(self, name: str) -> Listing | None:
        listing = self._listings.get(STREAMS[name].parent)
        if listing is None:
            return None
        result = await asyncio.shield(listing)
        if isinstance(result, ApiError):
            raise self._readers[name].parents.failed(result)
        return result

    def _complete(self, name: str, reader: StreamReader) -> None:
        if name not in self._unfinished:
            return  # given up in the same moment
        del self._unfinished[name]
        whole, short = not reader.parents.missing, reader.parents.short
        self._put(ReadDone(name, self._shop, reader.trust.known, whole=whole, short=short))
        self._settle(name, reader.listing._replace(short=True) if short else reader.listing)

    def _fail(self, name: str, error: ApiError) -> None:
        """Give up what a failure concerns: one stream, or all that the shop has not finished."""
        if name not in self._unfinished:
            return  # given up in the same moment, by a failure that is already reported
        # A copy without its traceback, whose frames would keep pages and readers until the end of the run.
        error = error.with_cause(error.cause)
        others = [one for one in self._unfinished if one != name] if error.affects_shop else []
        lost = (name, *others)
        self._put(Failure(self._shop, lost, len(lost) == len(self._readers) > 1, error))
        del self._unfinished[name]
        self._settle(name, error)
        for one in others:
            self.give_up(one, error)

    def reading(self) -> list[tuple[str, ReadProgress]]:
        """Return the streams that have not ended, and how far each has come. Any thread may ask."""
        return [(name, self._readers[name].progress) for name in list(self._unfinished)]

    def give_up(self, name: str, error: ApiError) -> None:
        """Stop reading a stream: its records cannot be written, or the shop cannot be read."""
        if name in self._unfinished:
            del self._unfinished[name]
            self._readers[name].give_up()
            self._tasks[name].cancel()
            self._settle(name, error)

    def close(self) -> None:
        """Stop all readers, even one whose task has lost its cancellation."""
        for reader in self._readers.values():
            reader.give_up()

    def _settle(self, name: str, result: Listing | ApiError) -> None:
        listing = self._listings.get(name)
        if listing is not None and not listing.done():
            listing.set_result(result)
