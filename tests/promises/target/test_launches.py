"""A campaign is launched at most once, and only if all three locks are open."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from support.target_cli import state, stream_of

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.target_cli import Json, Target

LIMITS = {"max_campaigns": 3, "max_recipients": 1000}
HOUR = 3600


def put(sandbox: Sandbox, number: int = 1, **attributes: Any) -> str:
    """Add a campaign that can be launched, and return its id."""
    row_id = f"cam_{number:08}"
    values = {"name": f"Sale {number}", "status": "draft", "audience_size": 100, "launched_at": None}
    sandbox.put("acme", "campaigns", row_id, **{**values, **attributes})
    return row_id


def asking(sandbox: Sandbox, *ids: str, hours: float = 0) -> list[Json]:
    at = (sandbox.now() + timedelta(hours=hours)).isoformat()
    return [{"id": row_id, "requested_at": at} for row_id in ids]


def launched(sandbox: Sandbox, *ids: str) -> list[bool]:
    rows = {row["id"]: row for row in sandbox.truth("acme", "campaigns")}
    return [rows[row_id]["launched_at"] is not None for row_id in ids]


def test_campaigns_are_launched_once(sandbox: Sandbox, target: Target) -> None:
    ids = [put(sandbox, 901), put(sandbox, 902)]
    rows = asking(sandbox, *ids)
    output = target.write("campaign_launches", rows, launch=LIMITS)
    assert (output.code, output.statuses("campaign_launches")) == (0, ["written", "written"]), output.log
    assert launched(sandbox, *ids) == [True, True]
    output = target.write("campaign_launches", rows, launch=LIMITS)
    assert (output.code, output.statuses("campaign_launches"), output.states) == (0, [], [{"done": True}])


@pytest.mark.parametrize(
    ("launch", "reason"),
    [
        (None, "launch_off"),
        ({"max_campaigns": 1, "max_recipients": 1000}, "too_many_campaigns"),
        ({"max_campaigns": 2, "max_recipients": 199}, "too_many_recipients"),
    ],
)
@pytest.mark.parametrize("mode", ["apply", "plan"])
def test_without_permission_nothing_is_launched(
    sandbox: Sandbox, target: Target, launch: Json | None, reason: str, mode: str
) -> None:
    ids = [put(sandbox, 901), put(sandbox, 902)]
    output = target.write("campaign_launches", asking(sandbox, *ids), launch=launch, mode=mode)
    assert (output.code, output.reasons("campaign_launches"), output.states) == (1, [reason] * 2, [])
    assert launched(sandbox, *ids) == [False, False]


def test_an_unknown_audience_counts_as_too_many(sandbox: Sandbox, target: Target) -> None:
    ids = [put(sandbox, 901, audience_size=None), put(sandbox, 902)]
    output = target.write("campaign_launches", asking(sandbox, *ids), launch=LIMITS)
    assert (output.code, set(output.reasons("campaign_launches"))) == (1, {"audience_unknown"})
    assert launched(sandbox, *ids) == [False, False]


@pytest.mark.parametrize(("hours", "reason"), [(-24.1, "stale"), (1, "not_due")])
def test_a_launch_that_was_asked_for_at_another_time_is_refused(
    sandbox: Sandbox, target: Target, hours: float, reason: str
) -> None:
    row_id = put(sandbox, 901)
    output = target.write("campaign_launches", asking(sandbox, row_id, hours=hours), launch=LIMITS)
    assert (output.code, output.reasons("campaign_launches")) == (1, [reason])
    assert launched(sandbox, row_id) == [False]


def test_a_campaign_that_was_launched_by_others_is_not_launched_again(
    sandbox: Sandbox, target: Target
) -> None:
    at = "2026-01-01T00:00:00Z"
    row_id = put(sandbox, 901, launched_at=at)
    output = target.write("campaign_launches", asking(sandbox, row_id), launch=LIMITS)
    assert (output.code, output.statuses("campaign_launches")) == (0, ["adopted"])
    assert next(row for row in sandbox.truth("acme", "campaigns") if row["id"] == row_id)["launched_at"] == at


def test_an_unknown_outcome_is_repeated_with_the_same_key_only(sandbox: Sandbox, target: Target) -> None:
    row_id = put(sandbox, 901)
    rows = asking(sandbox, row_id)
    faults = [{"kind": "hang", "seconds": 3600, "after": 2}]  # both lists are read before
    sandbox.configure({"acme/campaigns": {"faults": faults}})
    hanging = {"max_retries": 0, "request_timeout_seconds": 0.5}
    output = target.write("campaign_launches", rows, launch=LIMITS, **hanging)
    assert (output.code, output.statuses("campaign_launches"), output.states) == (1, ["unknown"], [])
    assert launched(sandbox, row_id) == [False]
    sandbox.configure({"acme/campaigns": {"faults": None}})
    output = target.write("campaign_launches", rows, launch=LIMITS)
    assert (output.code, output.statuses("campaign_launches")) == (0, ["written"])


def test_an_unknown_outcome_is_never_repeated_after_a_day(sandbox: Sandbox, target: Target) -> None:
    row_id = put(sandbox, 901)
    faults = [{"kind": "hang", "seconds": 3600, "after": 2}]
    sandbox.configure({"acme/campaigns": {"faults": faults}})
    hanging = {"max_retries": 0, "request_timeout_seconds": 0.5}
    assert target.write("campaign_launches", asking(sandbox, row_id), launch=LIMITS, **hanging).code == 1
    sandbox.configure({"acme/campaigns": {"faults": None}})
    sandbox.advance(25 * HOUR)
    for _ in range(2):
        output = target.write("campaign_launches", asking(sandbox, row_id), launch=LIMITS)
        assert (output.code, output.statuses("campaign_launches")) == (1, ["unknown"])
    assert launched(sandbox, row_id) == [False]


def test_a_launch_that_was_applied_without_an_answer_is_recognised(sandbox: Sandbox, target: Target) -> None:
    row_id = put(sandbox, 901)
    sandbox.configure({"acme/campaigns": {"faults": [{"kind": "truncate", "after": 2}]}})
    output = target.write("campaign_launches", asking(sandbox, row_id), launch=LIMITS, max_retries=0)
    assert (output.code, output.statuses("campaign_launches")) == (1, ["unknown"])
    sandbox.configure({"acme/campaigns": {"faults": None}})
    sandbox.advance(25 * HOUR)
    output = target.write("campaign_launches", asking(sandbox, row_id), launch=LIMITS)
    assert (output.code, output.statuses("campaign_launches")) == (0, ["adopted"])


def test_a_campaign_can_be_created_and_launched_by_its_external_id(sandbox: Sandbox, target: Target) -> None:
    campaign = {"external_id": "s", "name": "Summer", "audience_id": "seg"}
    launch = {"external_id": "s", "requested_at": sandbox.now().isoformat()}
    messages = [*stream_of("campaigns", [campaign]), *stream_of("campaign_launches", [launch]), state(1)]
    output = target.run(messages, launch=LIMITS)
    assert output.statuses("campaigns") == ["written"]
    assert output.reasons("campaign_launches") == ["audience_unknown"]  # the sandbox computes none at once
    row_id = next(row["id"] for row in sandbox.truth("acme", "campaigns") if row["name"] == "Summer")
    sandbox.put("acme", "campaigns", row_id, audience_size=10)
    output = target.run(messages, launch=LIMITS)
    assert (output.code, output.states) == (0, [1]), output.log
    assert launched(sandbox, row_id) == [True]


def test_two_rows_for_one_campaign_are_one_launch(sandbox: Sandbox, target: Target) -> None:
    campaign = {"external_id": "s", "name": "Summer", "audience_id": "seg"}
    assert target.write("campaigns", [campaign]).code == 0
    row_id = next(row["id"] for row in sandbox.truth("acme", "campaigns") if row["name"] == "Summer")
    sandbox.put("acme", "campaigns", row_id, audience_size=10)
    at = sandbox.now().isoformat()
    rows = [{"external_id": "s", "requested_at": at}, {"id": row_id, "requested_at": at}]
    output = target.write("campaign_launches", rows, launch=LIMITS)
    assert (output.code, sorted(output.statuses("campaign_launches"))) == (1, ["rejected", "written"])
    for row in rows:
        output = target.write("campaign_launches", [row], launch=LIMITS)
        assert (output.code, output.statuses("campaign_launches")) == (0, [])


def test_the_launch_of_a_rejected_campaign_is_held(sandbox: Sandbox, target: Target) -> None:
    campaign = {"external_id": "s", "name": "Summer"}  # without an audience
    launch = {"external_id": "s", "requested_at": sandbox.now().isoformat()}
    messages = [*stream_of("campaigns", [campaign]), *stream_of("campaign_launches", [launch]), state(1)]
    output = target.run(messages, launch=LIMITS)
    assert (output.code, output.statuses("campaign_launches"), output.states) == (1, ["held"], [])


def test_a_plan_prints_name_audience_and_total(sandbox: Sandbox, target: Target) -> None:
    ids = [put(sandbox, 901), put(sandbox, 902, audience_size=250)]
    output = target.write("campaign_launches", asking(sandbox, *ids), "--plan", launch=LIMITS)
    assert output.code == 0
    assert "Sale 901: audience 100" in output.stdout
    assert "Sale 902: audience 250" in output.stdout
    assert "total: 350" in output.stdout
    assert "Sale" not in output.log
    assert launched(sandbox, *ids) == [False, False]


def test_both_limits_must_be_set(target: Target) -> None:
    output = target.write("campaign_launches", [], launch={"max_campaigns": 1})
    assert output.code == 1
    assert output.errors[0].startswith("launch.max_recipients: is missing.")


def test_a_launch_that_was_sent_before_a_signal_is_unknown_and_repeated_with_its_key(
    sandbox: Sandbox, target: Target
) -> None:
    row_id = put(sandbox, 901)
    sandbox.configure({"acme/campaigns": {"faults": [{"kind": "truncate", "on": "writes"}]}})
    messages = [*stream_of("campaign_launches", asking(sandbox, row_id)), state(1)]
    process = target.start(messages, launch=LIMITS, max_retries=100)
    while launched(sandbox, row_id) == [False]:
        assert process.poll() is None
    process.terminate()
    _, log = process.communicate(timeout=60)
    assert process.returncode == 143, log
    assert [(one["status"], one["reason"]) for one in target.report()] == [("unknown", "outcome_unknown")]
    sandbox.configure({"acme/campaigns": {"faults": None}})
    sandbox.put("acme", "campaigns", row_id, launched_at=None)  # only the key tells that it was launched
    output = target.run(messages, launch=LIMITS)
    assert (output.code, output.statuses("campaign_launches")) == (0, ["written"]), output.log
    assert len([row for row in sandbox.writes("acme") if row.kind == "launch"]) == 1


def test_a_plan_names_a_campaign_that_is_created_first_and_no_other_is_called_so(
    sandbox: Sandbox, target: Target
) -> None:
    at = sandbox.now().isoformat()
    campaign = {"external_id": "s", "name": "Summer", "audience_id": "seg"}
    launches = [{"external_id": "s", "requested_at": at}, {"external_id": "none", "requested_at": at}]
    messages = [*stream_of("campaigns", [campaign]), *stream_of("campaign_launches", launches)]
    output = target.run(messages, "--plan", launch=LIMITS)
    assert "  Summer (created first): audience unknown\n" in output.stdout
    assert "  a campaign: audience unknown  (not launched: not_found)\n" in output.stdout
    assert "Summer" not in output.log
