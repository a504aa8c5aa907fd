"""Runs in turns (A B C A B C …), each noted in a journal, so that an interrupted benchmark can be resumed."""

from __future__ import annotations

import hashlib
import json
import statistics
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks import environments, processes, rows
from benchmarks.clients import TAP, Client, Job, compared
from benchmarks.environments import CACHE, PEERS, ROOT
from benchmarks.scenarios import number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Figures = dict[str, Any]

_JOURNAL = CACHE / "journal.json"
_LOOKS = {"__init__.py", "__main__.py", "document.py", "plots.py"}
"""Files that no figure depends on."""


def fingerprint() -> str:
    """Return a digest of what the figures depend on: tap, target, sandbox, peers, benchmarks and Python."""
    folders = ["sumeru_api", "tap_sumeru", "target_sumeru", "pyspark_sumeru", "schemas", "sumeru_sandbox"]
    digest = hashlib.sha256(sys.version.encode())
    files = [
        path
        for name in [*folders, "benchmarks"]
        for path in (ROOT / name).rglob("*")
        if path.suffix in {".py", ".json"}
    ]
    for path in sorted([*files, *PEERS.glob("*.txt")]):
        digest.update(b"" if path.name in _LOOKS else path.read_bytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Turns:
    """The measurements of one scenario.

    Args:
        scenario: Its name.
        quick: Whether its size is small.
        uv: Path of uv.
        taps: Executables of other taps that run in turns with this one, by their names in the tables.
    """

    scenario: str
    quick: bool
    uv: str
    taps: Mapping[str, str] = field(default_factory=dict)

    @property
    def others(self) -> tuple[str, ...]:
        """The names of the other taps."""
        return tuple(self.taps)

    def client(self, name: str) -> Client:
        """Return a client with a folder of this scenario."""
        folder = CACHE / "runs" / self.scenario / _slug(name)
        ours = str(self.python.parent / "tap-sumeru") if name == TAP else ""
        return Client(name, folder, self.uv, ours or self.taps.get(name, ""))

    @property
    def python(self) -> Path:
        """The interpreter of the environment of this tap."""
        return environments.tap(self.uv)

    def log(self, what: str) -> Path:
        """Return the path of the log of a run."""
        folder = CACHE / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{_slug(f'{self.scenario}-{what}')}.log"

    def kept(self, what: str, measure: Callable[[], Figures]) -> Figures:
        """Return the figures of a run from the journal; if it has none, measure them and note them there."""
        journal = read_journal()
        key = self._key(what)
        if key not in journal:
            print(f"  {what}: ", end="", flush=True)
            figures = measure()
            print(_line(figures), flush=True)
            journal = read_journal()
            journal[key] = figures
            _write_journal(journal)
        return journal[key]

    def has(self, what: str) -> bool:
        """Whether a run is in the journal."""
        return self._key(what) in read_journal()

    def drop(self, what: str) -> None:
        """Delete a run from the journal, so that it is measured again."""
        _write_journal({key: run for key, run in read_journal().items() if key != self._key(what)})

    def _key(self, what: str) -> str:
        return f"{self.scenario}|{'quick' if self.quick else 'full'}|{what}"

    def checked(self, name: str, job: Job, expected: Mapping[str, rows.Tally], tag: str = "") -> Figures:
        """Check a client, unless the journal has it; this also warms the server."""
        return self.kept(f"{name}{tag}, checked", lambda: self.check(name, job, expected, tag))

    def warmed(self, name: str, job: Job, expected: Mapping[str, rows.Tally], tag: str = "") -> Figures:
        """Check a client even if the journal has it, so that the server has rendered its pages."""
        print(f"  {name}{tag}, checked: ", end="", flush=True)
        figures = self.check(name, job, expected, tag)
        print(_line(figures), flush=True)
        return figures

    def check(
        self,
        name: str,
        job: Job,
        expected: Mapping[str, rows.Tally],
        tag: str = "",
        *,
        by_shop: bool = False,
        state: Path | None = None,
    ) -> Figures:
        """Run a client and compare its rows with those of the server.

        Args:
            name: The client.
            job: What it reads.
            expected: The rows that the server has.
            tag: Tells the log from others.
            by_shop: Whether ids are unique within a shop only.
            state: File to write the last state into.
        """
        client, log = self.client(name), self.log(f"{name}{tag} check")
        command = client.command(job)
        if client.writes_files:
            usage = processes.run(command, log)
            counted = processes.output(client.counter(), log.with_suffix(".rows.log"))
        else:
            usage, _, counted = processes.piped(command, client.counter(by_shop=by_shop, state=state), log)
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
    ) -> dict[str, list[Figures]]:
        """Check each client, then run all in turns, each as often as given; return the runs of each."""
        checks = {name: self.checked(name, job, expected, tag) for name, job, _ in runs}
        taken: dict[str, list[Figures]] = {name: [] for name in checks}
        for turn in range(max(times for _, _, times in runs)):
            for name, job, times in runs:
                if turn < times:
                    figures = self.timed(name, job, turn, tag)
                    wrong = figures["wrong"] or checks[name]["wrong"]
                    taken[name].append({**figures, "wrong": wrong})
        return taken


def _slug(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text)


def medians(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure of some runs, and the first thing that was wrong."""
    wrong = next((run["wrong"] for run in runs if run.get("wrong")), "")
    numbers = [name for name, value in runs[0].items() if isinstance(value, (int, float))]
    return {name: statistics.median(run[name] for run in runs) for name in numbers} | {"wrong": wrong}


def read_journal() -> dict[str, Figures]:
    """Return the runs so far; none if the code has changed since then."""
    try:
        journal: dict[str, Any] = json.loads(_JOURNAL.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    runs: dict[str, Figures] = journal["runs"]
    return runs if journal["of"] == fingerprint() else {}


def forget(scenario: str) -> None:
    """Delete the runs of a scenario from the journal."""
    runs = {key: run for key, run in read_journal().items() if key.split("|")[0] != scenario}
    _write_journal(runs)


def _write_journal(runs: Mapping[str, Figures]) -> None:
    """Replace the journal in one step, so that an interruption cannot damage it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    new = _JOURNAL.with_suffix(".new")
    new.write_text(json.dumps({"of": fingerprint(), "runs": runs}, indent=1), encoding="utf-8")
    new.replace(_JOURNAL)


def _line(figures: Figures) -> str:
    """The figures of a run in one line."""
    units = {"wall": "s", "cpu": "s CPU", "rss_mib": "MiB", "requests": "requests", "refused": "refused"}
    parts = [f"{number(figures[name])} {unit}" for name, unit in units.items() if name in figures]
    return ", ".join([*parts, *([f"WRONG: {figures['wrong']}"] if figures.get("wrong") else [])])
