"""A run that is stopped anywhere: what may have been written is `unknown`, what was not sent is `held`."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sumeru_api.session import TransportError
from sumeru_api.slots import Slots
from support.client_setup import ClientSetup
from support.fake_session import FakeSession, Outcome, SentRequest, response
from support.target_factories import settings as target_settings
from support.virtual_clock import now, run_virtual
from target_sumeru.apply.applier import Applier
from target_sumeru.apply.report import Report
from target_sumeru.apply.results import RejectionLimit, Results
from target_sumeru.apply.shop_api import ShopApi
from target_sumeru.apply.state_release import StateRelease
from target_sumeru.errors import Stopped
from target_sumeru.ledger import SENT, Ledger
from target_sumeru.plan.items import Group, Item, Operation, Status

ROWS = 12
CUT = TransportError("the answer was cut short")
REFUSED_CONNECTION = TransportError("the connection was refused")
REFUSED_CONNECTION.sent = False
APPLIED = "applied"
OUTCOMES: list[Any] = [APPLIED, APPLIED, CUT, REFUSED_CONNECTION, response(429), response(500)]
MAY_BE_APPLIED = (CUT, OUTCOMES[-1])


class Shop:
    """A shop that answers writes from a script.

    Args:
        outcomes: What happens to the requests, in turn; after the last one, they are applied.
        latency: Seconds of each request.

    Attributes:
        session: Sends the requests.
        met: What has happened to the requests of each row so far.
    """

    def __init__(self, outcomes: list[Any], latency: float) -> None:
        self._outcomes = list(outcomes)
        self.session = FakeSession(self._outcome, lambda: latency)
        self.met: defaultdict[str, list[Any]] = defaultdict(list)

    def _outcome(self, request: SentRequest) -> Outcome:
        outcome: Any = self._outcomes.pop(0) if self._outcomes else APPLIED
        rows = rows_of(request)
        for row in rows:
            self.met[row].append(outcome)
        if isinstance(outcome, Outcome):
            return outcome
        data: list[dict[str, Any]] = [{"id": row, "attributes": {}} for row in rows]
        bulk = request.url.endswith("/inventory")
        return response(200, {"data": data if bulk else data[0]})

    def expected(self, row: str) -> Status:
        """Return what must be reported about a row."""
        met = self.met[row]
        if met[-1:] == [APPLIED]:
            return Status.WRITTEN
        in_flight = sum(row in rows_of(request) for request in self.session.sent) > len(met)
        doubtful = in_flight or any(one in MAY_BE_APPLIED for one in met)
        return Status.UNKNOWN if doubtful else Status.HELD


def rows_of(request: SentRequest) -> list[str]:
    """Return the rows of a write: by id, or by name if they are created."""
    content = json.loads(request.body) if request.body else {}
    data = content.get("data")
    if isinstance(data, list):
        return [one["id"] for one in data]
    return [content["name"]] if "name" in content else [request.url.split("/")[6]]


def planned(stream: str) -> list[Item]:
    operation, attributes = Operation.UPDATE, {"available": 1} if stream == "inventory" else {"tags": ["a"]}
    operation = Operation.CREATE if stream == "campaigns" else operation
    items = []
    for i in range(ROWS):
        name = f"row{i}"
        place = (stream, "acme", f"id\x1f{name}", i, i, name.encode(), b"scope", operation)
        content = {"name": name, "audience_id": "seg"} if stream == "campaigns" else attributes
        api_id = "" if stream == "campaigns" else name
        items.append(Item(*place, attributes=content, content=b"c", api_id=api_id))
    return items


def run(items: list[Item], shop: Shop, ledger: Ledger, stop_at: float, grace: float) -> Results:
    """Write rows until a signal comes; what is in flight then has some seconds."""

    async def main() -> Results:
        async def gate() -> None:
            if now() >= stop_at:
                raise Stopped

        slots = Slots(256, 1.0, gate)
        api = ShopApi(ClientSetup(shop.session, slots=slots, concurrency=3, max_retries=2).client)
        release = StateRelease([], [])
        results = Results(release, Report("", ""), RejectionLimit(1.0), lambda _: None, hold_rejected=True)
        group = Group(items[0].stream, "acme", items=items)
        options = target_settings(concurrency=3, batch_size=5)
        applier = Applier([group], {"acme": api}, ledger, results, options, lambda: now() >= stop_at)
        task = asyncio.create_task(applier.run())
        await asyncio.wait([task], timeout=stop_at + grace)
        task.cancel()
        await asyncio.wait([task])
        applier.hold_rest()
        return results

    return run_virtual(main())


@pytest.mark.parametrize("stream", ["customers", "inventory", "campaigns"])
@settings(max_examples=150)
@given(
    outcomes=st.lists(st.sampled_from(OUTCOMES), max_size=12),
    latency=st.sampled_from([0.0, 0.3, 5.0]),
    stop_at=st.floats(0.0, 12.0),
    grace=st.sampled_from([0.0, 1.0, 15.0]),
)
def test_a_stop_leaves_no_write_that_went_out_without_its_doubt(
    stream: str, outcomes: list[Any], latency: float, stop_at: float, grace: float
) -> None:
    items, shop, ledger = planned(stream), Shop(outcomes, latency), Ledger()
    results = run(items, shop, ledger, stop_at, grace)
    names = [item.attributes.get("name") or item.api_id for item in items]
    assert {name: item.status for name, item in zip(names, items, strict=True)} == {
        name: shop.expected(name) for name in names
    }
    assert results.counts[stream].total() == ROWS
    for item in items:
        if item.status is Status.UNKNOWN and stream == "campaigns":
            entry = ledger.entry(item.row)
            assert entry is not None
            assert (entry.status, entry.generation) == (SENT, 0)  # so the next run repeats it with its key
