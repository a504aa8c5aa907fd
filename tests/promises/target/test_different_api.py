"""The API may differ from what is assumed: bulk writes, refusals, keys in progress, approvals, shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.target_cli import state, stream_of

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.target_cli import Json, Target


def stock(sandbox: Sandbox, number: int = 60) -> list[Json]:
    return [{"id": row["id"], "available": 4321} for row in sandbox.truth("acme", "inventory")[:number]]


def stocked(sandbox: Sandbox) -> set[str]:
    return {row["id"] for row in sandbox.truth("acme", "inventory") if row["available"] == 4321}


def made(sandbox: Sandbox, stream: str = "campaigns") -> int:
    column = "title" if stream == "products" else "name"
    return sum(str(row[column]).startswith("Made ") for row in sandbox.truth("acme", stream))


def rows_of(stream: str, number: int) -> list[Json]:
    extra: Json = {"audience_id": "seg"} if stream == "campaigns" else {}
    column = "title" if stream == "products" else "name"
    return [{"external_id": f"x{i}", column: f"Made {i}", **extra} for i in range(number)]


def test_a_bulk_write_that_is_applied_in_part_reports_the_rest(sandbox: Sandbox, target: Target) -> None:
    sandbox.configure({"inventory": {"bulk": "partial"}})
    rows = stock(sandbox)
    rows[3]["id"], rows[44]["id"] = "inv_none1", "inv_none2"
    output = target.write("inventory", rows)
    assert (output.code, output.statuses("inventory").count("rejected"), output.states) == (1, 2, []), (
        output.log
    )
    assert stocked(sandbox) == {row["id"] for row in rows if "none" not in row["id"]}


def test_a_bulk_write_of_too_many_rows_is_divided(sandbox: Sandbox, target: Target) -> None:
    sandbox.configure({"inventory": {"max_items": 10}})
    rows = stock(sandbox)
    output = target.write("inventory", rows)
    assert (output.code, output.states) == (0, [{"done": True}]), output.log
    assert stocked(sandbox) == {row["id"] for row in rows}


@pytest.mark.parametrize("stream", ["campaigns", "journeys", "products", "inventory"])
def test_a_write_that_is_applied_but_answered_with_500_happens_once(
    sandbox: Sandbox, target: Target, stream: str
) -> None:
    fault = {"kind": "status", "on": "writes", "applied": True, "every": 2, "times": 4}
    sandbox.configure({"*": {"faults": [fault]}})
    rows = stock(sandbox, 6) if stream == "inventory" else rows_of(stream, 6)
    output = target.write(stream, rows, max_retries=2, batch_size=2)
    assert (output.code, output.states) == (0, [{"done": True}]), output.log
    assert (len(stocked(sandbox)) if stream == "inventory" else made(sandbox, stream)) == 6


def test_a_key_that_is_in_progress_is_waited_for(sandbox: Sandbox, target: Target) -> None:
    sandbox.configure({"campaigns": {"write_ms": 700}})
    output = target.write("campaigns", rows_of("campaigns", 2), request_timeout_seconds=0.4, max_retries=5)
    assert (output.code, made(sandbox)) == (0, 2), output.log


@pytest.mark.parametrize("refusals", ["kept", "forgotten"])
def test_a_corrected_row_is_written_whether_refusals_are_kept_or_not(
    sandbox: Sandbox, target: Target, refusals: str
) -> None:
    sandbox.configure({"*": {"refusals": refusals}})
    (row,) = rows_of("products", 1)
    assert target.write("products", [{**row, "title": ""}]).code == 1
    assert (target.write("products", [row]).code, made(sandbox, "products")) == (0, 1)


def test_keys_that_the_api_ignores_make_no_second_row_where_the_name_is_unique(
    sandbox: Sandbox, target: Target
) -> None:
    sandbox.configure({"*": {"keys": "ignored"}, "campaigns": {"latency_ms": 50}})
    process = target.start([*stream_of("campaigns", rows_of("campaigns", 10)), state(1)], concurrency=1)
    while made(sandbox) < 4:
        assert process.poll() is None
    process.kill()
    process.communicate()
    sandbox.configure({"campaigns": {"latency_ms": None}})
    sandbox.advance(25 * 3600)
    assert target.write("campaigns", rows_of("campaigns", 10)).code == 0
    assert made(sandbox) == 10


@pytest.mark.parametrize("stream", ["products", "journeys"])
@pytest.mark.parametrize("form", ["flat", "wrapped"])
def test_the_body_of_a_creation_takes_the_form_that_the_api_accepts(
    sandbox: Sandbox, target: Target, stream: str, form: str
) -> None:
    """It is documented for campaigns only."""
    sandbox.configure({stream: {"create_body": form}})
    output = target.write(stream, rows_of(stream, 4))
    assert (output.code, output.states, made(sandbox, stream)) == (0, [{"done": True}], 4), output.log
    assert target.write(stream, rows_of(stream, 4)).statuses(stream) == []


def test_a_launch_that_needs_approval_is_asked_for_once(sandbox: Sandbox, target: Target) -> None:
    sandbox.configure({"campaigns": {"launch": "approval"}})
    values = {"name": "Sale", "status": "draft", "audience_size": 5, "launched_at": None}
    sandbox.put("acme", "campaigns", "cam_00000900", **values)
    rows = [{"id": "cam_00000900", "requested_at": sandbox.now().isoformat()}]
    limits = {"max_campaigns": 1, "max_recipients": 10}
    output = target.write("campaign_launches", rows, launch=limits)
    assert (output.code, output.statuses("campaign_launches")) == (0, ["written"]), output.log
    assert target.write("campaign_launches", rows, launch=limits).statuses("campaign_launches") == []


def test_flat_resources_are_compared_too(sandbox: Sandbox, target: Target) -> None:
    sandbox.configure({"*": {"shape": "flat"}})
    rows = stock(sandbox, 3)
    assert target.write("inventory", rows, compare="api").statuses("inventory") == ["written"] * 3
    assert target.write("inventory", rows, compare="api").statuses("inventory") == []
    assert target.write("products", rows_of("products", 2)).code == 0
    assert target.write("products", [{**row, "vendor": "V"} for row in rows_of("products", 2)]).code == 0
    assert made(sandbox, "products") == 2


def test_a_list_that_cannot_be_read_holds_its_rows_and_no_others(sandbox: Sandbox, target: Target) -> None:
    sandbox.configure({"products": {"faults": [{"kind": "status", "status": 403, "on": "reads"}]}})
    customer = sandbox.truth("acme", "customers")[0]["id"]
    messages = [
        *stream_of("products", rows_of("products", 2)),
        *stream_of("customers", [{"id": customer, "tags": ["x"]}]),
        state(1),
    ]
    output = target.run(messages)
    assert (output.code, output.states, output.statuses("products")) == (1, [], ["held", "held"])
    assert output.statuses("customers") == ["written"]
    assert any("products:read" in line for line in output.errors), output.errors


@pytest.mark.parametrize("applied", [True, False])
def test_a_bulk_answer_that_lists_no_row_is_checked_by_the_list(
    sandbox: Sandbox, target: Target, *, applied: bool
) -> None:
    fault = {"kind": "failure", "on": "writes", "applied": applied, "body": {"accepted": 20}}
    sandbox.configure({"inventory": {"faults": [fault]}})
    rows = stock(sandbox)
    output = target.write("inventory", rows, batch_size=20)
    status = "written" if applied else "rejected"
    assert (output.code, output.statuses("inventory")) == (0 if applied else 1, [status] * 60), output.log
    assert stocked(sandbox) == ({row["id"] for row in rows} if applied else set())


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("kind", ["html", "rubbish"])
@pytest.mark.parametrize("stream", ["inventory", "customers", "products"])
def test_a_success_that_is_not_json_is_checked_as_any_other_that_shows_no_row(
    sandbox: Sandbox, target: Target, stream: str, kind: str, *, applied: bool
) -> None:
    sandbox.configure({stream: {"faults": [{"kind": kind, "on": "writes", "applied": applied}]}})
    rows = stock(sandbox, 4) if stream == "inventory" else rows_of("products", 2)
    if stream == "customers":
        rows = [{"id": row["id"], "tags": ["q"]} for row in sandbox.truth("acme", "customers")[:2]]
    output = target.write(stream, rows, max_retries=0)
    creates = stream == "products"
    done, missing = ("adopted", "unknown") if creates else ("written", "rejected")
    assert output.statuses(stream) == [done if applied else missing] * len(rows), output.log
    assert (output.code, output.states) == ((0, [{"done": True}]) if applied else (1, []))
