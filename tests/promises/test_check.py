"""`--check` and `--test`: what they find out, with at most three requests per stream and no record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.hanging_host import HangingHost, refusing_url
from support.scripted_api import END, Reply, Request, ScriptedApi
from support.tap_cli import Tap
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from pathlib import Path

    from sumeru_sandbox import Sandbox

Json = dict[str, Any]

SCOPES = ["customers:read", "orders:read", "products:read"]
SCOPED = {"customers", "orders", "products", "inventory", "usage"}


class Checked:
    """What a check has printed."""

    def __init__(self, tap: Tap, *options: str, streams: tuple[str, ...] = ()) -> None:
        output = tap.run_text([*tap.command(streams=streams), *options])
        self.code, self.text, self.log = output.returncode, output.stdout, output.stderr

    @property
    def report(self) -> Json:
        """The report of `--format json`."""
        return dict(json.loads(self.text))

    @property
    def streams(self) -> dict[str, Json]:
        """The streams of the first shop, by name."""
        return {one["stream"]: one for one in self.report["shops"][0]["streams"]}


def test_a_healthy_shop_passes_without_an_error_line(tap: Tap) -> None:
    checked = Checked(tap, "--check")
    assert checked.code == 0, checked.text
    assert checked.text.endswith("Check passed: 11 of 11 streams can be read.\n")
    assert "token accepted; no rate limit stated" in checked.text
    assert "ERROR" not in checked.log
    assert "RECORD" not in checked.text
    report = Checked(tap, "--check", "--format", "json").report
    assert report["passed"]
    assert 11 < report["shops"][0]["requests"] <= 33


def test_scopes_clock_filter_and_unknown_fields_are_told(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure(
        {
            "*": {"clock_offset_s": 600, "rows": [{"kind": "unknown_field"}]},
            "orders": {"clock_offset_s": 600, "date_filter": "ignored"},
        }
    )
    tap.config["api_token"] = sandbox.token("acme", scopes=SCOPES)
    checked = Checked(tap, "--check")
    assert checked.code == 1
    missing = "analytics:read, attribution:read, campaigns:read, journeys:read"
    assert f"The token lacks {missing}: grant them in Settings" in checked.text
    assert "The clock of this machine is 10 minutes behind the API's" in checked.text
    ignored = "orders: the API ignores the date filter, or rejects it, so each sync reads the whole stream."
    assert ignored in checked.text
    assert "loyalty_tier (object)" in checked.text
    assert '        loyalty_tier: {"type": ["object", "null"], "x-pii": "suspected"}' in checked.text
    assert checked.text.endswith("Check failed: 5 of 11 streams can be read.\n")
    assert "campaigns cannot be read: 403 forbidden" in checked.text
    requests = sandbox.stats()["shops"]["acme"]
    assert requests.keys() == STREAMS.keys() - {"enrollments"}  # no journey is known
    assert max(one["requests"] for one in requests.values()) <= 3


def test_the_report_for_machines_is_one_json_object(tap: Tap, sandbox: Sandbox) -> None:
    tap.config["api_token"] = sandbox.token("acme", scopes=SCOPES)
    checked = Checked(tap, "--check", "--format", "json")
    assert checked.code == 1
    assert not checked.report["passed"]
    (shop,) = checked.report["shops"]
    assert shop["requests_per_minute"] is None
    assert abs(shop["clock_offset_seconds"]) < 5
    assert shop["token_accepted"]
    assert {name for name, one in checked.streams.items() if one["can_be_read"]} == SCOPED
    assert checked.streams["orders"]["rows_with_replication_key"] == 100
    assert checked.streams["orders"]["date_filter"] == "proven"


def test_only_selected_streams_are_read(tap: Tap) -> None:
    checked = Checked(tap, "--check", "--format", "json", streams=("products", "usage"))
    assert set(checked.streams) == {"products", "usage"}


def test_the_test_of_the_sdk_is_the_check(tap: Tap, sandbox: Sandbox) -> None:
    checked = Checked(tap, "--test")
    assert checked.code == 0
    assert "Check passed" in checked.text
    assert "ERROR" not in checked.log
    tap.config["api_token"] = sandbox.token("acme", scopes=["orders:read"])
    assert Checked(tap, "--test").code == 1


def test_a_refused_token_is_one_line(tap: Tap) -> None:
    tap.config["api_token"] = "copt_test_" + "0" * 32
    checked = Checked(tap, "--check")
    assert checked.code == 1
    assert "token not accepted" in checked.text
    assert checked.text.count("401 unauthenticated") == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"error": {"code": "internal_error"}, "data": [], "pagination": END}),
        Reply("no JSON"),
        Reply({"data": {"items": []}}),
        Reply({}, 500),
        Reply({}, 418),
    ],
    ids=["error in a 200", "no JSON", "other envelope", "500", "418"],
)
def test_whatever_the_api_answers_the_check_ends_with_a_report(tmp_path: Path, reply: Reply) -> None:
    def script(request: Request) -> Reply:
        return reply if request.path == "orders" else Reply()

    with ScriptedApi(script) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1"})
        checked = Checked(tap, "--check", "--format", "json")
        assert len([one for one in api.requests if one.path == "orders"]) <= 3
    assert checked.code == 1
    assert [name for name, one in checked.streams.items() if not one["can_be_read"]] == ["orders"]


def test_no_value_and_no_control_character_is_in_the_report(tmp_path: Path) -> None:
    attributes = {"updated_at": "2026-05-10T00:00:00Z", "x\x1b[2K": "Jane"}
    rows = [{"id": "jane@example.com", "attributes": attributes}]
    with ScriptedApi(lambda _: Reply({"data": rows, "pagination": END})) as api:
        checked = Checked(Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1"}), "--check")
    assert "jane" not in (checked.text + checked.log).lower()
    assert "\x1b" not in checked.text


@pytest.mark.parametrize("option", ["--check", "--estimate", "--discover"])
@pytest.mark.parametrize("fault", ["refused", "silent", "unauthorized", "broken"])
def test_a_shop_that_cannot_be_read_at_all_is_named_once_without_waiting(
    tmp_path: Path, option: str, fault: str
) -> None:
    with (
        HangingHost() as hanging,
        ScriptedApi(lambda _: Reply({"error": {"code": "unauthenticated"}}, 401)) as refusing,
        ScriptedApi(lambda _: Reply({}, 502)) as broken,
    ):
        urls = {
            "refused": refusing_url(),
            "silent": hanging.url,
            "unauthorized": refusing.url,
            "broken": broken.url,
        }
        tap = Tap(tmp_path, {"api_url": urls[fault], "api_token": "copt_test_1", "shop": "acme"})
        tap.config |= {"discover_rows": 10, "request_timeout_seconds": 1}
        output = tap.run_text([*tap.command(), option])
    said = [line for line in output.stderr.splitlines() if "| ERROR" in line or "| WARNING" in line]
    assert output.returncode == (option != "--discover")
    if fault != "broken":  # a host that answers may answer others
        assert all("Shop acme" in line for line in said)
        assert len(said) == 1 + (option != "--discover")  # `discover_rows` reads first
        assert "in a row" not in output.stdout + output.stderr
    assert "accepted" not in output.stdout or "not accepted" in output.stdout
