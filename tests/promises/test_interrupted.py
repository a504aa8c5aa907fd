"""Interrupted runs: the last STATE covers exactly what was written, and the exit code states the cause."""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from support.started_tap import LONG, SIGNALS, finish, full, requested, start, wait_until
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Output, Tap


@pytest.mark.parametrize(
    ("fault", "requests", "how", "code"),
    [
        ({"kind": "hang", "seconds": LONG, "after": 1}, 3, *SIGNALS[0]),
        ({"kind": "hang", "seconds": LONG, "after": 1}, 3, *SIGNALS[1]),
        ({"kind": "status", "status": 429, "retry_after": 60, "after": 1}, 2, *SIGNALS[0]),
        ({"kind": "status", "status": 503, "retry_after": 60, "after": 1}, 3, *SIGNALS[0]),
    ],
    ids=["answer-SIGTERM", "answer-SIGINT", "pause-SIGTERM", "backoff-SIGTERM"],
)
def test_a_signal_during_a_wait_ends_the_run_with_a_state(
    tap: Tap, sandbox: Sandbox, fault: dict[str, Any], requests: int, how: signal.Signals, code: int
) -> None:
    sandbox.configure({"*": {"page_cap": 50, "faults": [fault]}})
    process = start(tap, streams=("customers", "orders"))
    wait_until(requested(sandbox, requests))
    process.send_signal(how)
    output = finish(process)
    assert output.code == code
    assert output.messages[-1]["type"] == "STATE"
    assert output.log.splitlines()[-1].endswith(
        f"Stopped by {how.name}. The next run continues from the last STATE."
    )
    assert "replication_key_value" not in output.bookmark("orders")


def test_a_signal_while_a_connection_hangs_ends_the_run(tap: Tap) -> None:
    with ExitStack() as stack:
        # A listener with a full queue leaves new connections unanswered.
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)  # noqa: FBT003 - the standard library's own signature
            client.connect_ex(listener.getsockname())
        process = start(tap, streams=("orders",), api_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert process.stdout is not None
        schema = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        output = finish(process)
    assert '"SCHEMA"' in schema
    assert output.code == 143
    assert {message["type"] for message in output.messages} == {"STATE"}


def test_a_second_signal_ends_a_run_whose_target_has_stopped_reading(tap: Tap) -> None:
    reading, writing = os.pipe()
    process = start(tap, stdout=writing)
    wait_until(lambda: full(writing))
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        threading.Event().wait(0.05)
    os.close(reading)
    os.close(writing)
    assert finish(process).code == 143


TARGET_EXITED = (
    "Stopped: the target has closed its input; its log says why. The next run continues from the last STATE."
)


@pytest.mark.parametrize("at", ["the first line", "a full pipe"])
def test_a_target_that_exits_is_reported_in_one_line(tap: Tap, at: str) -> None:
    reading, writing = os.pipe()
    process = start(tap, stdout=writing)
    if at == "a full pipe":
        wait_until(lambda: full(writing))
    else:
        os.read(reading, 1)
    os.close(reading)
    os.close(writing)
    output = finish(process)
    assert output.code == 1
    assert output.errors == [TARGET_EXITED]


def test_a_target_that_exits_before_the_last_state_is_reported_in_one_line(
    tap: Tap, sandbox: Sandbox
) -> None:
    sandbox.configure({"*": {"faults": [{"kind": "hang", "seconds": LONG}]}})
    reading, writing = os.pipe()
    process = start(tap, stdout=writing, streams=("orders",))
    wait_until(requested(sandbox, 1))
    os.close(reading)
    os.close(writing)
    process.send_signal(signal.SIGTERM)
    output = finish(process)
    assert output.code == 1
    assert output.errors == [TARGET_EXITED]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_reported_in_one_line(
    tap: Tap, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with open("/dev/full", "w") as disk:  # noqa: PTH123 - a device, not a path of ours
        output = finish(start(tap, stdout=disk))
    assert output.code == 1
    assert output.errors == [
        (
            "Stopped: stdout cannot be written (No space left on device). "
            "The next run continues from the last STATE."
        )
    ]


@pytest.mark.parametrize("mode", [(), ("--test",)])
def test_a_closed_stdout_is_reported_in_one_line(tap: Tap, mode: tuple[str, ...]) -> None:
    output = tap.run(["sh", "-c", 'exec "$@" >&-', "sh", *tap.command(), *mode])
    assert output.code == 1
    assert "Traceback" not in output.log
    assert ["stdout is closed" in line for line in output.errors] == [True]


def test_an_interrupted_backfill_continues_at_the_first_incomplete_window(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"orders": {"latency_ms": 50}})
    days, length = 720, 10
    since = (sandbox.now() - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    backfill: dict[str, Any] = {"streams": ("orders",), "start_date": since, "window_days": length}
    process = start(tap, concurrency=2, **backfill)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if sum('"STATE"' in one for one in lines) == 3:
            process.kill()
    stopped = finish(process, "".join(lines))
    assert stopped.code == -signal.SIGKILL
    bookmark = stopped.bookmark("orders")["replication_key_value"]
    reached = datetime.fromisoformat(bookmark)
    assert since < bookmark

    before = sandbox.stats()["requests"]
    again = tap.sync(stopped.state, **backfill)
    queries = sandbox.stats()["shops"]["acme"]["orders"]["queries"][before:]
    left = (sandbox.now() - reached).days // length + 2
    assert left - 1 <= len(queries) <= left < days // length
    asked_from = min(dict(parse_qsl(query))["filter[date_from]"] for query in queries)
    assert asked_from >= (reached - timedelta(days=2)).date().isoformat()
    covered = {m["record"]["id"] for m in stopped.messages[: _last_state(stopped)] if m["type"] == "RECORD"}
    wanted = {row["id"] for row in sandbox.truth("acme", "orders") if row["updated_at"] >= since}
    assert covered | set(again.ids("orders")) >= wanted


@pytest.mark.parametrize(("how", "code"), SIGNALS)
def test_a_signal_ends_the_run_after_the_current_page_with_a_last_state(
    tap: Tap, sandbox: Sandbox, how: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "PYTHONUNBUFFERED", "1"
    )  # as container images set it; a signal may then interrupt a write
    sandbox.configure({"*": {"latency_ms": 100}})
    output = tap.sync_and_stop(40, how, window_days=1)
    assert output.code == code, output.log
    assert output.messages[-1]["type"] == "STATE"
    assert "Traceback" not in output.log
    again = tap.sync(output.state)
    for stream in STREAMS:
        truth = {row["id"] for row in sandbox.truth("acme", stream)}
        assert {*output.ids(stream), *again.ids(stream)} == truth


def test_kill_9_loses_no_row(tap: Tap, sandbox: Sandbox) -> None:
    """The rows before the last STATE and the rows of the next run are together all rows."""
    sandbox.configure({"*": {"latency_ms": 20}})
    for after in (1, 700):
        output = tap.sync_and_stop(after)
        assert output.code == -signal.SIGKILL
        again = tap.sync(output.state)
        covered = output.messages[: _last_state(output)]
        for stream in STREAMS:
            truth = {row["id"] for row in sandbox.truth("acme", stream)}
            first = {m["record"]["id"] for m in covered if m["type"] == "RECORD" and m["stream"] == stream}
            assert first | set(again.ids(stream)) == truth, stream


def _last_state(output: Output) -> int:
    places = [index for index, message in enumerate(output.messages) if message["type"] == "STATE"]
    return places[-1] if places else 0
