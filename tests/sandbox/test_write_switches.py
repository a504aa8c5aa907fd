"""Switches of writes over HTTP: bodies, answers, limits; and the log of the writes that were applied."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox.shop_writes import CAMPAIGN, available, create, stock
from sumeru_sandbox import Sandbox
from support.sandbox_client import BODIES, SHOP, refused

if TYPE_CHECKING:
    from support.sandbox_client import Api

# Bodies and answers


@pytest.mark.parametrize(
    ("form", "flat", "wrapped"), [("either", 201, 201), ("flat", 201, 422), ("wrapped", 422, 201)]
)
def test_a_create_may_take_one_form_of_body_only(api: Api, form: str, flat: int, wrapped: int) -> None:
    api.sandbox.configure({"*": {"create_body": form}})
    for stream in ("campaigns", "journeys", "products"):
        body = BODIES[stream]
        assert api.send("post", f"/{stream}", json=body).status_code == flat
        assert api.send("post", f"/{stream}", json={"data": {"attributes": body}}).status_code == wrapped
    customer = api.sandbox.truth(SHOP, "customers")[0]["id"]
    tagged = {"data": {"attributes": {"tags": ["vip"]}}}
    assert api.send("patch", f"/customers/{customer}", json=tagged).status_code == 200


def test_a_bulk_write_may_be_applied_in_part(api: Api) -> None:
    before = available(api, 4)
    api.sandbox.configure({"inventory": {"bulk": "partial"}})
    answer = stock(api, 11, "many", 13, 0.5)
    assert answer.status_code == 200
    assert available(api, 4) == [11, before[1], 13, before[3]]
    content = answer.json()
    assert [row["attributes"]["available"] for row in content["data"]] == [11, 13]
    assert [error["index"] for error in content["errors"]] == [1, 3]
    assert {error["code"] for error in content["errors"]} == {"validation_failed"}
    assert {error["details"]["field"] for error in content["errors"]} == {"available"}
    none = stock(api, "many").json()
    assert (none["data"], len(none["errors"])) == ([], 1)
    assert "errors" not in stock(api, 1, 2).json()


def test_a_bulk_write_may_be_limited(api: Api) -> None:
    api.sandbox.configure({"inventory": {"max_items": 2}})
    refused(stock(api, 1, 2, 3), 422, "validation_failed")
    assert stock(api, 1, 2).ok


def test_a_launch_may_need_approval(api: Api) -> None:
    api.sandbox.configure({"campaigns": {"launch": "approval"}})
    made = create(api).json()["data"]["id"]
    launch = f"/campaigns/{made}/launch"
    waiting = api.send("post", launch).json()["data"]["attributes"]
    assert (waiting["approval_status"], waiting["launched_at"]) == ("pending", None)
    refused(api.send("post", launch), 422, "validation_failed")
    api.sandbox.put(SHOP, "campaigns", made, approval_status="approved")
    assert api.send("post", launch).json()["data"]["attributes"]["launched_at"] is not None


@pytest.mark.parametrize(("switch", "echoed"), [("omitted", False), ("echoed", True)])
def test_an_error_may_echo_the_value(api: Api, switch: str, echoed: bool) -> None:
    api.sandbox.configure({"*": {"error_values": switch}})
    customer = api.sandbox.truth(SHOP, "customers")[0]["id"]
    body = {"data": {"attributes": {"email": ["kanari"]}}}
    errors = [refused(api.send("patch", f"/customers/{customer}", json=body), 422, "validation_failed")]
    errors.append(refused(stock(api, "kanari"), 422, "validation_failed"))
    errors.append(
        refused(create(api, body={**CAMPAIGN, "subject": {"x": "kanari"}}), 422, "validation_failed")
    )
    for error in errors:
        assert ("kanari" in error["message"]) == echoed
        assert ("kanari" in json.dumps(error["details"])) == echoed
    api.sandbox.configure({"inventory": {"bulk": "partial"}})
    assert ("kanari" in json.dumps(stock(api, "kanari", 1).json()["errors"])) == echoed


# The rate limit


@pytest.mark.parametrize(("switch", "shared"), [("per_token", False), ("per_shop", True)])
def test_the_tokens_of_a_shop_may_share_a_limit(switch: str, shared: bool) -> None:
    settings = {"*": {"rate_limit": switch}}
    with Sandbox(shops=(SHOP, "globex"), plan="agency", settings=settings) as sandbox:
        tokens = [sandbox.token(SHOP), sandbox.token(SHOP, ["orders:read"]), sandbox.token("globex")]
        left = []
        for token in tokens:
            headers = {"Authorization": f"Bearer {token}"}
            answer = requests.get(f"{sandbox.url}/api/v1/usage", headers=headers, timeout=5)
            left.append(int(answer.headers["X-RateLimit-Remaining"]))
        assert left == [1499, 1498 if shared else 1499, 1499]


# The log of writes


def test_the_log_has_every_row_that_a_write_has_changed(api: Api) -> None:
    made = create(api).json()["data"]["id"]
    assert create(api).json()["data"]["id"] == made
    assert create(api, "other", {"name": "x"}).status_code == 422
    api.send("post", f"/campaigns/{made}/launch")
    changed = [row["id"] for row in api.sandbox.truth(SHOP, "inventory")[:2]]
    stock(api, 1, 2)
    api.sandbox.put(SHOP, "customers", "cus_1", tags=[])
    log = api.sandbox.writes(SHOP)
    assert [(row.stream, row.kind, row.id) for row in log] == [
        ("campaigns", "create", made),
        ("campaigns", "launch", made),
        *(("inventory", "bulk", row_id) for row_id in changed),
    ]
    counts = {SHOP: {"campaigns": {"create": 1, "launch": 1}, "inventory": {"bulk": 2}}}
    assert api.sandbox.write_counts() == counts
    assert api.sandbox.writes("globex") == []
    served = requests.get(f"{api.sandbox.url}/_sandbox/writes", timeout=5).json()
    assert served["counts"] == counts
    assert [row["id"] for row in served["rows"][SHOP]] == [row.id for row in log]
    api.sandbox.reset()
    assert (api.sandbox.writes(SHOP), api.sandbox.write_counts()) == ([], {})


def test_the_command_line_says_where_the_switches_are() -> None:
    command = [sys.executable, "-m", "sumeru_sandbox", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for switch in ("keys", "refusals", "write_ms", "create_body", "bulk", "launch", "error_values"):
        assert switch in text
