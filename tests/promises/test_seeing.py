"""Promise 6, never silent: a long run shows that it is alive, and the log ends with what failed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from support.canary_api import CanaryApi
from support.hanging_host import HangingHost
from support.isolated_run import assert_private, config_of, without_records
from support.scripted_api import Reply, Request, ScriptedApi, row
from support.tap_cli import Tap
from support.watched_run import QUICK, WatchedRun
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.shops import shard_of

if TYPE_CHECKING:
    from pathlib import Path

    from sumeru_sandbox import Sandbox
    from support.isolated_run import IsolatedRun

UNTIL = r"\d\d:\d\d:\d\d UTC"


def command_line(folder: Path, url: str, **config: Any) -> Tap:
    return Tap(folder, {"api_url": url, "api_token": "copt_test_one", "shop": "acme", **config})


def long_list(request: Request, *, filler: str = "", hold: threading.Event | None = None) -> Reply:
    """Return a page of a list that never ends by itself; the third page waits for an event."""
    number = int(request.params.get("cursor", "0")) + 1
    if hold is not None and number == 3:
        hold.wait(60)
    ends = hold is not None and hold.is_set()
    rows = [row(number, note=filler)]
    paging = {"has_next": not ends, "next_cursor": None if ends else str(number)}
    return Reply({"data": rows, "pagination": paging}, headers={"X-RateLimit-Limit": "60000"})


def test_a_long_list_shows_its_rows_requests_and_pages(tmp_path: Path) -> None:
    hold = threading.Event()
    with (
        ScriptedApi(lambda one: long_list(one, hold=hold)) as api,
        WatchedRun(command_line(tmp_path, api.url), "orders") as run,
    ):
        run.seen("Reading 1 stream of 1 shop (acme), all history up to now: orders.")
        run.seen("Pace: at most 60000 requests per minute.")
        run.seen("orders: 2 records, 2 requests; 2 pages, total unknown.", times=3)
        hold.set()
        assert run.finish() == 0


def test_a_windowed_read_shows_the_date_that_it_has_reached(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"attribution": {"faults": [{"kind": "hang", "seconds": 1, "after": 3, "times": 1}]}})
    with WatchedRun(tap, "attribution", start_date="2026-01-01", concurrency=1) as run:
        line = run.seen("% of 2026-01-01 to ")
        assert re.search(r"; at 20\d\d-\d\d-\d\d, \d+ % of 2026-01-01 to 20\d\d-\d\d-\d\d[.;]", line)
        assert run.finish() == 0


def test_a_pause_of_the_rate_limit_is_told_while_it_lasts(tmp_path: Path) -> None:
    def script(request: Request) -> Reply:
        return Reply(status=429, headers={"Retry-After": "3"}) if request.number == 1 else Reply()

    with ScriptedApi(script) as api, WatchedRun(command_line(tmp_path, api.url), "orders") as run:
        line = run.seen("waiting for the rate limit until", times=3)
        assert re.fullmatch(rf"Shop acme: waiting for the rate limit until {UNTIL}\.", line)
        assert "orders: 0 records, 1 request; no response yet." in run.log
        assert run.finish() == 0


def test_a_host_that_hangs_is_told_while_it_does(tmp_path: Path) -> None:
    with (
        HangingHost() as host,
        WatchedRun(command_line(tmp_path, host.url), "orders", request_timeout_seconds=30) as run,
    ):
        line = run.seen("no response for", times=3)
        silent = rf"no response for \d+ s; the request times out at {UNTIL}"
        assert re.fullmatch(rf"Shop acme: {silent}\.", line)
        run.process.send_signal(signal.SIGTERM)
        assert run.finish() == 143


def test_a_wait_before_a_retry_is_told_while_it_lasts(tmp_path: Path) -> None:
    def script(request: Request) -> Reply:
        return Reply(status=503, headers={"Retry-After": "3"}) if request.number == 1 else Reply()

    with ScriptedApi(script) as api, WatchedRun(command_line(tmp_path, api.url), "orders") as run:
        run.seen("; retrying in 3 s.")
        line = run.seen("waiting after a failed request", times=2)
        assert re.fullmatch(rf"Shop acme: waiting after a failed request until {UNTIL}\.", line)
        assert run.finish() == 0


def test_a_target_that_does_not_read_is_told_while_it_lasts_and_during_a_slow_stop(tmp_path: Path) -> None:
    with (
        ScriptedApi(lambda one: long_list(one, filler="x" * 40_000)) as api,
        WatchedRun(command_line(tmp_path, api.url), "orders") as run,
    ):
        line = run.seen("Waiting for the target", times=3)
        assert re.fullmatch(r"Waiting for the target: no output was accepted for \d+ s\.", line)
        run.process.send_signal(signal.SIGTERM)
        run.seen("Waiting for the target", times=3)
        assert run.finish() == 143
        assert run.log[-1].startswith("Stopped by SIGTERM.")


def test_the_log_ends_with_the_failures_and_the_summaries_come_before(many: Tap, shops: Sandbox) -> None:
    shops.configure({"globex/orders": {"faults": [{"kind": "status", "status": 403}]}})
    output = many.sync(streams=("campaigns", "orders"))
    log = [line.split(" | ")[-1].strip() for line in output.log.splitlines()]
    assert log[-1].startswith("Shop globex: orders failed: 403")
    assert log[-2].startswith("Sync incomplete: ")
    (summary,) = (json.loads(line.removeprefix("SUMMARY: ")) for line in log if line.startswith("SUMMARY: "))
    assert (summary["complete"], summary["exit_code"], summary["failed"]) == (False, 1, 1)
    assert summary["rows"] == sum(output.counts().values())
    assert summary["requests"] == shops.stats()["requests"]
    assert summary["requests"] == sum(one["requests"] for one in summary["streams"].values())
    assert {name: one["rows"] for name, one in summary["streams"].items()} == output.counts()
    metrics = [json.loads(line.removeprefix("METRIC: ")) for line in log if line.startswith("METRIC: ")]
    records = {one["tags"]["stream"]: one["value"] for one in metrics if one["metric"] == "record_count"}
    assert records == output.counts()


def test_progress_metrics_and_requests_at_debug_hold_no_value(isolated: IsolatedRun) -> None:
    with CanaryApi(pages=12) as api:
        command, env = isolated.command(config=config_of(api))
        command[1:3] = ["-c", QUICK]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert_private(done.stderr, without_records(done.stdout))
    requests = re.findall(r"GET (\S+): 200 in \d+ ms, \d+ bytes", done.stderr)
    assert set(requests) == {spec.path.replace("{parent}", "{id}") for spec in STREAMS.values()}
    for text in ("pages, total unknown", "METRIC: ", "SUMMARY: ", "journeys read"):
        assert text in done.stderr


@pytest.mark.parametrize(
    ("levels", "shown"),
    [
        ({"LOGLEVEL": "DEBUG"}, {"DEBUG", "INFO"}),
        ({"LOGLEVEL": "ERROR", "TAP_SUMERU_LOGLEVEL": "info"}, {"INFO"}),
        ({"LOGLEVEL": "", "TAP_SUMERU_LOGLEVEL": " "}, {"INFO"}),
        ({"TAP_SUMERU_LOGLEVEL": "WARNING"}, set()),
    ],
)
def test_the_log_level_is_obeyed(tap: Tap, sandbox: Sandbox, levels: dict[str, str], shown: set[str]) -> None:
    assert sandbox.counts()["acme"]["campaigns"]
    output = tap.run(tap.command(streams=("campaigns",)), levels)
    assert output.code == 0
    assert {line.split(" | ")[1].strip() for line in output.log.splitlines()} == shown


def test_a_log_level_that_does_not_exist_is_one_line(tap: Tap) -> None:
    output = tap.run(tap.command(), {"TAP_SUMERU_LOGLEVEL": "loud"})
    assert (output.code, output.lines) == (1, [])
    assert output.log == "TAP_SUMERU_LOGLEVEL: must be DEBUG, INFO, WARNING, ERROR or CRITICAL.\n"


def test_a_shard_without_shops_is_told_and_complete(many: Tap) -> None:
    taken = {shard_of(shop["shop"], 7) for shop in many.config["shops"]}
    empty = next(i for i in range(1, 8) if i not in taken)
    output = many.sync(shard=f"{empty}/7")
    assert output.code == 0
    assert f"Shard {empty}/7 has no shops: there is nothing to read." in output.log
    assert output.last_line.startswith("Sync done: 0 records, 0 requests, ")
