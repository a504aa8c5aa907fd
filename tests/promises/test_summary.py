"""The summary at the end of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Tap


def test_the_summary_lists_streams_then_totals_then_failures(many: Tap, shops: Sandbox) -> None:
    shops.configure({"globex/orders": {"faults": [{"kind": "status", "status": 403}]}})
    output = many.sync(streams=("campaigns", "orders"))
    log = [line.split(" | ")[-1].strip() for line in output.log.splitlines()]
    orders = 2 * shops.counts()["acme"]["orders"]
    start = log.index("campaigns: 30 records; date filter proven.")
    assert log[start + 1] == f"orders: {orders} records; incomplete in 1 of 3 shops; date filter proven."
    assert log[start + 2].startswith("Not selected: customers, attribution, journeys")
    requests = shops.stats()["requests"]
    assert log[start + 3].startswith(f"Sync incomplete: {30 + orders} records, {requests} requests, ")
    assert log[start + 3].endswith(" s; 5 of 6 streams complete in 3 shops; 1 failure.")
    assert log[start + 4].startswith("Shop globex: orders failed: 403")
    assert len(log) == start + 5


def test_the_summary_states_the_time_spent_on_the_rate_limit(tap: Tap, sandbox: Sandbox) -> None:
    fault = {"kind": "status", "status": 429, "retry_after": 1, "times": 1}
    sandbox.configure({"usage": {"faults": [fault]}})
    output = tap.sync(streams=("usage",))
    assert output.code == 0
    assert "1 of 1 streams complete; waited " in output.last_line
    assert output.last_line.endswith(" s for the rate limit, which refused 1 request.")
