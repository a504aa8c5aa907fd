"""Plans a whole run: all streams of all shops, the shops side by side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from target_sumeru.config.streams import STREAMS
from target_sumeru.plan.items import Group, Item, Status
from target_sumeru.plan.launch_plan import LAUNCHES, LaunchPlanner, refuse_over_limit
from target_sumeru.plan.planner import Planner
from target_sumeru.plan.turns import with_turns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_sumeru.config.settings import Settings
    from target_sumeru.input.spool import Spool
    from target_sumeru.ledger import Ledger
    from target_sumeru.plan.planner import Lists


async def plan_all(
    spool: Spool, lists: Mapping[str, Lists], ledger: Ledger, settings: Settings
) -> list[Group]:
    """Return the plan of a run, in the order of the streams.

    Args:
        spool: The rows.
        lists: The lists of each shop, by name.
        ledger: The ledger; it is only read.
        settings: The settings.
    """
    present = {(stream, shop) for stream, shop, _ in spool.groups()}
    groups = [await _without_shop(spool, stream, ledger) for stream in STREAMS if (stream, "") in present]

    async def plan_shop(shop: str) -> None:
        campaigns: Group | None = None
        for name, stream in STREAMS.items():
            if (name, shop) not in present:
                continue
            rows = spool.rows(name, shop)
            if stream is LAUNCHES:
                group = await LaunchPlanner(shop, ledger, lists[shop], campaigns).plan(rows)
            else:
                group = await Planner(stream, shop, ledger, settings, lists[shop]).plan(rows)
            campaigns = group if name == "campaigns" else campaigns
            groups.append(group)

    async with asyncio.TaskGroup() as tasks:
        for shop in lists:
            tasks.create_task(plan_shop(shop))
    launches = [group for group in groups if group.stream == LAUNCHES.name]
    refuse_over_limit([item for one in launches for item in one.items], settings.launch, planning=True)
    for group in launches:
        group.writes = sum(item.writes for item in group.items)
    order = list(STREAMS)
    return sorted(groups, key=lambda group: (order.index(group.stream), group.shop))


async def _without_shop(spool: Spool, stream: str, ledger: Ledger) -> Group:
    """Return the plan of the rows that name an unknown shop: all of them are rejected."""
    group = Group(stream, "")
    async for row in with_turns(spool.rows(stream, "")):
        group.rows += 1
        hashed = ledger.row_hash(stream, "", row.key)
        item = Item(stream, "", row.key, row.first_line, row.line, hashed, b"")
        item.settle(Status.REJECTED, row.reason, row.column)
        group.items.append(item)
    return group
