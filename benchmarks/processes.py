"""Runs a command, and returns its wall time, its CPU with that of its children, and its peak memory."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@dataclass(frozen=True)
class Usage:
    """The resources that a command used; `rss_mib` is the peak of the largest of its processes."""

    code: int
    wall: float
    cpu: float
    rss_mib: float


def pin(pid: int, core: int | None) -> None:
    """Pin a process and its future children to the first core (0) or the last (-1); None for all cores."""
    if CORES:
        os.sched_setaffinity(pid, CORES if core is None else {CORES[core]})


def start(
    command: Sequence[str],
    log: Path,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a command with its stderr in a file, and without the environment variables of Python.

    Those would decide whether modules are compiled and whether output is buffered. Every client runs as in an
    ordinary installation instead.
    """
    with log.open("wb") as errors:
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=errors,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        )


def finish(process: subprocess.Popen[bytes], began: float) -> Usage:
    """Wait for a command, and return the resources that the kernel charged to it.

    If the wait is interrupted, the command is killed.
    """
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.send_signal(signal.SIGKILL)
        process.wait()
        raise
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return Usage(process.returncode, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def run(command: Sequence[str], log: Path) -> Usage:
    """Run a command with its output to /dev/null."""
    began = time.monotonic()
    return finish(start(command, log), began)


def output(command: Sequence[str], log: Path) -> bytes:
    """Run a command and return its output."""
    began = time.monotonic()
    written = log.with_suffix(".out")
    with written.open("wb") as stdout:
        finish(start(command, log, stdout), began)
    return written.read_bytes()


def piped(command: Sequence[str], into: Sequence[str], log: Path) -> tuple[Usage, Usage, bytes]:
    """Run a command whose output another one reads; return the usage of both, and the output of the other."""
    began = time.monotonic()
    first = start(command, log, subprocess.PIPE)
    assert first.stdout is not None
    output = log.with_suffix(".out")
    with output.open("wb") as written:
        second = start(into, log.with_suffix(".into.log"), written, first.stdout)
    first.stdout.close()
    try:
        usage = finish(first, began)
        return usage, finish(second, began), output.read_bytes()
    finally:
        if second.returncode is None:
            second.kill()
