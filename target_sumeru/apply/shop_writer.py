"""Writes the planned rows of one shop, stream by stream, several requests at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError
from target_sumeru.apply.bulk import read_back, write_bulk
from target_sumeru.apply.outcomes import failed_outcome, unknown_outcome
from target_sumeru.apply.single import SingleWrites
from target_sumeru.config.streams import STREAMS, Updates
from target_sumeru.errors import Stopped
from target_sumeru.plan.items import Operation, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from target_sumeru.apply.outcomes import Outcome
    from target_sumeru.apply.results import Results
    from target_sumeru.apply.shop_api import ShopApi
    from target_sumeru.config.settings import Settings
    from target_sumeru.ledger import Ledger
    from target_sumeru.plan.items import Item

_NOT_OF_THE_ROW = (402, 403)
"""Statuses that say something about the token or the plan, so that each row of the stream gets them."""


class ShopWriter:
    """Writes the rows of one shop.

    Args:
        api: The API of the shop.
        ledger: The ledger.
        results: What became of the rows.
        settings: The settings.
        stopped: Returns whether no further write may start.

    Attributes:
        api: As above.
        error: Why the shop cannot be written, None if it can.
        stream_errors: Why streams, or rows of them, could not be written: the first error of each.
    """

    def __init__(
        self,
        api: ShopApi,
        ledger: Ledger,
        results: Results,
        settings: Settings,
        stopped: Callable[[], bool],
    ) -> None:
        self.api = api
        self.error: ApiError | None = None
        self.stream_errors: dict[str, ApiError] = {}
        self._closed: set[str] = set()  # streams that cannot be written
        self._single = SingleWrites(api, ledger)
        self._results = results
        self._settings = settings
        self._stopped = stopped
        self._unanswered: list[Item] = []

    async def write(self, items: Iterable[Item]) -> None:
        """Write rows of streams that do not depend on each other; what cannot be written stays planned."""
        waiting = deque(items)
        workers = [self._work(waiting) for _ in range(min(self._settings.concurrency, len(waiting)))]
        async with asyncio.TaskGroup() as group:
            for worker in workers:
                group.create_task(worker)
        await self._read_back()

    async def _read_back(self) -> None:
        """Settle the rows of bulk writes that no answer confirms: one list shows all of them."""
        items, self._unanswered = self._unanswered, []
        if not items or not self._goes_on():
            return  # their outcome stays unknown
        stream = STREAMS[items[0].stream]
        try:
            await read_back(self.api, stream, items, self._done)
        except Stopped:
            return
        except ApiError as error:
            self._failed(items, error)

    def _goes_on(self) -> bool:
        return self.error is None and not self._stopped()

    def failed(self, item: Item) -> bool:
        """Return whether the shop or the stream of a row cannot be written."""
        return self.error is not None or item.stream in self._closed

    def fail(self, stream: str, error: ApiError) -> None:
        """Record that a stream cannot be written, or the whole shop if the error says so."""
        if error.affects_shop:
            self.error = self.error or error
        else:
            self.stream_errors.setdefault(stream, error)
            self._closed.add(stream)

    async def _work(self, waiting: deque[Item]) -> None:
        while waiting and self._goes_on():
            item = waiting.popleft()
            if self.failed(item):
                continue
            batch = self._batch(item, waiting)
            try:
                await self._write(batch)
            except Stopped:
                return
            except ApiError as error:
                self._failed(batch, error)

    def _failed(self, items: Sequence[Item], error: ApiError) -> None:
        """Settle rows for which a request has failed; other rows may not be affected.

        An error that says nothing about these rows, such as a missing scope, ends the stream or the shop.
        """
        stream = items[0].stream
        if error.affects_shop or error.status in _NOT_OF_THE_ROW:
            self.fail(stream, error)
            return
        self.stream_errors.setdefault(stream, error)
        for item in items:
            if item.status is Status.PLANNED:
                self._answered(item, unknown_outcome(error) if item.doubt.exists else failed_outcome(error))

    def _batch(self, item: Item, waiting: deque[Item]) -> list[Item]:
        """Return the rows that are written together with a row."""
        if not _is_bulk(item):
            return [item]
        return [item, *(waiting.popleft() for _ in range(min(self._room(), len(waiting))))]

    async def _write(self, batch: list[Item]) -> None:
        item, stream = batch[0], STREAMS[batch[0].stream]
        if _is_bulk(item):
            self._unanswered.extend(await write_bulk(self.api, stream, batch, self._done, self._goes_on))
        else:
            self._answered(item, await self._single.write(stream, item))

    def _room(self) -> int:
        """Return how many more rows fit into a request: a larger one than the rate limit could never pass."""
        per_minute = self.api.client.queue.per_minute
        allowed = self._settings.batch_size if per_minute is None else max(1, int(per_minute))
        return min(self._settings.batch_size, allowed) - 1

    def _done(self, item: Item, outcome: Outcome) -> None:
        self._single.remember(item, outcome)
        self._answered(item, outcome)

    def _answered(self, item: Item, outcome: Outcome) -> None:
        if outcome.error is not None and outcome.error.affects_shop:
            self.error = self.error or outcome.error
        self._results.answered(item, outcome)


def _is_bulk(item: Item) -> bool:
    return STREAMS[item.stream].updates is Updates.BULK and item.operation is Operation.UPDATE
