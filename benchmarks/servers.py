"""The server that the clients read, in a process of its own on the first core."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import psutil

from benchmarks import processes, rows
from benchmarks.environments import CACHE
from benchmarks.sandbox import COMMAND, TYPES, counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

NOW = "2026-06-01T00:00:00Z"
HISTORY_START = "2024-06-01T00:00:00Z"
"""The first day of the sandbox's rows, 730 days before `NOW`."""

REQUESTS = "/requests"
"""Path at which a replay server says how many requests it got."""


def shop(number: int) -> str:
    """Return the name of one of many shops."""
    return f"shop{number:05}"


def token(number: int) -> str:
    """Return the token of one of a replay server's shops."""
    return f"copt_test_{number:032}"


@dataclass(frozen=True)
class Server:
    """Address, token and process of a server; `ca` is the certificate to trust if it serves TLS."""

    url: str
    token: str
    pid: int
    ca: Path | None = None

    def get(self, path: str) -> bytes:
        """Request a path with the shop's token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(self.url + path, headers=headers)  # noqa: S310 - our own server
        context = ssl.create_default_context(cafile=self.ca) if self.ca else None
        with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310 - as above
            body: bytes = answer.read()
            return body

    def cpu(self) -> float:
        """Return the CPU seconds that the server took so far."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def replayed(self) -> tuple[int, int]:
        """Return how many requests a replay server got so far, and how many its rate limit refused."""
        requests, refused = json.loads(self.get(REQUESTS))
        return requests, refused

    def call(self, path: str, body: object = None, method: str | None = None) -> Any:  # noqa: ANN401 - JSON
        """Call a control endpoint of the sandbox."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data, method=method)  # noqa: S310 - ours
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            return json.load(answer)

    def latency(self, milliseconds: int) -> None:
        """Set the latency of each response."""
        self.call("settings", {"*": {"latency_ms": milliseconds}}, "PATCH")

    def spent(self) -> tuple[int, int]:
        """Return how many requests the sandbox got so far, and how many its rate limit refused."""
        stats = self.call("stats")
        return stats["requests"], stats["rate_limited"]

    def truth(self, stream: str, key: str = "", since: str = "") -> rows.Tally:
        """Count the rows of a stream, from a timestamp on."""
        with urllib.request.urlopen(f"{self.url}/_sandbox/truth/acme/{stream}") as lines:  # noqa: S310 - ours
            found = (msgspec.json.decode(line) for line in lines)
            return rows.expected(row["id"] for row in found if not since or row[key] >= since)


def replayed(customers: int, stream: str, repeat: int = 1, shops: int = 0) -> rows.Tally:
    """Count the rows of a stream that is repeated, in one shop, or in several and then by shop."""
    prefix, count = TYPES[stream][1], counts(customers)[stream]
    names = [f"{shop(number)}/" for number in range(shops)] or [""]
    return rows.expected(
        f"{name}{prefix}{turn:02}{row:06}" for name in names for turn in range(repeat) for row in range(count)
    )


@contextmanager
def _running(module: str, arguments: Iterable[str]) -> Iterator[Server]:
    command = [sys.executable, "-m", module, *arguments]
    # In a session of its own, Ctrl-C does not reach it: it is ended below.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        processes.pin(process.pid, 0)
        assert process.stdout is not None
        try:
            url = process.stdout.readline().split(": ")[1].strip()
            yield Server(url, process.stdout.readline().split()[1], process.pid)
        finally:
            process.terminate()


@contextmanager
def sandbox(customers: int, *, journeys: int = 10, limit: int = 0, now: str = NOW) -> Iterator[Server]:
    """Run a sandbox; its clock starts at `now`, or at the present if that is empty."""
    arguments = ["--port=0", "--shops=acme", f"--customers={customers}", f"--journeys={journeys}"]
    arguments += ["--plan=enterprise", f"--rate-limit={limit}", *([f"--now={now}"] if now else [])]
    with _running(COMMAND, arguments) as server:
        yield server


@contextmanager
def replay(
    customers: int, repeat: Mapping[str, int] | None = None, *, now: str = NOW, options: Sequence[str] = ()
) -> Iterator[Server]:
    """Run a server of the sandbox's pages; `options` are further ones of `benchmarks.replay`."""
    arguments = [f"--customers={customers}", f"--now={now}", *options]
    arguments += [f"--repeat={stream}={times}" for stream, times in (repeat or {}).items()]
    with _running("benchmarks.replay", arguments) as server:
        yield server


@contextmanager
def replay_tls(customers: int, repeat: Mapping[str, int] | None = None) -> Iterator[Server]:
    """Run such a server with TLS; what is started meanwhile trusts its certificate."""
    ca = CACHE / "ca.pem"
    ca.parent.mkdir(parents=True, exist_ok=True)
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    before = {name: os.environ.get(name) for name in names}
    with replay(customers, repeat, options=[f"--tls={ca}"]) as server:
        os.environ |= dict.fromkeys(names, str(ca))
        try:
            yield replace(server, ca=ca)
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
