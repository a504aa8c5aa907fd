"""Generates docs/benchmarks.md from docs/benchmarks.json."""

from __future__ import annotations

import os
import platform
import re
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from benchmarks.environments import versions
from benchmarks.scenarios import Result, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.scenarios import Bar

_HEAD = """# Benchmarks

How fast the tap is, compared with other ways to read the same API. `make bench` generates this page from the
figures in [benchmarks.json](benchmarks.json); do not edit it by hand.

"""
_METHOD = """
## How it is measured
- All clients read the same local server on the same machine: the [sandbox](../README.md#the-sandbox), or, for
  CPU, memory and many shops, a server that replays its pages from memory. The server runs on the first core,
  the client on the last.
- Clients run in turns (A B C, A B C, …). A ratio is the median of the ratios of the turns; the lowest and the
  highest follow it. All other figures are medians.
- The rows of each client are counted, and their ids compared with those of the server. If a client loses or
  repeats a row, its figures are void.
- Each client runs in an environment of its own with what it needs and no more; for this tap that is
  `runtime.lock`.
- CPU and peak memory are those that the kernel reports. Peak memory is never below that of the process that
  starts the client, so that of the loops is an upper bound.
- Each peer is written as its own documentation recommends, with the settings that make it fastest:
  [benchmarks/peers](../benchmarks/peers). All have the same columns. The singer-sdk tap is what the SDK's
  cookiecutter generates, with `state_partitioning_keys` empty; it runs with the SDK's default writer and with
  the SDK's MsgSpecWriter. dlt and airbyte-cdk have their documented concurrency.
- The loops have no schema, no state and no retries, and they turn decimal numbers into floats.

## Run it again
- `make bench` measures every scenario whose code has changed. An interrupted run can be resumed.
- `make bench ARGS="--only cpu --fresh"` measures one scenario again.
- `make bench ARGS="--only shops --tap PATH"` measures another `tap-sumeru`, such as one installed with
  the `runtime.lock` of another checkout, in turns with this one.
- `make bench ARGS=--quick` runs everything at small sizes in some minutes, and does not change this page.

One scenario needs PostgreSQL (`apt-get install postgresql`). Another needs Spark (`make spark`), and is
left out without it.
"""


def read(folder: Path) -> dict[str, Result]:
    """Return the figures that have been measured so far."""
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
    from benchmarks import plots  # noqa: PLC0415 - not in the process that starts clients: see __main__

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
        print(f"{'passed' if bar.passed else 'MISSED'}  {name}: {bar.text}: {_compare(bar)}")
    if quick:
        print("Most of this is start-up: it shows that all runs work, not how fast they are.")
    return int(any(bar.void or not (quick or bar.passed) for _, bar in bars))


def _compare(bar: Bar) -> str:
    bound = f"at {'least' if bar.least else 'most'} {number(bar.bound)}"
    return f"{bar.figure} ({bound})" + (f"; void: {bar.void}" if bar.void else "")


def _verdicts(results: Mapping[str, Result]) -> str:
    lines = ["## The bars\n", "| what | measured | bar | |\n|---|---:|---:|---|\n"]
    for result in results.values():
        for bar in result.bars:
            sign = "≥" if bar.least else "≤"
            verdict = f"void: {bar.void}" if bar.void else "passed" if bar.passed else "**missed**"
            figures = f"{bar.figure} | {sign} {number(bar.bound)}"
            lines.append(f"| {result.title}: {bar.text} | {figures} | {verdict} |\n")
    return "".join(lines)


def _section(result: Result) -> str:
    """Return the section of a scenario; its table has no empty columns."""
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


def _build() -> str:
    """Return the build flags of the interpreter: its speed depends on them, and so do the ratios."""
    arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
    level = re.findall(r"-O\w", sysconfig.get_config_var("PY_CFLAGS") or "")
    flags = {"--enable-optimizations": "PGO", "--with-lto": "LTO"}
    parts = [
        f"{'with' if flag in arguments else 'without'} `{flag}` ({name})" for flag, name in flags.items()
    ]
    return ", ".join([*parts, *level[-1:], platform.python_compiler()])


def _machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"^model name\s*: (.+)$", info.read_text(encoding="utf-8"), re.MULTILINE)
        model = found[1] if found else model
    system = f"{platform.system()} {platform.release()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {system}. {python}, configured {_build()}"
