"""The three locks of a launch, each by itself and all at random."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api import timestamps
from support.target_factories import NOW, FakeLists
from target_sumeru.config.settings import LaunchLimits
from target_sumeru.ledger import DONE, REFUSED, SENT, Entry
from target_sumeru.plan.decisions import Reject, Unchanged, Write
from target_sumeru.plan.items import Current, Operation
from target_sumeru.plan.launch_plan import read_campaigns
from target_sumeru.plan.launches import Campaign, decide_launch, over_limit

HOUR = 3600
READY = Campaign("cam_1", launched=False, audience=10, name="Sale")
LIMITS = LaunchLimits(max_campaigns=2, max_recipients=100)


def at(hours: float) -> str:
    return datetime.fromtimestamp(NOW + hours * HOUR, UTC).isoformat()


def entry(status: str, hours: float = 0, generation: int = 0) -> Entry:
    return Entry(status, generation, b"", "", NOW + hours * HOUR)


def test_a_fresh_request_is_launched() -> None:
    assert decide_launch(at(-1), None, READY, NOW) == Write(Operation.LAUNCH, {}, "cam_1")


@pytest.mark.parametrize(
    ("known", "campaign", "hours", "expected"),
    [
        (entry(DONE), READY, -1, Unchanged()),
        (None, None, -1, Reject("not_found")),
        (None, READY._replace(launched=True), -100, Write(Operation.ADOPT, {}, "cam_1")),
        (entry(SENT, -30), READY._replace(launched=True), -30, Write(Operation.ADOPT, {}, "cam_1")),
        (entry(SENT, -22.9), READY, -23, Write(Operation.LAUNCH, {}, "cam_1", 0, sent_before=True)),
        (entry(SENT, -23), READY, -1, Reject("outcome_unknown")),
        (entry(SENT, -1), READY, -25, Reject("outcome_unknown", "requested_at")),
        (entry(REFUSED, -1, 3), READY, -1, Write(Operation.LAUNCH, {}, "cam_1", 3)),
        (None, READY._replace(clear=False), -1, Reject("launch_unclear", "launched_at")),
        (entry(SENT, -1), READY._replace(clear=False), -1, Reject("outcome_unknown", "launched_at")),
        (None, READY, -24, Reject("stale", "requested_at")),
        (None, READY, 1, Reject("not_due", "requested_at")),
    ],
)
def test_the_locks(known: Entry | None, campaign: Campaign | None, hours: float, expected: object) -> None:
    assert decide_launch(at(hours), known, campaign, NOW) == expected


@pytest.mark.parametrize("requested_at", [None, "", "soon", 5])
def test_without_a_time_nothing_is_launched(requested_at: object) -> None:
    assert decide_launch(requested_at, None, READY, NOW) == Reject("required", "requested_at")


def test_a_campaign_that_is_created_first_can_be_launched() -> None:
    assert decide_launch(at(-1), None, None, NOW, pending=True) == Write(Operation.LAUNCH, {})


@given(
    status=st.sampled_from([None, SENT, DONE, REFUSED]),
    sent=st.floats(-100, 0),
    requested=st.floats(-100, 5),
    launched=st.booleans(),
)
def test_a_launch_is_sent_only_if_every_lock_is_open(
    status: str | None, sent: float, requested: float, launched: bool
) -> None:
    known = None if status is None else entry(status, sent)
    decision = decide_launch(at(requested), known, READY._replace(launched=launched), NOW)
    if isinstance(decision, Write) and decision.operation is Operation.LAUNCH:
        assert not launched
        assert status != DONE
        assert requested > -24
        assert status != SENT or sent > -23


@pytest.mark.parametrize(
    ("attributes", "audience", "launched"),
    [
        ({"audience_size": 5, "launched_at": None}, 5, False),
        ({"audience_size": None}, None, False),
        ({"audience_size": "5", "launched_at": "2026-01-01T00:00:00Z"}, None, True),
        ({"audience_size": True}, None, False),
        ({"audience_size": -1}, None, False),
        ({}, None, False),
    ],
)
def test_a_campaign_says_its_audience_only_as_a_number(
    attributes: dict[str, Any], audience: int | None, launched: bool
) -> None:
    found = Campaign.of(Current("cam_1", attributes))
    assert (found.audience, found.launched) == (audience, launched)


@given(sizes=st.lists(st.none() | st.integers(0, 80), max_size=5), limits=st.none() | st.just(LIMITS))
def test_launches_over_a_limit_are_refused(sizes: list[int | None], limits: LaunchLimits | None) -> None:
    known = [size for size in sizes if size is not None]
    fits = limits is not None and len(sizes) <= 2 and len(known) == len(sizes) and sum(known) <= 100
    assert (over_limit(sizes, limits) == "") == (fits or not sizes)


@given(
    st.none()
    | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
    | st.text()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.lists(st.text())
    | st.just({"at": None})
)
def test_only_null_says_that_a_campaign_was_not_launched_and_only_a_time_that_it_was(value: object) -> None:
    """Anything else neither launches it nor settles the row."""
    time = isinstance(value, str) and timestamps.parse(value) is not None
    decision = decide_launch(at(-1), None, Campaign.of(Current("cam_1", {"launched_at": value})), NOW)
    operation = decision.operation if isinstance(decision, Write) else None
    assert operation == (Operation.LAUNCH if value is None else Operation.ADOPT if time else None)


def test_a_campaign_without_the_time_of_its_launch_is_not_launched() -> None:
    campaign = Campaign.of(Current("cam_1", {"name": "Sale"}))
    assert decide_launch(at(-1), None, campaign, NOW) == Reject("launch_unclear", "launched_at")


@given(st.lists(st.sampled_from(["null", "time", "odd", "audience"]), min_size=1, max_size=4))
def test_of_a_campaign_that_is_listed_twice_the_row_counts_that_forbids_the_launch(kinds: list[str]) -> None:
    """A list that changes while it is read can show a row before and after its launch, in any order."""
    rows: dict[str, dict[str, Any]] = {
        "null": {"launched_at": None, "audience_size": 5},
        "time": {"launched_at": at(-5), "audience_size": 5},
        "odd": {"launched_at": "", "audience_size": 5},
        "audience": {"launched_at": None},
    }
    lists = FakeLists([Current("cam_1", rows[kind]) for kind in kinds])
    campaign = asyncio.run(read_campaigns(lists))["cam_1"]
    assert campaign.can_be_launched == (set(kinds) == {"null"})
