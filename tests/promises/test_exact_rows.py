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
    """Return the records of all orders with these faults, and the orders as the sandbox holds them."""
    sandbox.configure({"orders": {"rows": [{"kind": kind} for kind in kinds]}})
    output = tap.sync(streams=("orders",))
    assert output.code == 0, output.log
    messages = map(texts, output.lines)
    return [texts(one["record"]) for one in messages if "record" in one], sandbox.truth("acme", "orders")


def test_attributes_named_shop_id_and_extra_are_kept_in_extra(tap: Tap, sandbox: Sandbox) -> None:
    records, _ = _orders(tap, sandbox, "shadow")
    for record in records:
        assert bytes(record["shop"]) == b'"acme"'
        assert msgspec.json.decode(record["id"]).startswith("ord_")
        extra = {"shop": "another", "extra": {"shadow": True}, "relationships": "none", "id": "shadow_1"}
        assert msgspec.json.decode(record["extra"]) == extra


def test_rows_without_ids_get_unique_ids(tap: Tap, sandbox: Sandbox) -> None:
    records, truth = _orders(tap, sandbox, "missing_id")
    assert len({bytes(record["id"]) for record in records}) == len(records) == len(truth)
    by_number = {bytes(record["order_number"]): record for record in records}
    for one in truth:
        record = by_number[json_text(one["order_number"])]
        for name in set(one) - {"id"}:
            assert bytes(record[name]) == json_text(one[name])


def test_the_last_of_two_attributes_of_one_name_is_used(tap: Tap, sandbox: Sandbox) -> None:
    records, truth = _orders(tap, sandbox, "duplicate_key")
    assert {bytes(one["order_number"]) for one in records} == {
        json_text(one["order_number"]) for one in truth
    }
