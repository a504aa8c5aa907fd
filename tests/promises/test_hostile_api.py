"""The API limits, refuses or answers with malice: nothing waits for long, nothing private is shown."""

from __future__ import annotations

import gzip
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from support.scripted_api import END, Reply, Request, ScriptedApi, row
from support.tap_cli import Tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.tap_cli import Output

Json = dict[str, Any]
ROWS = [row(number) for number in range(3)]
PAGE = Reply({"data": ROWS, "pagination": END})
REFUSED: Json = {"error": {"code": "rate_limited", "message": "daily limit"}}
TOMORROW = datetime.now(UTC) + timedelta(days=1)
USED_UP = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0"}

AT_ONCE = """
import time, sumeru_api.rate_limiter as module
module._MAX_BACKOFF = 0.0
module.RateLimiter.__init__.__defaults__ = (lambda: 0.0, time.time)
from tap_sumeru.tap import TapSumeru
TapSumeru.cli()
"""
"""The tap, with pauses that take no time."""


def settings(api: ScriptedApi) -> Json:
    return {"api_url": api.url, "api_token": "copt_test_token", "shop": "acme", "max_retries": 0}


def sync(folder: Path, script: Callable[[Request], Reply]) -> Output:
    """Sync orders from an API that answers by a script."""
    with ScriptedApi(script) as api:
        return Tap(folder, settings(api)).sync(streams=("orders",))


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"Retry-After": "86400"}, "1440 minutes"),
        (503, {"Retry-After": "86400"}, "1440 minutes"),
        (429, {"Retry-After": "9" * 400}, "3650 days"),
        (503, {"Retry-After": "1e300"}, "3650 days"),
        (429, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, "3650 days"),
        (429, {"Retry-After": format_datetime(TOMORROW, usegmt=True), "Date": ""}, "14"),
        (429, {**USED_UP, "X-RateLimit-Reset": f"{TOMORROW.timestamp():.0f}", "Retry-After": "0"}, "14"),
        (200, {**USED_UP, "X-RateLimit-Reset": f"{TOMORROW.timestamp():.0f}"}, "14"),
    ],
)
def test_a_limit_of_a_day_fails_its_shop_at_once_and_no_other(
    tmp_path: Path, status: int, headers: dict[str, str], wait: str
) -> None:
    """Told by `Retry-After` in any form, or by the headers of the rate limit alone.

    As in waynerobinson/xeroizer#585 and apache/iggy#4168.
    """

    def script(request: Request) -> Reply:
        if request.token.endswith("limited"):
            return Reply(PAGE.body if status == 200 else REFUSED, status, headers)
        return PAGE

    shops = [{"shop": name, "api_token": f"copt_test_{name}"} for name in ("limited", "other")]
    streams = ("orders", "products", "campaigns")
    with ScriptedApi(script) as api:
        output = Tap(tmp_path, {"api_url": api.url, "shops": shops}).sync(streams=streams)
        sent = sum(request.token.endswith("limited") for request in api.requests)
    assert sent <= len(streams)
    assert output.code == 1
    assert f"the API asks for a wait of {wait}" in output.log, output.log
    assert "; run the tap again after 20" in output.log
    assert "Traceback" not in output.log
    for stream in streams:
        assert len(output.ids(stream, "other")) == 3
    assert len([line for line in output.errors if "limited" in line]) == 1


def test_sixty_refusals_without_a_wait_are_waited_out(tmp_path: Path) -> None:
    """As in elastic/connectors#1652. The pauses take no time here; a virtual clock tests how they grow."""

    def script(request: Request) -> Reply:
        return Reply(REFUSED, 429, {"Retry-After": "0"}) if request.number <= 60 else PAGE

    with ScriptedApi(script) as api:
        tap = Tap(tmp_path, settings(api))
        command = tap.command(streams=("orders",))
        command[1:3] = ["-c", AT_ONCE]
        output = tap.run(command)
    assert output.code == 0, output.log
    assert output.ids("orders") == ["row_0", "row_1", "row_2"]


def test_refusals_without_a_wait_are_not_repeated_at_once(tmp_path: Path) -> None:
    times: list[float] = []

    def script(request: Request) -> Reply:
        times.append(time.monotonic())
        return Reply(REFUSED, 429, {"Retry-After": "0"}) if request.number <= 2 else PAGE

    output = sync(tmp_path, script)
    assert output.code == 0, output.log
    first, second, third = times[:3]
    assert (second - first >= 1.0, third - second >= 2.0) == (True, True)


MESSAGES = [
    "x" * 200_000,
    "a b " * 50_000,
    '"' * 200_000,
    "\x1b[2K ok \u202e\x07\x00 \u200b",
    "\u2028\r\nERROR fake",
    "\u2066\u00ad\ufeff\U000e0041\u0301 \ud800",
]


@pytest.mark.parametrize("status", [200, 403, 503])
@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_a_hostile_error_is_cut_and_holds_no_control_characters(
    tmp_path: Path, message: str, status: int
) -> None:
    """As in quarkiverse/quarkus-http-problem#663."""
    error = {"code": message, "message": message, "request_id": message, "details": {message: message}}
    headers = {"X-Cache": "\x1b[2K", "X-RateLimit-Limit": "\x1b[31m", "Retry-After": "\x1b[2K"}
    output = sync(tmp_path, lambda _: Reply({"error": error}, status, headers if status == 403 else {}))
    assert output.code == 1
    (line,) = [line for line in output.errors if "orders failed" in line]
    assert len(line) < 700
    shown = output.log.replace("Settings → API tokens", "").replace("\n", "")
    assert shown.isascii()
    assert shown.isprintable()


def bomb(megabytes: int) -> bytes:
    """Return spaces, compressed."""
    return gzip.compress(b" " * (1 << 20)) * megabytes


@pytest.mark.parametrize("status", [200, 403])
def test_a_body_that_unpacks_to_gigabytes_fails_its_stream(tmp_path: Path, status: int) -> None:
    """As in aio-libs/aiohttp#8248."""
    packed = Reply(bomb(4096), status, {"Content-Encoding": "gzip"})
    output = sync(tmp_path, lambda _: packed)
    assert output.code == 1
    assert "the answer is larger than 128 MiB" in output.log
    assert "replication_key_value" not in output.bookmark("orders")


def test_sigterm_ends_a_run_that_unpacks_one_body_after_another(tmp_path: Path) -> None:
    first = Reply({"data": ROWS, "pagination": {"next_cursor": "c1", "has_next": True}})
    packed = Reply(bomb(120), 200, {"Content-Encoding": "gzip"})
    with ScriptedApi(lambda request: packed if "cursor" in request.params else first) as api:
        tap = Tap(tmp_path, {**settings(api), "max_retries": 1000})
        command = tap.command(streams=("orders",))
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        while '"RECORD"' not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 143
