"""A tap that was started and not awaited: wait for what it does, send it a signal, read its output."""

from __future__ import annotations

import select
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from support.tap_cli import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from sumeru_sandbox import Sandbox
    from support.tap_cli import Tap

SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
LONG = 3600
"""Seconds of a wait that only a signal ends."""

_STARTED: list[subprocess.Popen[str]] = []


def start(tap: Tap, *options: str, stdout: Any = subprocess.PIPE, **config: Any) -> subprocess.Popen[str]:
    """Start the tap."""
    return start_command([*tap.command(**config), *options], stdout=stdout, cwd=tap.folder)


def start_command(command: list[str], **options: Any) -> subprocess.Popen[str]:
    """Start a command; its output is text, and goes into pipes by default."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process: subprocess.Popen[str] = subprocess.Popen(command, **pipes | options)
    _STARTED.append(process)
    return process


def finish(process: subprocess.Popen[str], read: str = "") -> Output:
    """Wait until a process ends; `read` is the output that was read before."""
    out, log = process.communicate(timeout=60)
    assert "Traceback" not in log
    lines = (read + (out or "")).splitlines(keepends=True)
    if process.returncode == -signal.SIGKILL:
        lines = [line for line in lines if line.endswith("\n")]
    return Output(process.returncode, lines, log)


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll a condition until it is true, for half a minute at most."""
    for _ in range(3000):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("the condition did not become true in time")


def ended_by(process: subprocess.Popen[str], how: signal.Signals) -> bool:
    """Send a signal; return whether the process had ended before."""
    process.send_signal(how)
    return process.poll() is not None


def requested(sandbox: Sandbox, times: int) -> Callable[[], bool]:
    """Return a condition for `wait_until`: the sandbox has received so many requests."""
    return lambda: sandbox.stats()["requests"] >= times


def full(pipe: int) -> bool:
    """Return whether a pipe is full, so that writing to it blocks."""
    return not select.select([], [pipe], [], 0)[1]


def kill_all() -> None:
    """Kill what has been started and has not ended."""
    while _STARTED:
        process = _STARTED.pop()
        process.kill()
        process.communicate()
