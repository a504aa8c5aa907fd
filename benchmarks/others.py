"""Memory and start-up."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import processes, servers
from benchmarks.clients import TAP, Job
from benchmarks.sandbox import counts
from benchmarks.scenarios import Result, at_most, ratio
from benchmarks.turns import medians

if TYPE_CHECKING:
    from benchmarks.scenarios import Bar
    from benchmarks.turns import Figures, Turns

_ONE, _ALL, _SAME = 64, 100, 1.1
_REPEATED = ("customers", "orders", "attribution", "enrollments", "products", "inventory")
_STARTUP = 1.4


def memory(turns: Turns) -> Result:
    """Measure the peak memory of this tap for 200,000 rows and for 5,000,000."""
    table: list[list[str | float]] = []
    bars: list[Bar] = []
    sizes = (1, 10) if turns.quick else (4, 100)
    reads = {"one stream": (("customers",), 50_000, _ONE), "all streams": (tuple(counts(1)), 7_900, _ALL)}
    for title, (streams, customers, bound) in reads.items():
        rendered = customers // 10 if turns.quick else customers
        runs = [_filled(turns, title, streams, rendered, repeat) for repeat in sizes]
        table += [[title, run["rows"], run["rss_mib"], run["wrong"]] for run in runs]
        bars += [
            at_most(f"{title}, {run['rows']:,} rows: peak MiB", run["rss_mib"], bound, run) for run in runs
        ]
        grown = runs[1]["rss_mib"] / runs[0]["rss_mib"]
        bars.append(at_most(f"{title}: peak of the large read ÷ peak of the small one", grown, _SAME, *runs))
    notes = ["The rows go through a pipe to a process that counts them."]
    return Result("Memory", ["read", "rows", "peak MiB", "void"], table, bars, notes)


def _filled(turns: Turns, title: str, streams: tuple[str, ...], customers: int, repeat: int) -> Figures:
    what = f"{TAP}, {title} x{repeat}"
    if turns.has(what):
        return turns.kept(what, dict)
    times = {name: repeat if name in _REPEATED else 1 for name in streams}
    with servers.replay(customers, times) as server:
        expected = {name: servers.replayed(customers, name, repeat) for name, repeat in times.items()}
        return turns.kept(
            what, lambda: turns.check(TAP, Job(server, streams), expected, f" {title} x{repeat}")
        )


def startup(turns: Turns) -> Result:
    """Measure `tap-sumeru --version` and the import of the SDK alone."""
    sdk = "python -c 'import singer_sdk'"
    commands = {
        "tap-sumeru --version": [str(turns.python.parent / "tap-sumeru"), "--version"],
        sdk: [str(turns.python), "-c", "import singer_sdk"],
        **{name: [path, "--version"] for name, path in turns.taps.items()},
    }
    taken: dict[str, list[Figures]] = {name: [] for name in commands}
    for command in commands.values():
        processes.run(command, turns.log("startup"))  # so that all modules are compiled
    for turn in range(5 if turns.quick else 15):
        for name, command in commands.items():
            run = partial(_started, turns, command)
            taken[name].append(turns.kept(f"{name}, turn {turn + 1}", run))
    ours = taken["tap-sumeru --version"]
    return Result(
        "Start-up",
        ["command", "seconds", "CPU seconds"],
        [[name, medians(runs)["wall"], medians(runs)["cpu"]] for name, runs in taken.items()],
        [
            at_most(
                "CPU: tap-sumeru --version ÷ import of the SDK alone",
                ratio(ours, taken[sdk], "cpu"),
                _STARTUP,
                *ours,
            )
        ],
        [f"Median of {len(ours)} runs, in turns, in the same environment: that of this tap."],
    )


def _started(turns: Turns, command: list[str]) -> Figures:
    usage = processes.run(command, turns.log("startup"))
    return {**asdict(usage), "wrong": f"exit code {usage.code}" if usage.code else ""}
