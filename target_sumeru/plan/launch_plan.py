"""Plans the launches of one shop, and checks them again just before the first one."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from sumeru_api.errors import ApiError
from target_sumeru.config.streams import REQUESTED_AT, STREAMS
from target_sumeru.input.rows import key_columns, key_of, key_values
from target_sumeru.ledger import DONE
from target_sumeru.plan.decisions import Reject, Unchanged, Write
from target_sumeru.plan.items import Group, Item, Operation, Status
from target_sumeru.plan.launches import Campaign, decide_launch, over_limit
from target_sumeru.plan.merge import merged
from target_sumeru.plan.turns import with_turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from target_sumeru.config.settings import LaunchLimits
    from target_sumeru.input.spool import SpooledRow
    from target_sumeru.ledger import Ledger
    from target_sumeru.plan.decisions import Decision
    from target_sumeru.plan.planner import Lists

LAUNCHES = STREAMS["campaign_launches"]
_CAMPAIGNS = "campaigns"
_ID = ("id",)
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_NOT_REACHED = (Status.REJECTED, Status.HELD, Status.UNKNOWN)


class LaunchPlanner:
    """Plans the launches of one shop.

    Args:
        shop: Name of the shop.
        ledger: The ledger; it is only read.
        lists: The lists of the shop.
        campaigns: What is planned for the campaigns of the shop, None if nothing is.
    """

    def __init__(self, shop: str, ledger: Ledger, lists: Lists, campaigns: Group | None) -> None:
        self._shop = shop
        self._ledger = ledger
        self._lists = lists
        self._planned = {item.key: item for item in campaigns.items} if campaigns else {}
        self._group = Group(LAUNCHES.name, shop)
        self._seen: set[str] = set()

    async def plan(self, rows: Iterable[SpooledRow]) -> Group:
        """Return the plan of the launches."""
        group = self._group
        scope = self._ledger.row_hash(LAUNCHES.name, self._shop, "")
        open_rows: list[tuple[Item, SpooledRow]] = []
        async for row in with_turns(merged(rows)):
            group.rows += 1
            api_id = self._campaign_id(row.key)
            key = key_of(_ID, (api_id,)) or row.key
            hashed = self._ledger.row_hash(LAUNCHES.name, self._shop, key)
            content = self._ledger.content_hash(row.body)
            place = (LAUNCHES.name, self._shop, key, row.first_line, row.line, hashed, scope)
            item = Item(*place, Operation.LAUNCH, content=content, api_id=api_id)
            entry = self._ledger.entry(hashed)
            if row.reason:
                item.settle(Status.REJECTED, row.reason, row.column)
                group.items.append(item)
            elif entry is not None and entry.status == DONE:
                group.unchanged += 1
            else:
                open_rows.append((item, row))
        if open_rows:
            await self._decide(open_rows)
        return group

    async def _decide(self, rows: list[tuple[Item, SpooledRow]]) -> None:
        try:
            campaigns = await read_campaigns(self._lists)
        except ApiError as error:
            self._group.error = error
            for item, _ in rows:
                item.settle(Status.HELD, "list_unreadable")
                self._group.items.append(item)
            return
        async for item, row in with_turns(rows):
            self._take(item, row, campaigns)

    def _take(self, item: Item, row: SpooledRow, campaigns: Mapping[str, Campaign]) -> None:
        group = self._group
        planned = self._planned.get(row.key)
        if item.api_id and item.api_id in self._seen:
            item.settle(Status.REJECTED, "ambiguous")  # two rows for one campaign: one launch
        elif planned is not None and planned.status in _NOT_REACHED:
            item.settle(Status.HELD, "dependency")
        else:
            pending = planned is not None and planned.operation is Operation.CREATE
            campaign = campaigns.get(item.api_id)
            self._seen.add(item.api_id)
            requested_at = _decode(row.body).get(REQUESTED_AT)
            item.attributes = {REQUESTED_AT: requested_at}
            entry = self._ledger.entry(item.row)
            decision = decide_launch(requested_at, entry, campaign, self._lists.now(), pending=pending)
            if isinstance(decision, Unchanged):
                group.unchanged += 1
                return
            apply_decision(item, decision)
            if campaign is not None:
                item.name, item.audience = campaign.name, campaign.audience
            elif planned is not None and pending:
                item.name = f"{planned.attributes['name']} (created first)"
        group.writes += item.writes
        group.items.append(item)

    def _campaign_id(self, key: str) -> str:
        """Return the id of the campaign of a row, empty if it is not known yet."""
        if key_columns(key) == _ID:
            return key_values(key)[0]
        planned = self._planned.get(key)
        return (planned.api_id if planned else "") or created_campaign(self._ledger, self._shop, key)


async def read_campaigns(lists: Lists) -> dict[str, Campaign]:
    """Return the campaigns of a shop by id; raises `ApiError`.

    Of one that is listed twice, what keeps it from being launched counts.
    """
    campaigns: dict[str, Campaign] = {}
    async for page in lists.pages(LAUNCHES):
        for current in page:
            known = campaigns.get(current.api_id)
            if current.api_id and (known is None or known.can_be_launched):
                campaigns[current.api_id] = Campaign.of(current)
    return campaigns


def created_campaign(ledger: Ledger, shop: str, key: str) -> str:
    """Return the id of a campaign that the target has created, empty if it has not."""
    entry = ledger.entry(ledger.row_hash(_CAMPAIGNS, shop, key))
    return entry.api_id if entry else ""


def identify(item: Item, api_id: str, ledger: Ledger) -> None:
    """Name a launch by the id of its campaign: however a row names the campaign, it is launched once."""
    item.api_id = api_id
    item.key = key_of(_ID, (api_id,)) or item.key
    item.row = ledger.row_hash(LAUNCHES.name, item.shop, item.key)


def apply_decision(item: Item, decision: Decision) -> None:
    """Set in a launch what was decided about it."""
    if isinstance(decision, Reject):
        unknown = decision.reason == "outcome_unknown"
        item.settle(Status.UNKNOWN if unknown else Status.REJECTED, decision.reason, decision.column)
    elif isinstance(decision, Write):
        item.operation, item.api_id = decision.operation, decision.api_id
        item.generation, item.sent_before = decision.generation, decision.sent_before
    elif isinstance(decision, Unchanged):
        item.operation = Operation.ADOPT  # it was launched before


def refuse_over_limit(items: Iterable[Item], limits: LaunchLimits | None, *, planning: bool) -> None:
    """Reject all launches of a run if together they exceed its limits.

    Args:
        items: The launches of all shops.
        limits: What the run may launch.
        planning: Whether the audience of a campaign may still be unknown, because it is created first.
    """
    launches = [item for item in items if item.writes]
    sizes = [0 if planning and not item.api_id else item.audience for item in launches]
    reason = over_limit(sizes, limits)
    if reason:
        for item in launches:
            item.settle(Status.REJECTED, reason)
