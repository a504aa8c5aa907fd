"""The command line, the `Sandbox` object, the control endpoints and the live events."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sumeru_sandbox import Sandbox
from sumeru_sandbox.server.api import Api
from sumeru_sandbox.server.app import application
from sumeru_sandbox.server.options import Options
from sumeru_sandbox.spec.endpoints import TYPES
from sumeru_sandbox.world.clock import Clock

if TYPE_CHECKING:
    from collections.abc import MutableMapping

COMMAND = [sys.executable, "-W", "error", "-m", "sumeru_sandbox"]
NOW = "2026-05-10T14:00:00Z"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_command_says_where_it_listens_and_stops_at_once_and_quietly(
    number: signal.Signals, code: int
) -> None:
    command = [*COMMAND, "--port", "0", "--shops", "acme,globex", "--customers", "100", "--now", NOW]
    command += ["--set", "acme/orders.page_cap=3", "--set", "*.shape=flat"]
    command += ["--set", 'usage.faults=[{"kind": "hang"}]']
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        lines = [process.stdout.readline() for _ in range(3)]
        match = re.fullmatch(r"sumeru-sandbox: (http://127\.0\.0\.1:\d+)\n", lines[0])
        shop = re.fullmatch(
            r"  acme  (copt_test_[0-9A-Za-z]{32})  \(agency, 1500 requests per minute\)\n", lines[1]
        )
        assert match
        assert shop
        assert lines[2].startswith("  globex  copt_test_")
        token = {"Authorization": f"Bearer {shop[1]}"}
        with requests.Session() as session:
            rows = session.get(f"{match[1]}/api/v1/orders", headers=token, timeout=5).json()["data"]
            assert len(rows) == 3
            assert "updated_at" in rows[0]
            with pytest.raises(requests.Timeout):
                session.get(f"{match[1]}/api/v1/usage", headers=token, timeout=0.2)
            start = time.monotonic()
            process.send_signal(number)
            assert process.wait(timeout=5) == code
        assert time.monotonic() - start < 2
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--customers", "99"],
        ["--plan", "gold"],
        ["--shops", "acme,acme"],
        ["--shops", "a/b"],
        ["--now", "soon"],
        ["--rate-limit", "10"],
        ["--set", "orders.page_cap"],
        ["--set", "orders.page_cap=many"],
        ["--host", "0.0.0.0"],  # noqa: S104 - refused
        ["--host", "nowhere"],
        ["--port", "99999"],
    ],
)
def test_bad_arguments_get_one_clear_line(arguments: list[str]) -> None:
    result = subprocess.run(
        [*COMMAND, "--port", "0", *arguments], capture_output=True, text=True, timeout=20, check=False
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("sumeru-sandbox: ")
    assert result.stderr.count("\n") == 1


def test_importing_the_package_starts_nothing_and_loads_no_server() -> None:
    code = "import sumeru_sandbox, sys; sys.exit('uvicorn' in sys.modules or 'starlette' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_sandbox_leaves_no_thread_behind_even_with_an_open_connection() -> None:
    before = set(threading.enumerate())
    with Sandbox() as sandbox, requests.Session() as session:
        sandbox.configure({"usage": {"faults": [{"kind": "hang", "seconds": 60}]}})
        session.get(f"{sandbox.url}/openapi.json", timeout=5)
        with pytest.raises(requests.Timeout):
            session.get(f"{sandbox.url}/api/v1/usage", headers=bearer(sandbox), timeout=0.2)
    assert set(threading.enumerate()) == before


def bearer(sandbox: Sandbox, shop: str = "acme") -> dict[str, str]:
    return {"Authorization": f"Bearer {sandbox.token(shop)}"}


def test_the_truth_and_the_counts_are_what_the_api_gives() -> None:
    with Sandbox(now=NOW) as sandbox:
        for stream in ("customers", "products", "usage"):
            truth = sandbox.truth("acme", stream)
            answer = requests.get(
                f"{sandbox.url}/api/v1/{stream}", params={"limit": "100"}, headers=bearer(sandbox), timeout=5
            )
            rows = answer.json(parse_float=Decimal)["data"]
            assert [{"id": row["id"], **row["attributes"]} for row in rows] == truth
            assert sandbox.counts()["acme"][stream] == len(truth)
            lines = requests.get(f"{sandbox.url}/_sandbox/truth/acme/{stream}", timeout=5).text.splitlines()
            assert len(lines) == len(truth)
        assert requests.get(f"{sandbox.url}/_sandbox/truth/acme/nothing", timeout=5).status_code == 404


def test_the_control_endpoints_show_shops_tokens_and_what_was_asked() -> None:
    with Sandbox(shops=("acme", "globex")) as sandbox:
        control = f"{sandbox.url}/_sandbox"
        shops = requests.get(f"{control}/shops", timeout=5).json()
        assert [shop["name"] for shop in shops] == ["acme", "globex"]
        assert shops[0]["token"] == sandbox.token("acme")
        body: dict[str, Any] = {"shop": "acme", "scopes": ["orders:read"], "plan": "free"}
        token = requests.post(f"{control}/tokens", json=body, timeout=5).json()["token"]
        assert token != sandbox.token("acme")
        for path, status in (("orders?limit=1", 200), ("customers", 403)):
            answer = requests.get(
                f"{sandbox.url}/api/v1/{path}", headers={"Authorization": f"Bearer {token}"}, timeout=5
            )
            assert answer.status_code == status
        report = requests.get(f"{control}/stats", timeout=5).json()
        assert report == sandbox.stats()
        assert report["shops"]["acme"]["orders"]["queries"] == ["limit=1"]
        assert report["shops"]["acme"]["customers"]["errors"] == 1
        for body in (
            {"shop": "nobody"},
            {"shop": "acme", "scopes": ["all"]},
            {"shop": "acme", "plan": "gold"},
        ):
            assert requests.post(f"{control}/tokens", json=body, timeout=5).status_code == 422


@pytest.mark.parametrize("path", ["shops", "settings", "counts"])
def test_whoever_is_not_on_this_machine_finds_no_control_endpoints(path: str) -> None:
    app = application(Api(Options(("acme",), 100), Clock()))
    statuses = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    for host in ("127.0.0.1", "::1", "192.0.2.7"):
        scope = {"type": "http", "method": "GET", "path": f"/_sandbox/{path}", "client": (host, 50000)}
        asyncio.run(app({**scope, "headers": [], "query_string": b""}, receive, send))
    assert statuses == [200, 200, 404]


def test_the_clock_can_be_moved_and_a_row_be_put_and_deleted() -> None:
    with Sandbox(now=NOW) as sandbox:
        assert abs(sandbox.now() - datetime(2026, 5, 10, 14, tzinfo=UTC)).total_seconds() < 5
        requests.post(f"{sandbox.url}/_sandbox/advance", json={"seconds": 3600}, timeout=5)
        assert sandbox.now().hour == 15
        sandbox.put("acme", "orders", "ord_00000000", note="changed")
        sandbox.put("acme", "orders", "ord_new", total_price=12.5, updated_at="2026-01-01T00:00:00Z")
        sandbox.delete("acme", "orders", "ord_00000001")
        truth = {row["id"]: row for row in sandbox.truth("acme", "orders")}
        assert truth["ord_00000000"]["updated_at"].startswith("2026-05-10T15:00:0")
        assert truth["ord_new"]["updated_at"] == "2026-01-01T00:00:00Z"
        assert "ord_00000001" not in truth
        url = f"{sandbox.url}/api/v1/orders"
        assert requests.get(f"{url}/ord_new", headers=bearer(sandbox), timeout=5).status_code == 200
        assert requests.get(f"{url}/ord_00000001", headers=bearer(sandbox), timeout=5).status_code == 404
        assert sandbox.counts()["acme"]["orders"] == 300
        sandbox.reset()
        assert "ord_new" not in {row["id"] for row in sandbox.truth("acme", "orders")}


def test_a_reset_goes_back_to_the_first_settings() -> None:
    with Sandbox(settings={"orders": {"page_cap": 3}}) as sandbox:
        sandbox.configure({"orders": {"page_cap": 5, "shape": "flat"}})
        requests.post(f"{sandbox.url}/_sandbox/reset", timeout=5)
        settings = requests.get(f"{sandbox.url}/_sandbox/settings", timeout=5).json()
        assert settings == {"orders": {"page_cap": 3}}


def lived() -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a shop after two days with live events."""
    api = Api(Options(("acme",), 300, now=1_778_421_600, live=100), Clock(1_778_421_600))
    api.clock.advance(2 * 86400 - 600)
    api.catch_up()
    return {stream: list(api.truth("acme", stream)) for stream in TYPES}


