"""A row is created once: through kills, unknown outcomes, lost ledgers and expired idempotency keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.target_cli import state, stream_of

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.target_cli import Json, Target

HOUR = 3600


def campaigns(number: int, subject: str = "Hello") -> list[Json]:
    return [
        {"external_id": f"c{i}", "name": f"Made {i}", "audience_id": "seg", "subject": subject}
        for i in range(number)
    ]


def made(sandbox: Sandbox, stream: str = "campaigns") -> int:
    """Return how many rows of these tests the shop has."""
    column = "title" if stream == "products" else "name"
    return sum(str(row[column]).startswith("Made ") for row in sandbox.truth("acme", stream))


def rows_of(stream: str, number: int) -> list[Json]:
    extra: Json = {"audience_id": "seg"} if stream == "campaigns" else {}
    column = "title" if stream == "products" else "name"
    return [{"external_id": f"x{i}", column: f"Made {i}", **extra} for i in range(number)]


@pytest.mark.parametrize("stream", ["campaigns", "journeys", "products"])
def test_rows_are_created_once(sandbox: Sandbox, target: Target, stream: str) -> None:
    for _ in range(3):
        output = target.write(stream, rows_of(stream, 6))
        assert (output.code, output.states, made(sandbox, stream)) == (0, [{"done": True}], 6), output.log


def test_twenty_campaigns_stay_twenty(sandbox: Sandbox, target: Target) -> None:
    """As on the prototype: a kill, another run, one after 25 hours, and one with changed content."""
    sandbox.configure({"acme/campaigns": {"latency_ms": 60}})
    process = target.start([*stream_of("campaigns", campaigns(20)), state(1)], concurrency=2)
    while made(sandbox) < 10:
        assert process.poll() is None
    process.kill()
    process.communicate()
    sandbox.configure({"acme/campaigns": {"latency_ms": None}})
    assert 10 <= made(sandbox) < 20
    assert target.write("campaigns", campaigns(20)).code == 0
    assert made(sandbox) == 20
    sandbox.advance(25 * HOUR)
    assert target.write("campaigns", campaigns(20)).code == 0
    output = target.write("campaigns", campaigns(20, "Goodbye"))
    assert (output.code, set(output.reasons("campaigns"))) == (1, {"cannot_update"})
    assert made(sandbox) == 20


@pytest.mark.parametrize("hours", [0, 25])
def test_a_lost_ledger_makes_no_second_row(sandbox: Sandbox, target: Target, hours: int) -> None:
    assert target.write("campaigns", campaigns(5)).code == 0
    for path in target.folder.glob("ledger.db*"):
        path.unlink()
    sandbox.advance(hours * HOUR)
    output = target.write("campaigns", campaigns(5))
    assert (output.code, output.statuses("campaigns"), made(sandbox)) == (0, ["adopted"] * 5, 5)
    assert target.write("campaigns", campaigns(5)).statuses("campaigns") == []


@pytest.mark.parametrize("hours", [0, 25])
@pytest.mark.parametrize("kind", ["truncate", "hang"])
def test_an_unknown_outcome_is_settled_by_the_next_run(
    sandbox: Sandbox, target: Target, hours: int, kind: str
) -> None:
    """With `truncate` the row was created although no answer came; with `hang` it was not."""
    sandbox.configure({"acme/campaigns": {"faults": [{"kind": kind, "seconds": 3600, "after": 1}]}})
    settings = {"max_retries": 0, "request_timeout_seconds": 0.5, "concurrency": 1}
    output = target.write("campaigns", campaigns(3), **settings)
    assert (output.code, output.states) == (1, [])
    assert "unknown" in output.statuses("campaigns")
    sandbox.configure({"acme/campaigns": {"faults": None}})
    sandbox.advance(hours * HOUR)
    output = target.write("campaigns", campaigns(3))
    assert (output.code, output.states, made(sandbox)) == (0, [{"done": True}], 3), output.log


def test_a_refused_row_is_created_once_it_is_correct(sandbox: Sandbox, target: Target) -> None:
    """The refusal is kept under the key for a day, so the corrected row needs another key."""
    row = campaigns(1)[0]
    output = target.write("campaigns", [{**row, "name": ""}])
    assert (output.code, output.reasons("campaigns"), made(sandbox)) == (1, ["refused"], 0)
    output = target.write("campaigns", [row])
    assert (output.code, made(sandbox)) == (0, 1), output.log


def test_a_changed_row_meets_a_conflict_instead_of_becoming_a_second_one(
    sandbox: Sandbox, target: Target
) -> None:
    """The ledger is lost and the name has changed, so only the API's own memory can tell."""
    assert target.write("campaigns", campaigns(1)).code == 0
    for path in target.folder.glob("ledger.db*"):
        path.unlink()
    for _ in range(2):
        output = target.write("campaigns", [{**campaigns(1)[0], "name": "Made differently"}])
        assert (output.code, output.reasons("campaigns"), made(sandbox)) == (1, ["conflict"], 1)


def test_a_row_of_the_shop_with_the_same_name_is_adopted(sandbox: Sandbox, target: Target) -> None:
    sandbox.put("acme", "products", "prd_00000900", title="Made 1", vendor="Old")
    output = target.write("products", [{"external_id": "a", "title": "Made 1", "vendor": "New"}])
    assert (output.code, made(sandbox, "products")) == (0, 1), output.log
    assert (
        next(row for row in sandbox.truth("acme", "products") if row["title"] == "Made 1")["vendor"] == "New"
    )


def test_two_rows_with_one_name_do_not_adopt_the_same_row(sandbox: Sandbox, target: Target) -> None:
    rows = [{**row, "name": "Made twice"} for row in campaigns(2)]
    assert target.write("campaigns", rows[:1]).code == 0
    output = target.write("campaigns", rows)
    assert (output.code, made(sandbox)) == (0, 2)
    assert target.write("campaigns", rows).statuses("campaigns") == []


def test_creations_need_a_ledger(sandbox: Sandbox, target: Target) -> None:
    output = target.write("campaigns", campaigns(2), ledger_path="")
    assert (output.code, output.states, made(sandbox)) == (1, [], 0)
    assert output.errors == [
        "ledger_path: is missing. To create campaigns only once, the target must remember them between runs."
    ]


def test_a_required_column_that_is_missing_rejects_the_row(sandbox: Sandbox, target: Target) -> None:
    first, second = campaigns(2)
    del second["audience_id"]
    output = target.write("campaigns", [first, second])
    assert (output.code, output.reasons("campaigns"), made(sandbox)) == (1, ["required"], 1)


@pytest.mark.parametrize("stream", ["campaigns", "journeys", "products"])
def test_a_conflict_whose_row_cannot_be_looked_up_is_unknown(
    sandbox: Sandbox, target: Target, stream: str
) -> None:
    """A request went out, and the row may exist: it is neither held nor was nothing sent."""
    column = "title" if stream == "products" else "name"
    row = {"external_id": "x", column: "Made", **({"audience_id": "s"} if stream == "campaigns" else {})}
    assert target.write(stream, [row]).code == 0
    for path in target.folder.glob("ledger.db*"):
        path.unlink()
    sandbox.configure({stream: {"faults": [{"kind": "status", "on": "reads", "after": 1}]}})
    output = target.write(stream, [{**row, column: "Made differently"}])
    assert (output.code, output.statuses(stream), output.states) == (1, ["unknown"], []), output.log
    assert not any("nothing was sent" in line for line in output.errors)
