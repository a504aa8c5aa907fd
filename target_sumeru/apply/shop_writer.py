"""Writes the planned rows of one shop, stream by stream, several requests at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError
from target_sumeru.apply.bulk import read_back, write_bulk
from target_sumeru.apply.single import SingleWrites
from target_sumeru.config.streams import STREAMS, Updates
from target_sumeru.errors import Stopped
from target_sumeru.plan.items import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from target_sumeru.apply.outcomes import Outcome
    from target_sumeru.apply.results import Results
    from target_sumeru.apply.shop_api import ShopApi
    from target_sumeru.config.settings import Settings
    from target_sumeru.ledger import Ledger
    from target_sumeru.plan.items import Item


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
        stream_errors: Why streams cannot be written, such as a missing scope.
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
        """Settle the rows of bulk writes of which no answer says what has become: one list tells of all."""
        items, self._unanswered = self._unanswered, []
        if not items:
            return
        stream = STREAMS[items[0].stream]
        try:
            await read_back(self.api, stream, items, self._done)
        except Stopped:
            return
        except ApiError as error:
            self._failed(stream.name, error)

    def _goes_on(self) -> bool:
        return self.error is None and not self._stopped()

    def failed(self, item: Item) -> bool:
        """Return whether the shop or the stream of a row cannot be written."""
        return self.error is not None or item.stream in self.stream_errors

    async def _work(self, waiting: deque[Item]) -> None:
        while waiting and self._goes_on():
            item = waiting.popleft()
            if self.failed(item):
                continue
            try:
                await self._write(item, waiting)
            except Stopped:
                return
            except ApiError as error:
                self._failed(item.stream, error)

    def _failed(self, stream: str, error: ApiError) -> None:
        if error.affects_shop:
            self.error = self.error or error
        else:
            self.stream_errors.setdefault(stream, error)

    async def _write(self, item: Item, waiting: deque[Item]) -> None:
        stream = STREAMS[item.stream]
        if stream.updates is Updates.BULK and item.operation is Operation.UPDATE:
            batch = [item, *(waiting.popleft() for _ in range(min(self._room(), len(waiting))))]
            left = await write_bulk(self.api, stream, batch, self._done, self._goes_on)
            self._unanswered.extend(left)
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
