"""Measure this tap and its peers, and write docs/benchmarks.md: `make bench`.

What is measured already, with the same code, is not measured again; an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks import cpu, document, limits, others, processes, waits, warehouse
from benchmarks.environments import CACHE, ROOT
from benchmarks.turns import Turns, fingerprint, forget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.scenarios import Result

SCENARIOS: dict[str, Callable[[Turns], Result]] = {
    "startup": others.startup,
    "cpu": cpu.cpu,
    "cpu-drift": cpu.drift,
    "cpu-half": cpu.half,
    "memory": others.memory,
    "tick": waits.tick,
    "latency": waits.latency,
    "batch-postgres": warehouse.batch_postgres,
    "limits": limits.limits,
}


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is asked for; 1 if a bar is missed or a figure is void."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    add = parser.add_argument
    add("--only", action="append", choices=SCENARIOS, help="this scenario; repeatable")
    add("--quick", action="store_true", help="small sizes, one turn; the document stays as it is")
    add("--fresh", action="store_true", help="measure again what has been measured")
    add("--document", action="store_true", help="write the document from the last figures, measure nothing")
    add("--uv", default="uv", help="path of uv")
    options = parser.parse_args(argv)
    folder = CACHE / "quick" if options.quick else ROOT / "docs"
    results = document.read(folder)
    if not options.document:
        processes.pin(os.getpid(), -1)
    for name in () if options.document else options.only or SCENARIOS:
        if options.fresh:
            forget(name)
        old = results.get(name)
        if old is not None and old.of == fingerprint() and not options.fresh:
            print(f"{name}: measured already, at {old.commit} (--fresh measures again)")
            continue
        print(f"{name}:", flush=True)
        result = SCENARIOS[name](Turns(name, options.quick, options.uv))
        result.taken, result.commit = datetime.now(UTC).date().isoformat(), _commit()
        result.of = fingerprint()
        results[name] = result
        document.write(folder, {name: results[name] for name in SCENARIOS if name in results})
    document.write(folder, results)
    chosen = options.only or list(results)
    return document.report({name: results[name] for name in chosen if name in results}, quick=options.quick)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on from here")
