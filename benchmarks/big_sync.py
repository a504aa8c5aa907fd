"""A sync of a large shop over real HTTP: every row exactly once, how long it took, how much memory it needed.

python benchmarks/big_sync.py                 # 200,000 customers, 600,000 orders and the rest
python benchmarks/big_sync.py --kill          # kill -9 half-way, start again from the last STATE
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
    """The rows that came out of the tap, counted by key."""

    def __init__(self) -> None:
        self.ids: dict[str, set[str]] = defaultdict(set)
        self.repeated = 0
        self.pending: list[tuple[str, str]] = []
        self.state: dict[str, Any] | None = None

    def line(self, line: bytes) -> None:
        """Take one line; a row counts once a STATE has covered it."""
        message = _decode(line)
        if message["type"] == "RECORD":
            self.pending.append((message["stream"], message["record"]["id"]))
        elif message["type"] == "STATE":
            self.state = message["value"]
            self.settle()

    def settle(self) -> None:
        """Count the rows that are waiting."""
        for stream, key in self.pending:
            self.repeated += key in self.ids[stream]
            self.ids[stream].add(key)
        self.pending.clear()


@contextmanager
def sandbox(customers: int, latency: int) -> Iterator[tuple[str, str]]:
    """Run a sandbox in a process of its own; yield its address and the shop's token."""
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
    """Run the tap, to its end or until it is killed; return its exit code and its peak memory in MiB."""
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
            seen.pending.clear()  # no STATE covers them: they must come again
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
    """Measure, and hold what came against what is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--latency", type=int, default=20, help="milliseconds that each answer takes")
    parser.add_argument("--kill", action="store_true", help="kill -9 half-way, and start again")
    options = parser.parse_args()
    with sandbox(options.customers, options.latency) as (url, token), tempfile.TemporaryDirectory() as name:
        folder, seen = Path(name), Seen()
        config = {"api_url": url, "api_token": token, "shop": "acme"}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        counts = json.loads(urllib.request.urlopen(f"{url}/_sandbox/counts").read())["acme"]  # noqa: S310
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
    sound = code == 0 and not any(missing.values()) and (options.kill or not seen.repeated)
    print("complete" if sound else f"MISSING: {missing}")
    return 0 if sound else 1


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
