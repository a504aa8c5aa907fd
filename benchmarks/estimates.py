"""Compares `--estimate` with the sync that follows: `python -m benchmarks.estimates [customers ...]`.

The sandbox states no rate limit here, so that a sync of hours is over in minutes; the minutes of both are
computed from their requests, at 600 a minute.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import servers
from tap_sumeru.diagnose.workload import EstimatedPace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.servers import Server

SIZES = (1_000, 20_000, 200_000)
STARTS = ("", servers.HISTORY_START, "2025-12-01T00:00:00Z", "2026-05-01T00:00:00Z")
MOST_OFF, MOST_REQUESTS, MOST_SHARE = 0.25, 30, 0.01
_PACE = EstimatedPace(per_minute=600, latency=0.05, concurrency=8)


class Comparison(NamedTuple):
    """An estimate beside its sync.

    Attributes:
        customers: Size of the shop.
        start: The start date, empty for all history.
        ignored: Whether the API ignores the date filter.
        made: Requests of the estimate.
        estimated: Requests that it foresees.
        needed: Requests of the sync.
        claimed: Part by which the estimate says that it may be wrong.
        at_least: Whether it says that there may be more.
        rows: Rows that it foresees.
        written: Rows that the sync has written, each as often as it was written.
    """

    customers: int
    start: str
    ignored: bool
    made: int
    estimated: int
    needed: int
    claimed: float
    at_least: bool
    rows: int
    written: int

    @property
    def off(self) -> float:
        """Part of the sync's minutes by which the estimate differs."""
        return self.minutes(self.estimated) / self.minutes(self.needed) - 1

    @property
    def good(self) -> bool:
        """Whether both bars hold."""
        cheap = self.made <= max(MOST_REQUESTS, MOST_SHARE * self.needed)
        return cheap and (abs(self.off) <= MOST_OFF or self.at_least)

    @staticmethod
    def minutes(requests: int) -> float:
        """Return how long requests take at the rate limit."""
        return _PACE.seconds(requests, 0) / 60

    def line(self) -> str:
        """Return a row of the table."""
        return (
            f"| {self.customers:,} | {self.start[:10] or 'none'} | {'ignored' if self.ignored else 'works'} "
            f"| {self.estimated:,} | {self.needed:,} | {self.minutes(self.estimated):.1f} "
            f"| {self.minutes(self.needed):.1f} | {self.off:+.0%} "
            f"| {'at least' if self.at_least else f'±{self.claimed:.0%}'} | {self.made} "
            f"| {self.rows:,} | {self.written:,} | {'yes' if self.good else 'no'} |"
        )


def compare(server: Server, customers: int, start: str, *, ignored: bool = False) -> Comparison:
    """Estimate, sync, and count the requests of both."""
    server.call("settings", {"*": {"date_filter": "ignored" if ignored else "applied"}}, "PATCH")
    config = {"api_url": server.url, "api_token": server.token, **({"start_date": start} if start else {})}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(config))
        command = [sys.executable, "-m", "tap_sumeru", "--config", str(path)]
        before, _ = server.spent()
        shop = _estimate(command)
        between, _ = server.spent()
        written = _sync(command)
        after, _ = server.spent()
    return Comparison(
        customers,
        start,
        ignored,
        between - before,
        shop["requests"],
        after - between,
        shop["margin"],
        shop["at_least"],
        shop["rows"],
        written,
    )


def _estimate(command: list[str]) -> dict[str, Any]:
    printed = subprocess.run(
        [*command, "--estimate", "--format", "json"], check=True, capture_output=True, text=True
    ).stdout
    found: dict[str, Any] = json.loads(printed)["shops"][0]
    return found


def _sync(command: list[str]) -> int:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
        assert run.stdout is not None
        written = sum(line.startswith(b'{"type":"RECORD"') for line in run.stdout)
    assert run.returncode == 0
    return written


def comparisons(sizes: tuple[int, ...]) -> Iterator[Comparison]:
    """Compare for each size and start date."""
    for customers in sizes:
        with servers.sandbox(customers) as server:
            for start in STARTS:
                yield compare(server, customers, start)
            yield compare(server, customers, "", ignored=True)


def main() -> int:
    """Print the table; return 1 if a bar is missed."""
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    print(
        "| customers | start_date | filter | requests estimated | needed | minutes estimated | needed | off ",
        end="",
    )
    print("| claimed | requests made | rows estimated | written | within the bars |")
    print("|" + "---|" * 13)
    good = True
    for one in comparisons(sizes):
        print(one.line(), flush=True)
        good = good and one.good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
