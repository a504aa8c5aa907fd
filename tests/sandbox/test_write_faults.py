"""Faults of writes, and idempotency keys that are in progress, expired or ignored, over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox.shop_writes import CAMPAIGN, bearer, campaigns, create, keyed, raw_create
from sumeru_sandbox.server import api as server_api
from sumeru_sandbox.server.options import Options
from sumeru_sandbox.spec.messages import Request
from sumeru_sandbox.world.clock import Clock
from support.sandbox_client import CUSTOMERS, SHOP, refused

if TYPE_CHECKING:
    from support.sandbox_client import Api

HOUR = 3600

# Faults after the write was applied


@pytest.mark.parametrize("kind", ["status", "html", "rubbish", "redirect", "reset", "hang", "truncate"])
def test_a_fault_may_come_after_the_write_was_applied(api: Api, kind: str) -> None:
    before = campaigns(api)
    fault = {"kind": kind, "on": "writes", "applied": True, "times": 1, "seconds": 0.1}
    api.sandbox.configure({"campaigns": {"faults": [fault]}})
    assert requests.get(f"{api.sandbox.url}/api/v1/campaigns", headers=bearer(api), timeout=5).ok
    try:
        assert raw_create(api).status_code == {"status": 500, "redirect": 302}.get(kind, 200)
    except requests.RequestException:
        assert kind in ("reset", "hang", "truncate")
    assert campaigns(api) == before + 1
    assert create(api).status_code == 201
    assert campaigns(api) == before + 1


@pytest.mark.parametrize("kind", ["status", "html", "reset"])
def test_other_faults_come_before_it(api: Api, kind: str) -> None:
    before = campaigns(api)
    api.sandbox.configure({"campaigns": {"faults": [{"kind": kind, "on": "writes", "times": 1}]}})
    try:
        raw_create(api)
    except requests.RequestException:
        assert kind == "reset"
    assert campaigns(api) == before
    assert create(api).status_code == 201
    assert campaigns(api) == before + 1


def test_a_cut_answer_applies_a_write_without_a_key_once(api: Api) -> None:
    before = campaigns(api)
    fault = {"kind": "truncate", "on": "writes", "applied": True, "times": 1}
    api.sandbox.configure({"campaigns": {"faults": [fault]}})
    with pytest.raises(requests.RequestException):
        raw_create(api, key=None)
    assert campaigns(api) == before + 1


def test_faults_of_reads_and_of_writes_are_counted_apart(api: Api) -> None:
    faults = [
        {"kind": "status", "on": "writes", "after": 1, "every": 2},
        {"kind": "status", "status": 503, "on": "reads", "every": 3},
    ]
    api.sandbox.configure({"campaigns": {"faults": faults}})
    reads = [api.send("get", "/campaigns").status_code for _ in range(6)]
    writes = [create(api, None).status_code for _ in range(5)]
    assert reads == [200, 200, 503] * 2
    assert writes == [201, 201, 500, 201, 500]


# Keys


def test_a_key_is_in_progress_until_its_write_is_applied() -> None:
    settings = {"campaigns": {"write_ms": 400}}
    offered = server_api.Api(Options(shops=(SHOP,), customers=CUSTOMERS), Clock(), settings)
    headers = {"authorization": f"Bearer {offered.accounts.issue(SHOP).text}", "idempotency-key": "my-key"}
    request = Request("POST", "/campaigns", "", headers, json.dumps(CAMPAIGN).encode())
    before = offered.counts()[SHOP]["campaigns"]
    assert offered.begin(request) == 0.4
    assert offered.begin(request) == 0
    error = json.loads((answer := offered.answer(request)).body)["error"]
    assert (answer.status, error["code"]) == (409, "conflict")
    assert "still in progress" in error["message"]
    assert offered.counts()[SHOP]["campaigns"] == before
    first = offered.answer(request._replace(begun=True))
    assert first.status == 201
    assert offered.begin(request) == 0
    assert offered.answer(request).body == first.body
    assert offered.counts()[SHOP]["campaigns"] == before + 1


def test_a_client_that_disconnects_meanwhile_changes_nothing(api: Api) -> None:
    before = campaigns(api)
    api.sandbox.configure({"campaigns": {"write_ms": 300}})
    url = f"{api.sandbox.url}/api/v1/campaigns"
    with pytest.raises(requests.RequestException):
        requests.post(url, json=CAMPAIGN, headers=bearer(api) | keyed(), timeout=0.1)
    while (answer := raw_create(api)).status_code == 409:
        pass
    assert answer.status_code == 201
    assert campaigns(api) == before + 1


def test_a_refused_request_ends_what_was_in_progress(api: Api) -> None:
    api.sandbox.configure({"campaigns": {"write_ms": 1}})
    refused(create(api, body={"name": "x"}), 422, "validation_failed")
    refused(create(api, body=CAMPAIGN), 409, "conflict")
    assert create(api, "another").status_code == 201
    assert create(api, None).status_code == 201


@pytest.mark.parametrize(("refusals", "status"), [("kept", 422), ("forgotten", 201)])
def test_a_refusal_may_be_kept_under_its_key(api: Api, refusals: str, status: int) -> None:
    api.sandbox.configure({"*": {"refusals": refusals}, "campaigns": {"create_body": "wrapped"}})
    assert create(api).status_code == 422
    api.sandbox.configure({"campaigns": {"create_body": None}})
    assert create(api).status_code == status
    other = create(api, body={**CAMPAIGN, "name": "Another"})
    assert other.status_code == 409


@pytest.mark.parametrize(("hours", "made"), [(23, 1), (25, 2)])
def test_a_key_is_kept_for_a_day_by_the_clock_of_the_sandbox(api: Api, hours: int, made: int) -> None:
    before = campaigns(api)
    create(api)
    api.sandbox.advance(hours * HOUR)
    assert create(api).status_code == 201
    assert campaigns(api) == before + made


def test_the_control_endpoint_moves_the_clock(api: Api) -> None:
    before = campaigns(api)
    create(api)
    advance = f"{api.sandbox.url}/_sandbox/advance"
    assert requests.post(advance, json={"seconds": 25 * HOUR}, timeout=5).ok
    create(api)
    assert campaigns(api) == before + 2


def test_keys_may_be_ignored(api: Api) -> None:
    before = campaigns(api)
    api.sandbox.configure({"campaigns": {"keys": "ignored", "write_ms": 1}})
    assert [create(api).status_code for _ in range(3)] == [201] * 3
    assert campaigns(api) == before + 3