def test_a_lively_shop_makes_changes_erases_and_merges_always_in_the_same_way() -> None:
    before = Api(Options(("acme",), 300, now=1_778_421_600), Clock(1_778_421_600))
    after = lived()
    assert after == lived()
    stale = {stream: {row["id"]: row for row in before.truth("acme", stream)} for stream in TYPES}
    fresh = {stream: {row["id"]: row for row in rows} for stream, rows in after.items()}
    for stream in ("customers", "orders", "attribution", "enrollments"):
        assert fresh[stream].keys() - stale[stream].keys()
    for stream in ("customers", "orders", "inventory", "journeys", "products", "campaigns"):
        changed = [
            key
            for key in fresh[stream].keys() & stale[stream].keys()
            if fresh[stream][key] != stale[stream][key]
        ]
        assert changed
        assert all(fresh[stream][key]["updated_at"] > stale[stream][key]["updated_at"] for key in changed)
    assert stale["customers"].keys() - fresh["customers"].keys()
    assert any(
        row["email"] is None and stale["customers"].get(key, row)["email"]
        for key, row in fresh["customers"].items()
    )
    assert len(fresh["decision_intelligence_runs"]) - len(stale["decision_intelligence_runs"]) == 47
    assert len(fresh["usage"]) - len(stale["usage"]) == 2
    for stream, field, target in (
        ("orders", "customer_id", "customers"),
        ("enrollments", "customer_id", "customers"),
        ("attribution", "order_id", "orders"),
        ("attribution", "customer_id", "customers"),
    ):
        assert {row[field] for row in after[stream]} <= fresh[target].keys()
