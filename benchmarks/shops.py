"""Many shops in one process: 1,000 small ones without a rate limit, and 100 larger ones with one."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import processes, servers
from benchmarks.clients import TAP, Job
from benchmarks.fleets import settings
from benchmarks.sandbox import TYPES, counts
from benchmarks.scenarios import Result, at_most, ratio
from benchmarks.turns import medians

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.scenarios import Bar
    from benchmarks.turns import Figures, Turns

_ALL = tuple(TYPES)
_LIMIT, _LATENCY = 600, 100
_TICK_PEAK, _TICK_SHARE, _LIMITED_WALL = 150, 0.5, 45
_COLUMNS = [
    "read", "client", "seconds", "CPU s", "ratio to this tap", "lowest", "highest", "peak MiB", "requests",
    "refused", "CPU s of the server", "load", "void",
]  # fmt: skip
_NOTES = (
    (
        "{small.shops:,} shops of {small.customers} customers, {small.rows:,} rows in all: a first sync, and "
        "a sync with nothing new that starts from the state of a first one. No rate limit, no latency."
    ),
    (
        "{limited.shops} shops of {limited.customers:,} customers, {limited.rows:,} rows in all, each shop "
        f"with {_LIMIT} requests a minute and {_LATENCY} ms of latency. Wall time here depends on what else "
        "the machine does: `load` is its load average when the run ended."
    ),
    (
        "The server answers with pages from memory, and adds latency by a timer. Every row of every shop was "
        "checked once for each client. `ratio to this tap` compares CPU: the median of the ratios of the "
        "turns, with the lowest and the highest."
    ),
)


class _Size(NamedTuple):
    """How many shops there are, how many customers each has, and how often a client runs."""

    shops: int
    customers: int
    turns: int

    @property
    def rows(self) -> int:
        """The number of rows in all shops."""
        return self.shops * sum(counts(self.customers).values())


def shops(turns: Turns) -> Result:
    """Measure both, for this tap and for the other taps if there are any."""
    small, limited = _Size(1_000, 100, 5), _Size(100, 4_700, 2)
    if turns.quick:
        small, limited = _Size(20, 100, 1), _Size(5, 500, 1)
    table: list[list[str | float]] = []
    bars = [*_many(turns, small, table), *_limited(turns, limited, table)]
    notes = [note.format(small=small, limited=limited) for note in _NOTES]
    return Result("Many shops in one process", _COLUMNS, table, bars, notes)


def _many(turns: Turns, size: _Size, table: list[list[str | float]]) -> list[Bar]:
    """Measure a first sync, and a sync with nothing new."""
    first: dict[str, list[Figures]] = {}
    tick: dict[str, list[Figures]] = {}
    names = (TAP, *turns.others)
    with servers.replay(size.customers, now="", options=[f"--shops={size.shops}"]) as server:
        job = Job(server, _ALL, options=settings(size.shops))
        states = {name: turns.log(f"{name} state").with_suffix(".json") for name in names}
        checks = {name: _checked(turns, name, job, size, state) for name, state in states.items()}
        for turn in range(size.turns):
            for name in names if turn < max(1, size.turns // 2) else ():
                run = _timed(turns, name, job, f"first sync, turn {turn + 1}")
                first.setdefault(name, []).append(run)
            for name, state in states.items():
                run = _timed(turns, name, replace(job, state=state), f"tick, turn {turn + 1}")
                tick.setdefault(name, []).append(run)
    _tell(table, f"{size.shops:,} shops, first sync", first, checks)
    _tell(table, f"{size.shops:,} shops, nothing new", tick, checks)
    middle = medians(tick[TAP])
    text = f"{size.shops:,} shops, nothing new: peak MiB"
    bars = [at_most(text, middle["rss_mib"], _TICK_PEAK, middle, checks[TAP])]
    for other in turns.others:
        text = f"{size.shops:,} shops, nothing new: CPU: this tap ÷ {other}"
        share = ratio(tick[TAP], tick[other], "cpu")
        bars.append(at_most(text, share, _TICK_SHARE, *tick[TAP], *tick[other]))
    return bars


def _limited(turns: Turns, size: _Size, table: list[list[str | float]]) -> list[Bar]:
    """Measure shops under a rate limit; each run has tokens of its own, which no other run has used."""
    found: dict[str, list[Figures]] = {}
    names = (TAP, *turns.others)
    runs = 2 + len(names) * (1 + size.turns)
    options = [f"--shops={size.shops * runs}", f"--limit={_LIMIT}", f"--latency={_LATENCY}"]
    with servers.replay(size.customers, now="", options=options) as server:
        tokens = iter(range(0, size.shops * runs, size.shops))
        jobs = (Job(server, _ALL, options=settings(size.shops, first)) for first in tokens)
        checks = {name: _checked(turns, name, next(jobs), size) for name in names}
        alone = Job(server, _ALL, options=settings(1, next(tokens)))
        one = {TAP: [_timed(turns, TAP, alone, "alone")]}
        for turn in range(size.turns):
            for name in names:
                run = _timed(turns, name, next(jobs), f"limited, turn {turn + 1}")
                found.setdefault(name, []).append(run)
    _tell(table, f"1 shop, {_LIMIT} requests a minute", one, checks)
    _tell(table, f"{size.shops} shops, {_LIMIT} requests a minute", found, checks)
    middle = medians(found[TAP])
    text = f"{size.shops} shops, {_LIMIT} requests a minute, {_LATENCY} ms: seconds"
    return [at_most(text, middle["wall"], _LIMITED_WALL, middle, checks[TAP])]


def _checked(turns: Turns, name: str, job: Job, size: _Size, state: Path | None = None) -> Figures:
    """Check every row of every shop on all cores, and keep the last state; this also warms the server."""

    def measure() -> Figures:
        expected = {
            stream: servers.replayed(size.customers, stream, shops=size.shops)
            for stream in counts(size.customers)
        }
        processes.pin(os.getpid(), None)
        try:
            return turns.check(name, job, expected, f", {size.shops} shops", by_shop=True, state=state)
        finally:
            processes.pin(os.getpid(), -1)

    if state is not None and not state.exists():
        return measure()
    return turns.kept(f"{name}, {size.shops} shops, checked", measure)


def _timed(turns: Turns, name: str, job: Job, what: str) -> Figures:
    """Run a client with its output to /dev/null; count its requests and the CPU of the server."""

    def measure() -> Figures:
        requests, refused = job.server.replayed()
        cpu = job.server.cpu()
        usage = processes.run(turns.client(name).command(job), turns.log(f"{name} {what}"))
        total, total_refused = job.server.replayed()
        return {
            **asdict(usage),
            "requests": total - requests,
            "refused": total_refused - refused,
            "server_cpu": job.server.cpu() - cpu,
            "load": os.getloadavg()[0],
            "wrong": f"exit code {usage.code}" if usage.code else "",
        }

    return turns.kept(f"{name}, {what}", measure)


def _tell(
    table: list[list[str | float]],
    read: str,
    found: Mapping[str, list[Figures]],
    checks: Mapping[str, Figures],
) -> None:
    """Add the rows of a read to the table."""
    for name, runs in found.items():
        middle, share = medians(runs), ratio(runs, found[TAP], "cpu")
        table.append([
            read, name, middle["wall"], middle["cpu"], *share, middle["rss_mib"], middle["requests"],
            middle["refused"], middle["server_cpu"], middle["load"], middle["wrong"] or checks[name]["wrong"],
        ])  # fmt: skip
