"""Measure this tap and its peers, and write docs/benchmarks.md: `make bench`.

A scenario that was measured with the same code is not measured again, and an interrupted run can be resumed.
`--tap PATH` measures the `tap-sumeru` of another checkout in turns with that of this one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import (
    agency,
    bulk,
    cpu,
    document,
    limits,
    others,
    processes,
    shops,
    spark,
    waits,
    warehouse,
    writes,
)
from benchmarks.environments import CACHE, ROOT
from benchmarks.turns import Turns, fingerprint, forget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.scenarios import Result

SCENARIOS: dict[str, Callable[[Turns], Result]] = {
    "startup": others.startup,
    "cpu": cpu.cpu,
    "cpu-drift": cpu.drift,
    "cpu-half": cpu.half,
    "cpu-tls": cpu.tls,
    "cpu-gzip": cpu.gzipped,
    "memory": others.memory,
    "tick": waits.tick,
    "latency": waits.latency,
    "batch-postgres": warehouse.batch_postgres,
    "bulk": bulk.bulk,
    "shops": shops.shops,
    "agency": agency.agency,
    "spark": spark.spark,
    "limits": limits.limits,
    "writes": writes.writes,
}


def _commit(folder: Path = ROOT) -> str:
    """Return the commit of a checkout, marked if files outside of docs/ differ from it."""
    commit = _git(folder, "describe", "--always")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ":/", ":(exclude,top)docs")
    return f"{commit}-dirty" if changed else commit


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout.strip()


def _executable(text: str) -> Path:
    path = Path(text).absolute()
    if not os.access(path, os.X_OK) or path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not an executable file")
    return path


def _taps(paths: Sequence[Path]) -> dict[str, str]:
    """Return the executables of other taps, named by the commits of their checkouts."""
    return {f"tap at {_commit(path.parent) or path}": str(path) for path in paths}


def _installed() -> list[str]:
    """Return the scenarios whose software is installed."""
    if spark.version():
        return list(SCENARIOS)
    print("spark: left out, because Spark is not installed (`make spark` installs it)")
    return [name for name in SCENARIOS if name != "spark"]


def _write(folder: Path, results: Mapping[str, Result]) -> None:
    """Write the document in a process of its own.

    matplotlib takes 40 MiB. What a process holds when it starts a client counts as the memory of the client.
    """
    process = multiprocessing.get_context("fork").Process(target=document.write, args=(folder, results))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit("the document could not be written")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the scenarios; return 1 if a bar is missed or a figure is void."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    add = parser.add_argument
    add("--only", action="append", choices=SCENARIOS, help="measure this scenario only; repeatable")
    add("--quick", action="store_true", help="small sizes, one turn; does not change the document")
    add("--fresh", action="store_true", help="measure even what has been measured with the same code")
    add("--document", action="store_true", help="write the document from the last figures, measure nothing")
    add(
        "--tap",
        action="append",
        type=_executable,
        default=[],
        metavar="PATH",
        help="another `tap-sumeru` to measure in turns with this one, in startup, cpu, cpu-… and shops; "
        "it should be in an environment with runtime.lock only, as ours is; repeatable, implies --fresh",
    )
    add("--uv", default="uv", help="path of uv")
    options = parser.parse_args(argv)
    folder = CACHE / "quick" if options.quick else ROOT / "docs"
    results = document.read(folder)
    if not options.document:
        processes.pin(os.getpid(), -1)
    fresh, taps = bool(options.fresh or options.tap), _taps(options.tap)
    for name in () if options.document else options.only or _installed():
        if fresh:
            forget(name)
        old = results.get(name)
        if old is not None and old.of == fingerprint() and not fresh:
            print(f"{name}: measured already, at {old.commit} (--fresh measures again)")
            continue
        print(f"{name}:", flush=True)
        result = SCENARIOS[name](Turns(name, options.quick, options.uv, taps))
        result.taken, result.commit = datetime.now(UTC).date().isoformat(), _commit()
        result.of = fingerprint()
        results[name] = result
        _write(folder, {name: results[name] for name in SCENARIOS if name in results})
    _write(folder, results)
    chosen = options.only or list(results)
    return document.report({name: results[name] for name in chosen if name in results}, quick=options.quick)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers and clients are ended as well
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted; run the same command again to resume")
