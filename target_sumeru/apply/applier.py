"""Carries out a plan in all shops: the order of the streams, the launches at the end, and how it stops."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError
from target_sumeru.apply.shop_writer import ShopWriter
from target_sumeru.config.streams import PHASES
from target_sumeru.errors import Stopped
from target_sumeru.plan.items import Operation, Status
from target_sumeru.plan.launch_plan import (
    apply_decision,
    created_campaign,
    identify,
    read_campaigns,
    refuse_over_limit,
)
from target_sumeru.plan.launches import decide_launch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_sumeru.apply.results import Results
    from target_sumeru.apply.shop_api import ShopApi
    from target_sumeru.config.settings import Settings
    from target_sumeru.ledger import Ledger
    from target_sumeru.plan.items import Group, Item

_LAUNCHES = "campaign_launches"
_NOT_REACHED = (Status.REJECTED, Status.HELD, Status.UNKNOWN)


class Applier:
    """Writes what was planned.

    Args:
        groups: The plan.
        apis: The API of each shop, by name.
        ledger: The ledger.
        results: What became of the rows.
        settings: The settings.
        stopped: Returns whether no further write may start, because of a signal.

    Attributes:
        writers: The writer of each shop, by name.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        apis: Mapping[str, ShopApi],
        ledger: Ledger,
        results: Results,
        settings: Settings,
        stopped: Callable[[], bool],
    ) -> None:
        self._groups = groups
        self._ledger = ledger
        self._results = results
        self._settings = settings
        self._signalled = stopped
        self.writers = {
            name: ShopWriter(api, ledger, results, settings, self.stopped) for name, api in apis.items()
        }

    def stopped(self) -> bool:
        """Return whether no further write may start."""
        return self._signalled() or self._results.limit.exceeded

    async def run(self) -> None:
        """Write all planned rows; `hold_rest` then settles those that were not reached."""
        planned = [item for group in self._groups for item in group.items if item.status is Status.PLANNED]
        self._ledger.invalidate(
            (item.row, item.by_id) for item in planned if item.operation is Operation.UPDATE
        )
        async with asyncio.TaskGroup() as tasks:
            for writer in self.writers.values():
                tasks.create_task(self._write_shop(writer, planned))
        await self._launch([item for item in planned if item.stream == _LAUNCHES])

    def hold_rest(self) -> None:
        """Settle the rows that have no outcome, because the run or their shop has stopped."""
        for item in (one for group in self._groups for one in group.items):
            if item.status is not Status.PLANNED:
                continue
            if item.doubt.exists:
                item.settle(Status.UNKNOWN, "outcome_unknown")
            else:
                writer = self.writers.get(item.shop)
                failed = writer is not None and writer.failed(item)
                item.settle(Status.HELD, "failed" if failed else "stopped")
            self._results.add(item)

    async def _write_shop(self, writer: ShopWriter, planned: Sequence[Item]) -> None:
        of_shop = [item for item in planned if item.shop == writer.api.name]
        for phase in PHASES:
            if _LAUNCHES not in phase:
                await writer.write([item for item in of_shop if item.stream in phase])

    async def _launch(self, launches: list[Item]) -> None:
        """Launch campaigns, after all conditions have been checked once more with what the shops say now."""
        if not launches or self.stopped():
            return
        checked: list[Item] = []
        for writer in self.writers.values():
            of_shop = [item for item in launches if item.shop == writer.api.name]
            if of_shop and writer.error is None:
                checked += await self._check(writer, of_shop)
        refuse_over_limit(checked, self._settings.launch, planning=False)
        for item in checked:
            if item.status is not Status.PLANNED:
                self._results.add(item)
        async with asyncio.TaskGroup() as tasks:
            for writer in self.writers.values():
                ready = [
                    one for one in checked if one.shop == writer.api.name and one.status is Status.PLANNED
                ]
                tasks.create_task(writer.write(ready))

    async def _check(self, writer: ShopWriter, launches: list[Item]) -> list[Item]:
        """Return the launches of a shop, each with what is decided about it now."""
        try:
            campaigns = await read_campaigns(writer.api)
        except Stopped:
            return []
        except ApiError as error:
            writer.fail(_LAUNCHES, error)
            return []
        created = {item.key: item for group in self._groups for item in group.items if _is_of(item, writer)}
        seen: set[str] = set()
        for item in launches:
            campaign_item = created.get(item.key)
            if campaign_item is not None and campaign_item.status in (*_NOT_REACHED, Status.PLANNED):
                item.settle(Status.HELD, "dependency")
                continue
            if not item.api_id:
                identify(item, created_campaign(self._ledger, item.shop, item.key), self._ledger)
            if item.api_id and item.api_id in seen:
                item.settle(Status.REJECTED, "ambiguous")
                continue
            seen.add(item.api_id)
            entry = self._ledger.entry(item.row)
            campaign = campaigns.get(item.api_id)
            item.audience = campaign.audience if campaign else None
            requested_at = item.attributes.get("requested_at")
            apply_decision(item, decide_launch(requested_at, entry, campaign, writer.api.now()))
        return launches


def _is_of(item: Item, writer: ShopWriter) -> bool:
    return item.stream == "campaigns" and item.shop == writer.api.name
