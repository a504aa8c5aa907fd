"""docs/benchmarks.md, written from docs/benchmarks.json."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchmarks import plots
from benchmarks.environments import versions
from benchmarks.scenarios import Result, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.scenarios import Bar

_HEAD = """# Benchmarks

How fast the tap is, beside what else one could use. Written by `make bench` from the figures in
[benchmarks.json](benchmarks.json); nothing here is typed by hand.

"""
_METHOD = """
## How it is measured
- All clients read the same local server on the same machine: the [sandbox](../README.md#the-sandbox), or for
  CPU and memory its pages from memory. The server has the first core, the client the last.
- Clients run in turns (A B C, A B C, …); medians, and ratios within one run.
- Each client's rows are counted and their ids compared with what is there. The figures of one that loses or
  repeats a row are void.
- Each peer is written as its own documentation recommends, with the settings that make it fastest:
  [benchmarks/peers](../benchmarks/peers). All have the same columns. The singer-sdk tap is what its
  cookiecutter writes, with `state_partitioning_keys` empty; dlt and airbyte-cdk have their documented
  concurrency. The two loops have neither schema nor state nor retries, and turn money into floats.

## Again
`make bench` measures what has changed since; `make bench ARGS="--only cpu --fresh"` one scenario anew;
`make bench ARGS=--quick` all of it at small sizes in some minutes, without touching this page. An interrupted
run goes on where it was. PostgreSQL must be installed for one scenario (`apt-get install postgresql`).
"""


def read(folder: Path) -> dict[str, Result]:
    """Return the figures so far."""
    try:
        content = msgspec.json.decode((folder / "benchmarks.json").read_bytes(), type=_Content)
    except FileNotFoundError:
        return {}
    return content.results


class _Content(msgspec.Struct):
    machine: str
    versions: dict[str, str]
    results: dict[str, Result]


def write(folder: Path, results: Mapping[str, Result]) -> None:
    """Write figures, document and plots."""
    folder.mkdir(parents=True, exist_ok=True)
    content = _Content(_machine(), versions(), dict(results))
    text = msgspec.json.format(msgspec.json.encode(content), indent=1)
    (folder / "benchmarks.json").write_bytes(text + b"\n")
    drawn = plots.write(folder, results)
    pictures = "".join(f"![{title}]({name})\n\n" for name, title in drawn.items())
    parts = [_HEAD, pictures, _verdicts(results), *map(_section, results.values()), _method(content)]
    (folder / "benchmarks.md").write_text("".join(parts), encoding="utf-8")


def report(results: Mapping[str, Result], *, quick: bool) -> int:
    """Print the bars; return 1 if one is missed, at small sizes only if a figure is void."""
    bars = [(name, bar) for name, result in results.items() for bar in result.bars]
    for name, bar in bars:
        print(f"{'passed' if bar.passed else 'MISSED'}  {name}: {bar.text}: {_said(bar)}")
    if quick:
        print("At these sizes start-up is most of it: this shows that all runs work, not how fast they are.")
    return int(any(bar.void or not (quick or bar.passed) for _, bar in bars))


def _said(bar: Bar) -> str:
    bound = f"at {'least' if bar.least else 'most'} {number(bar.bound)}"
    return f"{number(bar.measured)} ({bound})" + (f"; void: {bar.void}" if bar.void else "")


def _verdicts(results: Mapping[str, Result]) -> str:
    lines = ["## The bars\n", "| what | measured | bar | |\n|---|---:|---:|---|\n"]
    for result in results.values():
        for bar in result.bars:
            sign = "≥" if bar.least else "≤"
            verdict = f"void: {bar.void}" if bar.void else "passed" if bar.passed else "**missed**"
            figures = f"{number(bar.measured)} | {sign} {number(bar.bound)}"
            lines.append(f"| {result.title}: {bar.text} | {figures} | {verdict} |\n")
    return "".join(lines)


def _section(result: Result) -> str:
    """The table of a scenario, without columns that are empty."""
    kept = [place for place, _ in enumerate(result.columns) if any(row[place] != "" for row in result.table)]
    rows = [[row[place] for place in kept] for row in result.table]
    ruler = ["---" if isinstance(cell, str) else "---:" for cell in rows[0]]
    lines = [
        [result.columns[place] for place in kept],
        ruler,
        *([number(cell) for cell in row] for row in rows),
    ]
    table = "".join("| " + " | ".join(line) + " |\n" for line in lines)
    notes = "\n\n".join(result.notes)
    return f"\n## {result.title}\n{table}\n{notes}\nMeasured {result.taken} at {result.commit}.\n"


def _method(content: _Content) -> str:
    found = ", ".join(f"{name} {version}" for name, version in content.versions.items())
    return f"{_METHOD}\n## Machine and versions\n{content.machine}.\n\n{found}.\n"


def _machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"^model name\s*: (.+)$", info.read_text(encoding="utf-8"), re.MULTILINE)
        model = found[1] if found else model
    system = f"{platform.system()} {platform.release()}"
    return f"{model}, {os.cpu_count()} cores, {system}, Python {platform.python_version()}"
