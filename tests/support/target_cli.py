"""The target's command line, run as a user runs it, and the output of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Json = dict[str, Any]

MODULE = "TARGET_UNDER_TEST"
"""Environment variable that names another module than the target, to test the tests."""


def schema(stream: str, *columns: str) -> Json:
    """Return a SCHEMA message."""
    properties: Json = {column: {} for column in columns}
    return {"type": "SCHEMA", "stream": stream, "schema": {"properties": properties}, "key_properties": []}


def record(stream: str, **values: Any) -> Json:
    """Return a RECORD message."""
    return {"type": "RECORD", "stream": stream, "record": values}


def state(value: Any) -> Json:
    """Return a STATE message."""
    return {"type": "STATE", "value": value}


def stream_of(stream: str, rows: Iterable[Json]) -> list[Json]:
    """Return the messages of a stream: its SCHEMA with all columns of the rows, and the rows."""
    rows = list(rows)
    columns = dict.fromkeys(column for row in rows for column in row)
    return [schema(stream, *columns), *(record(stream, **row) for row in rows)]


@dataclass
class Written:
    """The output of a run.

    Attributes:
        code: Exit code.
        stdout: What it printed.
        log: stderr.
        report: The records of the report.
    """

    code: int
    stdout: str
    log: str
    report: list[Json] = field(default_factory=list)

    @property
    def states(self) -> list[Any]:
        """The STATE values, in order."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def errors(self) -> list[str]:
        """The log's messages at level ERROR."""
        lines = (line.split(" | ") for line in self.log.splitlines())
        return [line[-1].strip() for line in lines if len(line) > 1 and line[1].strip() == "ERROR"]

    def statuses(self, stream: str) -> list[str]:
        """Return what became of the rows of a stream, in the order of the report."""
        return [one["status"] for one in self.report if one["stream"] == stream]

    def reasons(self, stream: str) -> list[str]:
        """Return why rows of a stream were not written."""
        return [one["reason"] for one in self.report if one["stream"] == stream and one["reason"]]


@dataclass
class Target:
    """The target's command line.

    Attributes:
        folder: The working directory, which holds its files.
        config: Settings of every run.
    """

    folder: Path
    config: Json

    @property
    def ledger(self) -> Path:
        """Path of the ledger."""
        return self.folder / "ledger.db"

    def command(self, *options: str, **config: Any) -> list[str]:
        """Write the config and return the command of a run."""
        settings = {
            "ledger_path": str(self.ledger),
            "report_path": str(self.folder / "report.jsonl"),
            **self.config,
            **config,
        }
        path = self.folder / "config.json"
        path.write_text(json.dumps(settings), encoding="utf-8")
        return [
            sys.executable,
            "-m",
            os.environ.get(MODULE, "target_sumeru"),
            "--config",
            str(path),
            *options,
        ]

    def run(
        self,
        messages: Iterable[Json] | str,
        *options: str,
        environment: Mapping[str, str] | None = None,
        **config: Any,
    ) -> Written:
        """Run the target on messages, or on the lines of a text, until it ends."""
        lines = messages if isinstance(messages, str) else as_lines(messages)
        done = subprocess.run(
            self.command(*options, **config),
            input=lines,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            timeout=120,
            env={**os.environ, **(environment or {})},
        )
        return Written(done.returncode, done.stdout, done.stderr, self.report())

    def write(self, stream: str, rows: Iterable[Json], *options: str, **config: Any) -> Written:
        """Run the target on the rows of one stream, with a STATE behind the last one."""
        return self.run([*stream_of(stream, rows), state({"done": True})], *options, **config)

    def start(self, messages: Iterable[Json], **config: Any) -> subprocess.Popen[str]:
        """Start the target on messages; their end is the end of its input."""
        path = self.folder / "input.jsonl"
        path.write_text(as_lines(messages), encoding="utf-8")
        return subprocess.Popen(
            self.command("--input", str(path), **config),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )

    def report(self) -> list[Json]:
        """Return the records of the last report, without a line that was cut off."""
        path = self.folder / "report.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        return [one["record"] for one in map(json.loads, lines) if one["type"] == "RECORD"]


def as_lines(messages: Iterable[Json]) -> str:
    """Return messages as lines of JSON."""
    return "".join(json.dumps(message) + "\n" for message in messages)
