"""Sync a large shop over HTTP: check that every row comes exactly once, and measure time and memory.

python benchmarks/big_sync.py                 # 200,000 customers, 600,000 orders and the other streams
python benchmarks/big_sync.py --kill          # kill -9 half-way, resume from the last STATE
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

_decode = msgspec.json.decode


class Seen:
    """The rows that the tap wrote, counted by key."""

    def __init__(self) -> None:
        self.ids: dict[str, set[str]] = defaultdict(set)
        self.repeated = 0
        self.pending: list[tuple[str, str]] = []
        self.state: dict[str, Any] | None = None

    def line(self, line: bytes) -> None:
        """Read one line; a row counts once a STATE covers it."""
        message = _decode(line)
        if message["type"] == "RECORD":
            self.pending.append((message["stream"], message["record"]["id"]))
        elif message["type"] == "STATE":
            self.state = message["value"]
            self.settle()

    def settle(self) -> None:
        """Count the rows that the last STATE covers."""
        for stream, key in self.pending:
            self.repeated += key in self.ids[stream]
            self.ids[stream].add(key)
        self.pending.clear()


@contextmanager
def sandbox(customers: int, latency: int) -> Iterator[tuple[str, str]]:
    """Run a sandbox in its own process; yield its URL and the shop's token."""
    command = [
        sys.executable,
        "-m",
        "sumeru_sandbox",
        "--port=0",
        "--shops=acme",
        f"--customers={customers}",
    ]
    command += ["--plan=enterprise", "--rate-limit=0", f"--set=*.latency_ms={latency}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split(": ")[1].strip()
        try:
            yield url, process.stdout.readline().split()[1]
        finally:
            process.terminate()


def sync(folder: Path, seen: Seen, kill_after: int) -> tuple[int, float]:
    """Run the tap until it ends or is killed; return its exit code and its peak memory in MiB."""
    command = [sys.executable, "-m", "tap_sumeru", "--config", str(folder / "config.json")]
    if seen.state is not None:
        (folder / "state.json").write_text(json.dumps(seen.state), encoding="utf-8")
        command += ["--state", str(folder / "state.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        peak = [0.0]
        threading.Thread(target=_watch, args=(process.pid, peak), daemon=True).start()
        assert process.stdout is not None
        for rows, line in enumerate(process.stdout, start=1):
            seen.line(line)
            if rows == kill_after:
                process.kill()
                break
        if kill_after:
            seen.pending.clear()  # no STATE covers them, so the next run must write them again
        seen.settle()
        return process.wait(), peak[0]


def _watch(pid: int, peak: list[float]) -> None:
    try:
        process = psutil.Process(pid)
        while True:
            peak[0] = max(peak[0], process.memory_info().rss / 2**20)
            time.sleep(0.05)
    except psutil.Error:
        return


def main() -> int:
    """Measure, and compare the rows with those of the sandbox."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--latency", type=int, default=20, help="latency of each response in milliseconds")
    parser.add_argument("--kill", action="store_true", help="kill -9 half-way, and resume")
    options = parser.parse_args()
    with sandbox(options.customers, options.latency) as (url, token), tempfile.TemporaryDirectory() as name:
        folder, seen = Path(name), Seen()
        config = {"api_url": url, "api_token": token, "shop": "acme"}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        counts = json.loads(urllib.request.urlopen(f"{url}/_sandbox/counts").read())["acme"]  # noqa: S310 - our own server
        total, began = sum(counts.values()), time.monotonic()
        if options.kill:
            code, _ = sync(folder, seen, total // 2)
            covered = sum(map(len, seen.ids.values()))
            print(f"killed with {code} after {total // 2} lines; {covered} rows covered by a STATE")
        code, peak = sync(folder, seen, 0)
        took = time.monotonic() - began
    missing = {stream: count - len(seen.ids[stream]) for stream, count in counts.items()}
    for stream, count in counts.items():
        print(f"{stream:28}{count:>10}{len(seen.ids[stream]):>10}")
    print(f"exit code {code}; {total} rows in {took:.0f} s; {seen.repeated} repeated; peak {peak:.0f} MiB")
    complete = code == 0 and not any(missing.values()) and (options.kill or not seen.repeated)
    print("complete" if complete else f"MISSING: {missing}")
    return 0 if complete else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
