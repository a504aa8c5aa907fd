"""Scenarios in which the clients mostly wait: latency without a rate limit, and a sync with nothing new."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from benchmarks import processes, rows, servers
from benchmarks.clients import AIRBYTE, DLT_EXTRACT, STOCK, TAP, WORKERS, Job, compared
from benchmarks.sandbox import TYPES, counts
from benchmarks.scenarios import Result, at_least, at_most, ratio
from benchmarks.turns import medians

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.scenarios import Bar
    from benchmarks.servers import Server
    from benchmarks.turns import Figures, Turns

ALL = tuple(TYPES)
CONCURRENCY = 32
"""Requests in flight of this tap: without a rate limit, its default of 8 is the bottleneck."""
WINDOW_DAYS = 12
"""Length of the windows, so that a year has about as many windows as there are requests in flight."""
_LATENCY, _TURNS = 50, 2
_TICK_JOURNEYS, _TICK_LATENCY, _TICK_REQUESTS, _ROUND_TRIPS = 5, 150, 16, 4


class _Read(NamedTuple):
    title: str
    streams: tuple[str, ...]
    customers: int
    journeys: int
    start: str | None
    bar: float


_READS = (
    _Read("enrollments of 500 journeys", ("enrollments",), 100_000, 500, None, 12),
    _Read("a year of attribution", ("attribution",), 100_000, 10, "2025-06-01T00:00:00Z", 12),
    _Read("all streams", ALL, 10_000, 500, servers.HISTORY_START, 10),
)


def latency(turns: Turns) -> Result:
    """Measure three reads at 50 ms."""
    table: list[list[str | float]] = []
    bars: list[Bar] = []
    for read in _READS:
        customers, journeys = read.customers, read.journeys
        if turns.quick:
            customers, journeys = max(1000, customers // 25), max(10, journeys // 25)
        with servers.sandbox(customers, journeys=journeys) as server:
            _read(turns, read, server, table, bars)
    note = (
        f"No rate limit. This tap with `concurrency` {CONCURRENCY} and `window_days` {WINDOW_DAYS}, and with "
        f"its defaults; dlt with `parallelized` and {WORKERS} workers, airbyte-cdk with a concurrency of "
        f"{WORKERS}. Each client read the same once before, so that the server had rendered all pages. "
        "`ratio to this tap` is the median of the ratios of the turns, with the lowest and the highest."
    )
    columns = ["read", "latency ms", "client", "seconds", "ratio to this tap", "requests", "void"]
    return Result("Latency", columns, table, bars, [note])


def _read(turns: Turns, read: _Read, server: Server, table: list[Any], bars: list[Bar]) -> None:
    since = read.start if read.start and read.streams != ALL else ""
    expected = {name: server.truth(name, "attributed_at", since) for name in read.streams}
    job = Job(server, read.streams, read.start)
    fast = replace(job, options={"concurrency": CONCURRENCY, "window_days": WINDOW_DAYS})
    runs = {
        f"{TAP}, {CONCURRENCY} in flight": (TAP, fast),
        STOCK: (STOCK, job),
        TAP: (TAP, job),
        DLT_EXTRACT: (DLT_EXTRACT, job),
        AIRBYTE: (AIRBYTE, job),
    }
    first = next(iter(runs))
    # Checked each time, since it also warms the server.
    checks: dict[str, Figures] = {}
    for label, (name, run) in runs.items():
        if label != first:
            before, _ = server.spent()
            checks[name] = turns.warmed(name, run, expected, f", {read.title}")
            checks[name]["requests"] = server.spent()[0] - before
    server.latency(_LATENCY)
    found = _in_turns(turns, runs, f", {read.title}, {_LATENCY} ms")
    for label, taken in found.items():
        name, _ = runs[label]
        wrong = medians(taken)["wrong"] or checks[name]["wrong"]
        share = ratio(taken, found[first], "wall").text
        wall = medians(taken)["wall"]
        table.append([read.title, _LATENCY, label, wall, share, checks[name]["requests"], wrong])
    share_of_stock = ratio(found[STOCK], found[first], "wall")
    text = f"{read.title} at {_LATENCY} ms: seconds: {STOCK} ÷ this tap"
    of = (*found[STOCK], *found[first], checks[STOCK], checks[TAP])
    bars.append(at_least(text, share_of_stock, read.bar, *of))
    server.latency(0)


def _in_turns(turns: Turns, runs: dict[str, tuple[str, Job]], tag: str) -> dict[str, list[Figures]]:
    """Run the first two in turns, and the others once."""
    taken: dict[str, list[Figures]] = {}
    pair = list(runs)[:2]
    for turn in range(1 if turns.quick else _TURNS):
        for label, (name, job) in runs.items():
            if label in pair or turn == 0:
                extra = label.removeprefix(name)
                taken.setdefault(label, []).append(turns.timed(name, job, turn, extra + tag))
    return taken


_TICK_NOTE = (
    f"Eleven streams, {_TICK_JOURNEYS} journeys, {{customers:,}} customers; the sync starts from the state "
    f"of two earlier ones. Round trips: the seconds at {_TICK_LATENCY} ms minus those of the same sync at 0 "
    f"ms, divided by {_TICK_LATENCY} ms."
)


def tick(turns: Turns) -> Result:
    """Measure a sync with nothing new: eleven streams, five journeys."""
    customers = 1_000
    # At the present, like a real sync: from a bookmark of last summer on, there would be months of windows.
    with servers.sandbox(customers, journeys=_TICK_JOURNEYS, now="") as server:
        state = _state(turns, server, customers)
        job = Job(server, ALL, state=state)
        times = 1 if turns.quick else 5
        taken: dict[int, list[Figures]] = {0: [], _TICK_LATENCY: []}
        for turn in range(times):
            for wait, runs in taken.items():
                server.latency(wait)
                runs.append(_ticked(turns, server, job, wait, turn))
    walls = {wait: statistics.median(run["wall"] for run in runs) for wait, runs in taken.items()}
    requests = max(run["requests"] for runs in taken.values() for run in runs)
    trips = (walls[_TICK_LATENCY] - walls[0]) / (_TICK_LATENCY / 1000)
    all_runs = [run for runs in taken.values() for run in runs]
    return Result(
        "A sync with nothing new",
        ["latency ms", "seconds", "requests"],
        [[wait, walls[wait], requests] for wait in taken],
        [
            at_most("requests", requests, _TICK_REQUESTS, *all_runs),
            at_most("round trips, one after the other", trips, _ROUND_TRIPS, *all_runs),
        ],
        [_TICK_NOTE.format(customers=customers)],
    )


def _state(turns: Turns, server: Server, customers: int) -> Path:
    """Sync twice, and return the path of the state."""
    client, path = turns.client(TAP), turns.log("state").with_suffix(".json")
    journeys = _TICK_JOURNEYS
    state: Path | None = None
    for number in (1, 2):
        job = Job(server, ALL, state=state)
        lines = processes.output(client.command(job), turns.log(f"sync {number}")).splitlines()
        found = rows.tallies(rows.of_lines(lines))
        whole = {name: server.truth(name) for name in counts(customers, journeys)}
        if number == 1 and (wrong := compared(found, whole)):
            raise RuntimeError(f"the first sync is not complete: {wrong}")
        last = next(line for line in reversed(lines) if b'"STATE"' in line[:20] or b'"type":"STATE"' in line)
        path.write_text(json.dumps(msgspec.json.decode(last)["value"]), encoding="utf-8")
        state = path
    return path


def _ticked(turns: Turns, server: Server, job: Job, wait: int, turn: int) -> Figures:
    def measure() -> Figures:
        before, _ = server.spent()
        usage = processes.run(turns.client(TAP).command(job), turns.log(f"tick {wait}"))
        after, _ = server.spent()
        return {
            **asdict(usage),
            "requests": after - before,
            "wrong": f"exit code {usage.code}" if usage.code else "",
        }

    return turns.kept(f"{wait} ms, turn {turn + 1}", measure)
