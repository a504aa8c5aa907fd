"""A run stops before a write if a limit is exceeded, or soon if too much is rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.target_cli import state, stream_of

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.target_cli import Json, Target


def customers(sandbox: Sandbox, number: int = 100) -> list[Json]:
    return [{"id": row["id"], "tags": ["new"]} for row in sandbox.truth("acme", "customers")[:number]]


def writes(sandbox: Sandbox) -> int:
    return sum(number for method, number in sandbox.stats()["methods"].items() if method != "GET")


@pytest.mark.parametrize(
    ("limit", "value"), [("max_writes", 9), ("max_changed_share", 0.05), ("max_changed_share", "0.05")]
)
def test_a_plan_over_a_limit_writes_nothing(
    sandbox: Sandbox, target: Target, limit: str, value: object
) -> None:
    output = target.write("customers", customers(sandbox, 10), **{limit: value})
    assert (output.code, output.states, writes(sandbox)) == (3, [], 0)
    assert output.errors[-1].startswith(limit)
    assert output.errors[-1].endswith("Nothing was written.")


@pytest.mark.parametrize(("limit", "value"), [("max_writes", 10), ("max_changed_share", 1)])
def test_a_plan_within_a_limit_is_written(
    sandbox: Sandbox, target: Target, limit: str, value: object
) -> None:
    output = target.write("customers", customers(sandbox, 10), **{limit: value})
    assert (output.code, output.states) == (0, [{"done": True}])
    assert sum(row["tags"] == ["new"] for row in sandbox.truth("acme", "customers")) == 10


def test_only_changed_rows_count(sandbox: Sandbox, target: Target) -> None:
    assert target.write("customers", customers(sandbox, 50)).code == 0
    output = target.write("customers", customers(sandbox, 55), max_writes=5, max_changed_share=0.1)
    assert (output.code, output.statuses("customers")) == (0, ["written"] * 5)


@pytest.mark.parametrize("stream", ["customers", "inventory"])
def test_a_run_stops_when_every_row_is_rejected(target: Target, stream: str) -> None:
    rows = [
        {"id": f"none_{i}", **({"tags": []} if stream == "customers" else {"available": i})}
        for i in range(300)
    ]
    output = target.write(stream, rows)
    assert (output.code, output.states) == (1, [])
    assert 20 <= output.statuses(stream).count("rejected") <= 40
    assert output.statuses(stream).count("held") >= 260
    assert "max_rejected_share" in output.errors[-1]


def test_a_run_goes_on_while_few_rows_are_rejected(sandbox: Sandbox, target: Target) -> None:
    rows = customers(sandbox, 100)
    rows[5]["id"] = rows[6]["id"] + "x"
    output = target.write("customers", rows)
    assert (output.code, output.statuses("customers").count("written")) == (1, 99)


@pytest.mark.parametrize("how", ["--plan", "mode"])
def test_a_plan_writes_nothing_and_releases_no_state(sandbox: Sandbox, target: Target, how: str) -> None:
    product = sandbox.truth("acme", "products")[0]["id"]
    messages = [
        *stream_of("customers", [*customers(sandbox, 3), {"id": "cus_1", "tags": "no list"}]),
        *stream_of("products", [{"external_id": "a", "title": "New"}, {"id": product, "title": "Newer"}]),
        *stream_of("campaigns", [{"external_id": "c", "name": "New", "audience_id": "seg"}]),
        state(1),
    ]
    output = target.run(messages, "--plan") if how == "--plan" else target.run(messages, mode="plan")
    assert (output.code, writes(sandbox)) == (1, 0)
    assert not target.ledger.exists()
    planned = {
        (one["stream"], one["operation"], one["key"]) for one in output.report if one["status"] == "planned"
    }
    assert len(planned) == 6
    assert ("customers: 4 rows" in output.stdout) == (how == "--plan")
    assert how == "--plan" or output.stdout == ""


def test_no_setting_makes_a_plan_write(sandbox: Sandbox, target: Target) -> None:
    environment = {"TARGET_SUMERU_MODE": "apply"}
    messages = [*stream_of("customers", customers(sandbox, 3)), state(1)]
    output = target.run(messages, "--config=ENV", "--plan", environment=environment, mode="apply")
    assert (output.code, writes(sandbox)) == (0, 0)
    assert output.statuses("customers") == ["planned"] * 3


def test_what_is_planned_is_what_is_then_written(sandbox: Sandbox, target: Target) -> None:
    stock = sandbox.truth("acme", "inventory")
    messages = [
        *stream_of("customers", customers(sandbox, 10)),
        *stream_of("inventory", [{"id": row["id"], "available": 7} for row in stock]),
        *stream_of("products", [{"external_id": "a", "title": "New"}]),
        *stream_of("journeys", [{"external_id": "j", "name": "New"}]),
        state(1),
    ]
    target.write("customers", customers(sandbox, 4))  # makes the ledger, so that the keys are the same
    planned = target.run(messages, "--plan").report
    output = target.run(messages)
    assert output.code == 0, output.log
    place = ("stream", "key", "operation", "line", "fields")
    assert sorted(([one[name] for name in place] for one in planned), key=str) == sorted(
        ([one[name] for name in place] for one in output.report), key=str
    )
    assert {one["status"] for one in planned} == {"planned"}
    assert {one["status"] for one in output.report} == {"written"}
    assert target.run(messages, "--plan").report == []


@pytest.mark.parametrize("how", ["--plan", "mode"])
def test_a_plan_says_why_rows_cannot_be_written_as_a_run_does(target: Target, how: str) -> None:
    messages = [
        *stream_of("customers", [{"id": "cus_1", "tags": "no list"}, {"id": "cus_none", "add_tags": ["a"]}]),
        *stream_of("campaigns", [{"external_id": "c", "name": "New"}]),
        *stream_of("campaign_launches", [{"external_id": "none", "requested_at": "2020-01-01T00:00:00Z"}]),
    ]
    planned = target.run(messages, "--plan") if how == "--plan" else target.run(messages, mode="plan")
    assert (planned.code, set(planned.errors)) == (1, set(target.run(messages).errors))
    assert "customers: 1 row not written (wrong_type): a value has another type than its column." in (
        planned.errors
    )
    assert len(planned.errors) == 4


def test_a_run_that_stops_does_not_wait_for_the_rate_limit_of_another_shop(
    shops: Sandbox, targets: Target
) -> None:
    refused = {"kind": "status", "status": 429, "retry_after": 600, "on": "writes"}
    shops.configure({"globex/customers": {"faults": [refused]}, "acme/customers": {"latency_ms": 100}})
    waiting = [
        {"shop": "globex", "id": row["id"], "tags": []} for row in shops.truth("globex", "customers")[:3]
    ]
    unknown = [{"shop": "acme", "id": f"none_{i}", "tags": []} for i in range(100)]
    process = targets.start(stream_of("customers", [*waiting, *unknown]))
    _, log = process.communicate(timeout=60)
    statuses = [one["status"] for one in targets.report() if one["shop"] == "globex"]
    assert (process.returncode, statuses) == (1, ["held"] * 3), log
    assert "max_rejected_share" in log


def test_a_plan_does_not_touch_the_ledger(sandbox: Sandbox, target: Target) -> None:
    assert target.write("customers", customers(sandbox, 3)).code == 0
    before = target.ledger.read_bytes()
    output = target.write("customers", customers(sandbox, 6), "--plan", api_token=sandbox.token("acme"))
    assert (output.code, output.statuses("customers")) == (0, ["planned"] * 3), output.log
    assert target.ledger.read_bytes() == before
