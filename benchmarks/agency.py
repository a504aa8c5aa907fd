"""An agency with many shops: this tap in one process and in two shards, beside what its users have today.

That is a process for each shop, with a tap that the singer-sdk's template generates, or one process of dlt
with all shops, set up as its documentation recommends for many requests at once.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import processes, servers
from benchmarks.clients import DLT_SHOPS, STOCK, TAP, Job
from benchmarks.fleets import Fleet, settings
from benchmarks.sandbox import TYPES, counts
from benchmarks.scenarios import Result, at_most, ratio
from benchmarks.turns import medians

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.scenarios import Bar
    from benchmarks.servers import Server
    from benchmarks.turns import Figures, Turns

_ALL = tuple(TYPES)
_LIMIT, _LATENCY = 600, 100
_WALL, _CPU, _REFUSED = 40, 15, 0
_AT_ONCE, _WORKERS = 16, 64
_TWO, _EACH = f"{TAP}, two shards", f"{STOCK}, a process for each shop"
_OURS = (TAP, _TWO)
_COLUMNS = [
    "read", "client", "shops", "processes", "seconds", "ratio to this tap", "CPU s", "CPU µs a record",
    "CPU ms a shop", "peak MiB of a process", "requests", "refused", "CPU s of the server", "load", "void",
]  # fmt: skip
_NOTES = (
    (
        "{limited.shops} shops of {limited.customers:,} customers with "
        f"{_LIMIT} requests a minute each and {_LATENCY} ms of latency; and shops of {{small.customers}} "
        "customers without a limit and without latency, first read whole and then with nothing new. All "
        "clients run on all cores, beside the server."
    ),
    (
        f"Of the processes for one shop, {_AT_ONCE} run at a time; they and dlt read only {{small.sample}} "
        "of the {small.shops:,} small shops. dlt is not measured with a limit: with 20 shops it had not "
        "ended after five minutes, in which it used a tenth of a core. dlt has `parallelized` for all "
        "resources of all shops, and "
        f"{_WORKERS} workers. Its declarative source asks for everything each time, so it has no row for a "
        "sync with nothing new. Every row of every shop was checked once for each client. `ratio to this "
        "tap` compares the seconds, and where the number of shops differs, the seconds of a shop."
    ),
)


class _Size(NamedTuple):
    """Shops, customers of each, how often each client runs, and the number of shops that peers read."""

    shops: int
    customers: int
    turns: int
    sample: int

    def of(self, name: str) -> int:
        """Return how many shops a client reads."""
        return self.shops if name in _OURS else self.sample


def agency(turns: Turns) -> Result:
    """Measure shops with a rate limit, and small shops without one."""
    limited, small = _Size(100, 4_700, 2, 100), _Size(1_000, 100, 2, 100)
    if turns.quick:
        limited, small = _Size(4, 300, 1, 4), _Size(12, 100, 1, 6)
    table: list[list[str | float]] = []
    processes.pin(os.getpid(), None)
    try:
        bars = _limited(turns, limited, table)
        _many(turns, small, table)
    finally:
        processes.pin(os.getpid(), -1)
    notes = [note.format(limited=limited, small=small) for note in _NOTES]
    return Result("An agency with many shops", _COLUMNS, table, bars, notes)


def _one_process(turns: Turns, server: Server, number: int, first: int) -> Fleet:
    job = Job(server, _ALL, options=settings(number, first))
    return Fleet(turns.client(TAP), [job], 1, by_shop=True)


def _two_shards(turns: Turns, server: Server, number: int, first: int) -> Fleet:
    jobs = [Job(server, _ALL, options=settings(number, first, shard=f"{i}/2")) for i in (1, 2)]
    client = turns.client(TAP)
    folder = client.folder.with_name(f"{client.folder.name}-shards")
    return Fleet(replace(client, folder=folder), jobs, 2, by_shop=True)


def _each_shop(turns: Turns, server: Server, number: int, first: int) -> Fleet:
    tokens = [servers.token(first + i) for i in range(number)]
    jobs = [Job(replace(server, token=token), _ALL) for token in tokens]
    return Fleet(turns.client(STOCK), jobs, _AT_ONCE, by_shop=False)


def _dlt(turns: Turns, server: Server, number: int, first: int) -> Fleet:
    job = Job(server, _ALL, options=settings(number, first, workers=_WORKERS))
    return Fleet(turns.client(DLT_SHOPS), [job], 1, by_shop=True)


_FLEETS: Mapping[str, Callable[[Turns, Server, int, int], Fleet]] = {
    TAP: _one_process,
    _TWO: _two_shards,
    _EACH: _each_shop,
    DLT_SHOPS: _dlt,
}


def _limited(turns: Turns, size: _Size, table: list[list[str | float]]) -> list[Bar]:
    """Measure shops under a rate limit; each run has tokens of its own, which no other run has used."""
    clients = [name for name in _FLEETS if name != DLT_SHOPS]
    runs = len(clients) * (1 + size.turns)
    options = [f"--shops={size.shops * runs}", f"--limit={_LIMIT}", f"--latency={_LATENCY}"]
    found: dict[str, list[Figures]] = {}
    read = f"{_LIMIT} requests a minute"
    with servers.replay(size.customers, now="", options=options) as server:
        tokens = iter(range(0, size.shops * runs, size.shops))
        checks = {name: _checked(turns, name, server, size, next(tokens), read) for name in clients}
        for turn in range(size.turns):
            for name in clients if turn == 0 else _OURS:
                fleet = _FLEETS[name](turns, server, size.of(name), next(tokens))
                found.setdefault(name, []).append(_timed(turns, name, fleet, f"{read}, turn {turn + 1}"))
    _tell(table, read, size, found, checks)
    middle, of = medians(found[TAP]), (*found[TAP], checks[TAP])
    what = f"{size.shops} shops, {read}, one process"
    rows = size.shops * sum(counts(size.customers).values())
    return [
        at_most(f"{what}: seconds", middle["wall"], _WALL, *of),
        at_most(f"{what}: CPU µs a record", middle["cpu"] / rows * 1e6, _CPU, *of),
        at_most(f"{what}: requests refused", max(run["refused"] for run in found[TAP]), _REFUSED, *of),
    ]


def _many(turns: Turns, size: _Size, table: list[list[str | float]]) -> None:
    """Measure a first sync of small shops, and a sync with nothing new."""
    first: dict[str, list[Figures]] = {}
    tick: dict[str, list[Figures]] = {}
    with servers.replay(size.customers, now="", options=[f"--shops={size.shops}"]) as server:
        checks = {name: _checked(turns, name, server, size, 0, "small") for name in _FLEETS}
        for turn in range(size.turns):
            for name, build in _FLEETS.items():
                fleet = build(turns, server, size.of(name), 0)
                run = _timed(turns, name, fleet, f"small, first sync, turn {turn + 1}")
                first.setdefault(name, []).append(run)
                if name != DLT_SHOPS:
                    run = _timed(turns, name, fleet.continued(), f"small, tick, turn {turn + 1}")
                    tick.setdefault(name, []).append(run)
    _tell(table, "small shops, first sync", size, first, checks)
    _tell(table, "small shops, nothing new", size, tick, checks)


def _checked(turns: Turns, name: str, server: Server, size: _Size, first: int, read: str) -> Figures:
    """Check every row of every shop; this also warms the server, and keeps the states."""
    fleet = _FLEETS[name](turns, server, size.of(name), first)
    log = turns.log(f"{name} {read} check")
    what = f"{name}, {read}, checked"
    if not (fleet.has_states or fleet.client.writes_files):
        turns.drop(what)
    return turns.kept(what, lambda: fleet.check(log, size.customers, size.of(name)))


def _timed(turns: Turns, name: str, fleet: Fleet, what: str) -> Figures:
    return turns.kept(f"{name}, {what}", lambda: fleet.run(turns.log(f"{name} {what}")))


def _tell(
    table: list[list[str | float]],
    read: str,
    size: _Size,
    found: Mapping[str, Sequence[Figures]],
    checks: Mapping[str, Figures],
) -> None:
    """Add the rows of a read to the table."""
    ours = [_by_shop(run, size.of(TAP)) for run in found[TAP]]
    for name, runs in found.items():
        shops, middle = size.of(name), medians(runs)
        share = ratio([_by_shop(run, shops) for run in runs], ours, "wall").text
        rows = shops * sum(counts(size.customers).values())
        whole = "nothing new" not in read
        table.append([
            read, name, shops, _processes(name, shops), middle["wall"], share, middle["cpu"],
            middle["cpu"] / rows * 1e6 if whole else "", middle["cpu"] / shops * 1e3, middle["rss_mib"],
            middle["requests"], middle["refused"], middle["server_cpu"], middle["load"],
            middle["wrong"] or checks[name]["wrong"],
        ])  # fmt: skip


def _processes(name: str, shops: int) -> int:
    return {_TWO: 2, _EACH: shops}.get(name, 1)


def _by_shop(run: Figures, shops: int) -> Figures:
    return {"wall": run["wall"] / shops}
