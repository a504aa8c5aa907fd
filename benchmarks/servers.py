"""The server that is measured against, in a process of its own on the first core."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks import processes, rows
from sumeru_sandbox.spec.endpoints import TYPES
from sumeru_sandbox.world.shop_model import counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NOW = "2026-06-01T00:00:00Z"
HISTORY_START = "2024-06-01T00:00:00Z"
"""The first day of the sandbox's rows, 730 days before `NOW`."""


@dataclass(frozen=True)
class Server:
    """Where it is, and the shop's token."""

    url: str
    token: str

    def call(self, path: str, body: object = None, method: str | None = None) -> Any:  # noqa: ANN401 - JSON
        """Call a control endpoint of the sandbox."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data, method=method)  # noqa: S310 - ours
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            return json.load(answer)

    def latency(self, milliseconds: int) -> None:
        """Let each answer take so long."""
        self.call("settings", {"*": {"latency_ms": milliseconds}}, "PATCH")

    def spent(self) -> tuple[int, int]:
        """Return how many requests were made so far, and how many of them the rate limit refused."""
        stats = self.call("stats")
        return stats["requests"], stats["rate_limited"]

    def truth(self, stream: str, key: str = "", since: str = "") -> rows.Tally:
        """Count the rows that there are, from a moment on."""
        with urllib.request.urlopen(f"{self.url}/_sandbox/truth/acme/{stream}") as lines:  # noqa: S310 - ours
            found = (msgspec.json.decode(line) for line in lines)
            return rows.expected(row["id"] for row in found if not since or row[key] >= since)


def replayed(customers: int, stream: str, repeat: int) -> rows.Tally:
    """Count the rows of a stream that is served so often over."""
    prefix, count = TYPES[stream][1], counts(customers)[stream]
    return rows.expected(f"{prefix}{turn:02}{row:06}" for turn in range(repeat) for row in range(count))


@contextmanager
def _running(module: str, arguments: Iterable[str]) -> Iterator[Server]:
    command = [sys.executable, "-m", module, *arguments]
    # In a session of its own, Ctrl-C does not reach it: it is ended below.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        processes.pin(process.pid, 0)
        assert process.stdout is not None
        try:
            url = process.stdout.readline().split(": ")[1].strip()
            yield Server(url, process.stdout.readline().split()[1])
        finally:
            process.terminate()


@contextmanager
def sandbox(customers: int, *, journeys: int = 10, limit: int = 0, now: str = NOW) -> Iterator[Server]:
    """Run a sandbox whose clock begins at an instant; without one, at the present."""
    arguments = ["--port=0", "--shops=acme", f"--customers={customers}", f"--journeys={journeys}"]
    arguments += ["--plan=enterprise", f"--rate-limit={limit}", *([f"--now={now}"] if now else [])]
    with _running("sumeru_sandbox", arguments) as server:
        yield server


@contextmanager
def replay(customers: int, repeat: dict[str, int] | None = None, *, drift: bool = False) -> Iterator[Server]:
    """Run a server of the sandbox's pages."""
    arguments = [f"--customers={customers}", f"--now={NOW}"]
    arguments += [f"--repeat={stream}={times}" for stream, times in (repeat or {}).items()]
    with _running("benchmarks.replay", [*arguments, *(["--drift"] if drift else [])]) as server:
        yield server
