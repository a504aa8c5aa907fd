"""Promise 2, exact: rows with missing, duplicate or conflicting members lose no value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from support.synced_orders import json_text, texts

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.synced_orders import Json, Texts
    from support.tap_cli import Tap


def _orders(tap: Tap, sandbox: Sandbox, *kinds: str) -> tuple[list[Texts], list[Json]]:
    """All orders, spoilt, and what they are in truth."""
    sandbox.configure({"orders": {"rows": [{"kind": kind} for kind in kinds]}})
    output = tap.sync(streams=("orders",))
    assert output.code == 0, output.log
    messages = map(texts, output.lines)
    return [texts(one["record"]) for one in messages if "record" in one], sandbox.truth("acme", "orders")


def test_what_a_row_calls_itself_is_kept_beside_what_the_tap_calls_it(tap: Tap, sandbox: Sandbox) -> None:
    records, _ = _orders(tap, sandbox, "shadow")
    for record in records:
        assert bytes(record["shop"]) == b'"acme"'
        assert msgspec.json.decode(record["id"]).startswith("ord_")
        extra = {"shop": "another", "extra": {"shadow": True}, "relationships": "none", "id": "shadow_1"}
        assert msgspec.json.decode(record["extra"]) == extra


def test_rows_without_ids_all_land_each_under_an_id_of_its_own(tap: Tap, sandbox: Sandbox) -> None:
    records, truth = _orders(tap, sandbox, "missing_id")
    assert len({bytes(record["id"]) for record in records}) == len(records) == len(truth)
    by_number = {bytes(record["order_number"]): record for record in records}
    for one in truth:
        record = by_number[json_text(one["order_number"])]
        for name in set(one) - {"id"}:
            assert bytes(record[name]) == json_text(one[name])


def test_of_an_attribute_that_is_said_twice_the_last_holds(tap: Tap, sandbox: Sandbox) -> None:
    records, truth = _orders(tap, sandbox, "duplicate_key")
    assert {bytes(one["order_number"]) for one in records} == {
        json_text(one["order_number"]) for one in truth
    }
