"""Where waiting is what takes time: latency without a limit, and a sync with nothing new."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from benchmarks import processes, rows, servers
from benchmarks.clients import AIRBYTE, DLT_EXTRACT, STOCK, TAP, WORKERS, Job, compared
from benchmarks.scenarios import Result, at_least, at_most
from benchmarks.turns import medians
from sumeru_sandbox.spec.endpoints import TYPES
from sumeru_sandbox.world.shop_model import counts

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.scenarios import Bar
    from benchmarks.servers import Server
    from benchmarks.turns import Figures, Turns

ALL = tuple(TYPES)
CONCURRENCY = 32
"""Requests in flight that this tap may have: without a limit, its default of 8 is what holds it up."""
WINDOW_DAYS = 12
"""Length of the windows, so that there are as many in a year."""
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
    """Three reads at 50 ms."""
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
        f"{WORKERS}. Each has read the same once before, so that the server has its pages at hand."
    )
    columns = ["read", "latency ms", "client", "seconds", "of this tap", "requests", "void"]
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
    for label, figures in found.items():
        name, _ = runs[label]
        figures["wrong"] = figures["wrong"] or checks[name]["wrong"]
        share = figures["wall"] / found[first]["wall"]
        table.append([
            read.title, _LATENCY, label, figures["wall"], share, checks[name]["requests"], figures["wrong"],
        ])  # fmt: skip
    bars.append(
        at_least(
            f"{read.title} at {_LATENCY} ms: seconds of the {STOCK}, of this tap",
            found[STOCK]["wall"] / found[first]["wall"],
            read.bar,
            found[STOCK],
            found[first],
        )
    )
    server.latency(0)


def _in_turns(turns: Turns, runs: dict[str, tuple[str, Job]], tag: str) -> dict[str, Figures]:
    """The first two in turns; the others once."""
    taken: dict[str, list[Figures]] = {}
    pair = list(runs)[:2]
    for turn in range(1 if turns.quick else _TURNS):
        for label, (name, job) in runs.items():
            if label in pair or turn == 0:
                extra = label.removeprefix(name)
                taken.setdefault(label, []).append(turns.timed(name, job, turn, extra + tag))
    return {label: medians(figures) for label, figures in taken.items()}


_TICK_NOTE = (
    f"Eleven streams, {_TICK_JOURNEYS} journeys, {{customers:,}} customers; the state is that of two syncs "
    f"before. Round trips are the seconds at {_TICK_LATENCY} ms less those of the same sync at 0 ms, "
    f"divided by {_TICK_LATENCY} ms."
)


def tick(turns: Turns) -> Result:
    """A sync with nothing new: eleven streams, five journeys."""
    customers = 1_000
    # At the present, as a real one: since a bookmark of last summer there would be months of windows.
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
            at_most("round trips that it waits for", trips, _ROUND_TRIPS, *all_runs),
        ],
        [_TICK_NOTE.format(customers=customers)],
    )


def _state(turns: Turns, server: Server, customers: int) -> Path:
    """Sync twice, and keep the state."""
    client, path = turns.client(TAP), turns.log("state").with_suffix(".json")
    journeys = _TICK_JOURNEYS
    state: Path | None = None
    for number in (1, 2):
        job = Job(server, ALL, state=state)
        lines = processes.output(client.command(job), turns.log(f"sync {number}")).splitlines()
        found = rows.tallies(rows.of_lines(lines))
        whole = {name: server.truth(name) for name in counts(customers, journeys)}
        if number == 1 and (wrong := compared(found, whole)):
            raise RuntimeError(f"the first sync is not whole: {wrong}")
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
