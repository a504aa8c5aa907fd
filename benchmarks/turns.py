"""Runs in turns (A B C A B C …), each written to a journal, so that an interrupted run can go on."""

from __future__ import annotations

import hashlib
import json
import statistics
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks import processes, rows
from benchmarks.clients import Client, Job, compared
from benchmarks.environments import CACHE, PEERS, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Figures = dict[str, Any]

_JOURNAL = CACHE / "journal.json"
_LOOKS = {"__init__.py", "__main__.py", "document.py", "plots.py"}
"""Files on which no figure depends."""


def fingerprint() -> str:
    """Return what the figures depend on: the code of tap, sandbox, peers and benchmarks, and the Python."""
    folders = ("tap_sumeru", "schemas", "sumeru_sandbox", "benchmarks")
    digest = hashlib.sha256(sys.version.encode())
    files = [path for name in folders for path in (ROOT / name).rglob("*") if path.suffix in {".py", ".json"}]
    for path in sorted([*files, *PEERS.glob("*.txt")]):
        digest.update(b"" if path.name in _LOOKS else path.read_bytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Turns:
    """The measurements of one scenario, at its full size or a small one."""

    scenario: str
    quick: bool
    uv: str

    def client(self, name: str) -> Client:
        """Return a client with a folder of this scenario."""
        slug = "".join(letter if letter.isalnum() else "-" for letter in name)
        return Client(name, CACHE / "runs" / self.scenario / slug, self.uv)

    def log(self, what: str) -> Path:
        """Return where the log of a run goes."""
        folder = CACHE / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        slug = "".join(letter if letter.isalnum() else "-" for letter in f"{self.scenario}-{what}")
        return folder / f"{slug}.log"

    def kept(self, what: str, measure: Callable[[], Figures]) -> Figures:
        """Return the figures of a run from the journal, or measure them now and note them there."""
        journal = read_journal()
        key = self._key(what)
        if key not in journal:
            print(f"  {what}: ", end="", flush=True)
            figures = measure()
            print(_told(figures), flush=True)
            journal = read_journal()
            journal[key] = figures
            _write_journal(journal)
        return journal[key]

    def has(self, what: str) -> bool:
        """Whether a run is in the journal."""
        return self._key(what) in read_journal()

    def _key(self, what: str) -> str:
        return f"{self.scenario}|{'quick' if self.quick else 'full'}|{what}"

    def checked(self, name: str, job: Job, expected: Mapping[str, rows.Tally], tag: str = "") -> Figures:
        """Check a client, unless the journal has it; it warms the server as well."""
        return self.kept(f"{name}{tag}, checked", lambda: self.check(name, job, expected, tag))

    def warmed(self, name: str, job: Job, expected: Mapping[str, rows.Tally], tag: str = "") -> Figures:
        """Check a client whatever the journal has, so that the server has its pages at hand."""
        print(f"  {name}{tag}, checked: ", end="", flush=True)
        figures = self.check(name, job, expected, tag)
        print(_told(figures), flush=True)
        return figures

    def check(self, name: str, job: Job, expected: Mapping[str, rows.Tally], tag: str = "") -> Figures:
        """Run a client and compare its rows with what is there."""
        client, log = self.client(name), self.log(f"{name}{tag} check")
        command = client.command(job)
        if client.writes_files:
            usage = processes.run(command, log)
            counted = processes.output(client.counter(), log.with_suffix(".rows.log"))
        else:
            usage, _, counted = processes.piped(command, client.counter(), log)
        found = msgspec.json.decode(counted, type=dict[str, rows.Tally])
        wrong = f"exit code {usage.code}" if usage.code else compared(found, expected)
        return {**asdict(usage), "wrong": wrong, "rows": sum(tally.rows for tally in found.values())}

    def timed(self, name: str, job: Job, turn: int, tag: str = "") -> Figures:
        """Run a client with its output to /dev/null."""
        client = self.client(name)

        def measure() -> Figures:
            usage = processes.run(client.command(job), self.log(f"{name}{tag}"))
            return {**asdict(usage), "wrong": f"exit code {usage.code}" if usage.code else ""}

        return self.kept(f"{name}{tag}, turn {turn + 1}", measure)

    def rounds(
        self, runs: Sequence[tuple[str, Job, int]], expected: Mapping[str, rows.Tally], tag: str = ""
    ) -> dict[str, Figures]:
        """Check each client, then run all in turns, each as often as said; return their medians."""
        checks = {name: self.checked(name, job, expected, tag) for name, job, _ in runs}
        taken: dict[str, list[Figures]] = {name: [] for name in checks}
        for turn in range(max(times for _, _, times in runs)):
            for name, job, times in runs:
                if turn < times:
                    taken[name].append(self.timed(name, job, turn, tag))
        return {name: medians(some) | _if(checks[name]["wrong"]) for name, some in taken.items()}


def _if(wrong: str) -> Figures:
    return {"wrong": wrong} if wrong else {}


def medians(runs: Sequence[Figures]) -> Figures:
    """Return the median of each number of some runs, and the first thing that was wrong."""
    wrong = next((run["wrong"] for run in runs if run.get("wrong")), "")
    numbers = [name for name, value in runs[0].items() if isinstance(value, (int, float))]
    return {name: statistics.median(run[name] for run in runs) for name in numbers} | {"wrong": wrong}


def read_journal() -> dict[str, Figures]:
    """Return the runs so far; none if the code has changed since."""
    try:
        journal: dict[str, Any] = json.loads(_JOURNAL.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    runs: dict[str, Figures] = journal["runs"]
    return runs if journal["of"] == fingerprint() else {}


def forget(scenario: str) -> None:
    """Measure a scenario anew."""
    runs = {key: run for key, run in read_journal().items() if key.split("|")[0] != scenario}
    _write_journal(runs)


def _write_journal(runs: Mapping[str, Figures]) -> None:
    """Replace the journal at once, so that an interruption leaves it whole."""
    CACHE.mkdir(parents=True, exist_ok=True)
    new = _JOURNAL.with_suffix(".new")
    new.write_text(json.dumps({"of": fingerprint(), "runs": runs}, indent=1), encoding="utf-8")
    new.replace(_JOURNAL)


def _told(figures: Figures) -> str:
    """The figures of a run in a line."""
    units = {"wall": "s", "cpu": "s CPU", "rss_mib": "MiB", "requests": "requests", "refused": "refused"}
    told = [f"{figures[name]:,.4g} {unit}" for name, unit in units.items() if name in figures]
    return ", ".join([*told, *([f"WRONG: {figures['wrong']}"] if figures.get("wrong") else [])])
