"""STATE goes out only behind rows that have reached the shop; a signal ends a run without a false STATE."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.target_cli import record, schema, state, stream_of

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.target_cli import Json, Target


def tagged(sandbox: Sandbox, tag: str) -> set[str]:
    return {row["id"] for row in sandbox.truth("acme", "customers") if tag in row["tags"]}


def with_states(rows: list[Json], stream: str = "customers") -> list[Json]:
    """Return the messages of rows with a STATE behind each: the number of rows so far."""
    messages = [schema(stream, *rows[0])]
    for i, row in enumerate(rows, 1):
        messages += [record(stream, **row), state(i)]
    return messages


def test_a_rejected_row_holds_back_every_state_behind_it(sandbox: Sandbox, target: Target) -> None:
    rows = [{"id": row["id"], "tags": ["new"]} for row in sandbox.truth("acme", "customers")[:30]]
    rows[20]["id"] = "cus_missing"
    output = target.run(with_states(rows))
    assert output.code == 1
    assert output.states[-1] == 20
    assert tagged(sandbox, "new") == {row["id"] for row in rows} - {"cus_missing"}


def test_rejected_rows_can_be_passed_over(sandbox: Sandbox, target: Target) -> None:
    rows = [{"id": row["id"], "tags": ["new"]} for row in sandbox.truth("acme", "customers")[:30]]
    rows[20]["id"] = "cus_missing"
    output = target.run(with_states(rows), on_rejected="pass")
    assert (output.code, output.states[-1]) == (1, 30)


def test_a_later_row_of_a_key_holds_back_the_states_behind_the_earlier_one(
    sandbox: Sandbox, target: Target
) -> None:
    """What the earlier row asked for is never written, so its STATE waits for the later one."""
    first, second = (row["id"] for row in sandbox.truth("acme", "customers")[:2])
    rows: list[Json] = [
        {"id": first, "tags": ["a"]},
        {"id": second, "tags": ["b"]},
        {"id": first, "tags": [1]},
    ]
    output = target.run(with_states(rows))
    assert (output.code, output.states) == (1, [])


def test_unchanged_rows_release_their_state(sandbox: Sandbox, target: Target) -> None:
    rows = [{"id": row["id"], "tags": ["same"]} for row in sandbox.truth("acme", "customers")[:5]]
    assert target.run(with_states(rows)).states[-1] == 5
    assert len(tagged(sandbox, "same")) == 5
    before = sandbox.stats()["requests"]
    output = target.run(with_states(rows))
    assert (output.code, output.states) == (0, [5])
    assert sandbox.stats()["requests"] == before


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_after_the_requests_in_flight(
    sandbox: Sandbox, target: Target, how: signal.Signals
) -> None:
    sandbox.configure({"acme/customers": {"latency_ms": 50}})
    rows = [{"id": row["id"], "tags": ["new"]} for row in sandbox.truth("acme", "customers")]
    process = target.start(with_states(rows), concurrency=2)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    process.send_signal(how)
    rest, log = process.communicate(timeout=60)
    assert process.returncode == 128 + how, log
    states = [int(line) for line in (*lines, *rest.splitlines())]
    written = tagged(sandbox, "new")
    assert 3 <= states[-1] < 100
    assert {row["id"] for row in rows[: states[-1]]} <= written
    assert len(written) < 100
    output = target.run(with_states(rows))
    assert (output.code, output.states[-1]) == (0, 100)
    assert len(tagged(sandbox, "new")) == 100


def test_a_killed_run_has_not_released_a_state_too_early(sandbox: Sandbox, target: Target) -> None:
    sandbox.configure({"acme/customers": {"latency_ms": 20}})
    rows = [{"id": row["id"], "tags": ["new"]} for row in sandbox.truth("acme", "customers")]
    process = target.start(with_states(rows), concurrency=4)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(4)]
    process.kill()
    rest, _ = process.communicate(timeout=60)
    states = [int(line) for line in (*lines, *rest.splitlines()) if line.strip()]
    assert {row["id"] for row in rows[: states[-1]]} <= tagged(sandbox, "new")


def test_a_signal_before_the_end_of_the_input_writes_nothing(sandbox: Sandbox, target: Target) -> None:
    process = subprocess.Popen(
        target.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stderr is not None
    customer = sandbox.truth("acme", "customers")[0]["id"]
    columns = schema("customers", "id", "tags", "currency")
    messages = [columns, record("customers", id=customer, tags=["x"]), state(1)]
    process.stdin.write("".join(json.dumps(one) + "\n" for one in messages))
    process.stdin.flush()
    lines = iter(process.stderr.readline, "")
    assert any("are ignored" in line for line in lines)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (143, "")
    assert tagged(sandbox, "x") == set()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_a_check_ends_it_at_once(
    sandbox: Sandbox, target: Target, how: signal.Signals
) -> None:
    sandbox.configure({"*": {"faults": [{"kind": "hang", "seconds": 3600}]}})
    process = subprocess.Popen(
        [*target.command(), "--check"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not sandbox.stats()["requests"]:
        assert process.poll() is None
    process.send_signal(how)
    out, log = process.communicate(timeout=60)
    assert (process.returncode, out) == (128 + how, "")
    assert "Traceback" not in log
    assert "ERROR" not in log


def test_a_shop_that_fails_leaves_the_others_complete(shops: Sandbox, targets: Target) -> None:
    rows = [
        {"shop": shop, "id": row["id"], "tags": ["new"]}
        for shop in ("acme", "globex")
        for row in shops.truth(shop, "customers")[:5]
    ]
    shops.configure({"globex/customers": {"faults": [{"kind": "status", "status": 401}]}})
    output = targets.run([*stream_of("customers", rows), state(1)])
    assert (output.code, output.states) == (1, [])
    assert output.statuses("customers").count("written") == 5
    assert any("globex" in line and "api_token" in line for line in output.errors)


def test_a_missing_scope_fails_its_stream_and_no_other(sandbox: Sandbox, target: Target) -> None:
    customer, product = (sandbox.truth("acme", name)[0]["id"] for name in ("customers", "products"))
    token = sandbox.token("acme", scopes=["customers:read", "products:read", "products:write"])
    messages = [
        *stream_of("customers", [{"id": customer, "tags": ["x"]}]),
        *stream_of("products", [{"id": product, "title": "New"}]),
    ]
    output = target.run(messages, api_token=token)
    assert (output.code, output.statuses("products"), output.statuses("customers")) == (
        1,
        ["written"],
        ["held"],
    )
    assert any("customers:write" in line for line in output.errors)


@pytest.mark.parametrize(
    ("fault", "reasons"),
    [
        ({"kind": "status", "status": 500}, ["request_failed"]),
        ({"kind": "status", "status": 400, "times": 1}, ["request_failed"]),
        ({"kind": "rubbish"}, ["request_failed"]),
        ({"kind": "status", "status": 403, "times": 1}, ["failed"] * 8),
        ({"kind": "status", "status": 401, "times": 1}, ["failed"] * 8),
    ],
)
def test_a_row_that_cannot_be_read_keeps_no_other_from_being_written(
    sandbox: Sandbox, target: Target, fault: Json, reasons: list[str]
) -> None:
    """The tags of the third customer are asked for twice in vain; a missing scope affects all of them."""
    rows = [{"id": row["id"], "add_tags": ["new"]} for row in sandbox.truth("acme", "customers")[:10]]
    faults = [{"on": "reads", "after": 3, "times": 2, **fault}]
    sandbox.configure({"acme/customers": {"faults": faults}})
    output = target.run(with_states(rows), concurrency=1)
    assert (output.code, output.reasons("customers"), output.states[-1]) == (1, reasons, 2), output.log
    assert len(tagged(sandbox, "new")) == 10 - len(reasons)
    assert any(line.startswith("Shop acme: ") for line in output.errors)
    sandbox.configure({"acme/customers": {"faults": None}})
    assert target.run(with_states(rows)).states[-1] == 10
    assert len(tagged(sandbox, "new")) == 10


def test_a_signal_ends_a_run_at_once_if_nothing_is_in_flight(sandbox: Sandbox, target: Target) -> None:
    refused = {"kind": "status", "status": 429, "retry_after": 600, "on": "writes", "after": 3}
    sandbox.configure({"acme/customers": {"faults": [refused]}})
    rows = [{"id": row["id"], "tags": ["new"]} for row in sandbox.truth("acme", "customers")[:10]]
    process = target.start(stream_of("customers", rows), concurrency=2)
    assert process.stderr is not None
    assert any("the rate limit refused the request" in line for line in iter(process.stderr.readline, ""))
    process.terminate()
    _, log = process.communicate(timeout=8)
    assert process.returncode == 143, log
    statuses = [one["status"] for one in target.report()]
    assert sorted(statuses) == ["held"] * 7 + ["written"] * 3


def test_what_was_written_before_a_signal_is_in_the_ledger_while_requests_are_in_flight(
    sandbox: Sandbox, target: Target
) -> None:
    hanging = {"kind": "hang", "seconds": 3600, "on": "writes", "after": 5}
    sandbox.configure({"acme/customers": {"faults": [hanging]}})
    rows = [{"id": row["id"], "tags": ["new"]} for row in sandbox.truth("acme", "customers")[:10]]
    process = target.start(stream_of("customers", rows), concurrency=1)
    while sandbox.stats()["requests"] < 6:
        assert process.poll() is None
    process.terminate()
    assert process.stderr is not None
    assert any("Stopping: no further request is sent." in line for line in iter(process.stderr.readline, ""))
    process.kill()
    process.communicate(timeout=60)
    sandbox.configure({"acme/customers": {"faults": None}})
    output = target.write("customers", rows)
    assert (output.code, output.statuses("customers")) == (0, ["written"] * 5), output.log
