"""The tap's command line, run as a user runs it, and the output of a run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Json = dict[str, Any]


@dataclass
class Output:
    """The output of a run.

    Attributes:
        code: Exit code.
        lines: Lines of stdout.
        log: stderr.
        messages: The lines, decoded.
    """

    code: int
    lines: list[str]
    log: str
    messages: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.messages = [json.loads(line, parse_float=Decimal) for line in self.lines]

    def of_type(self, kind: str) -> list[Json]:
        """Return the messages of one type."""
        return [message for message in self.messages if message["type"] == kind]

    def records(self, stream: str, shop: str | None = None) -> list[Json]:
        """Return the records of a stream, of all shops or of one."""
        return [
            message["record"]
            for message in self.of_type("RECORD")
            if message["stream"] == stream and shop in (None, message["record"].get("shop"))
        ]

    def ids(self, stream: str, shop: str | None = None) -> list[str]:
        """Return the ids of the records of a stream."""
        return [record["id"] for record in self.records(stream, shop)]

    def counts(self) -> dict[str, int]:
        """Return the number of records of each stream."""
        counts: dict[str, int] = defaultdict(int)
        for message in self.of_type("RECORD"):
            counts[message["stream"]] += 1
        return dict(counts)

    @property
    def state(self) -> Json:
        """The last STATE, empty if there is none."""
        states = self.of_type("STATE")
        return dict(states[-1]["value"]) if states else {}

    def bookmark(self, stream: str, shop: str = "acme") -> Json:
        """Return the bookmark of a stream of a shop, empty if it has none."""
        partitions = self.state["bookmarks"].get(stream, {}).get("partitions", [])
        return next((one for one in partitions if one["context"] == {"shop": shop}), {})

    @property
    def errors(self) -> list[str]:
        """The log's messages at level ERROR, without time and logger."""
        lines = (line.split(" | ") for line in self.log.splitlines())
        return [line[-1].strip() for line in lines if len(line) > 1 and line[1].strip() == "ERROR"]

    @property
    def last_line(self) -> str:
        """The last message of the log, without time, level and logger."""
        return self.log.splitlines()[-1].split(" | ")[-1].strip()


@dataclass
class Tap:
    """The tap's command line.

    Attributes:
        folder: The working directory, which holds the tap's input files.
        config: Settings of every run.
    """

    folder: Path
    config: Json

    def command(
        self,
        state: Json | None = None,
        streams: tuple[str, ...] = (),
        catalog: Json | None = None,
        **config: Any,
    ) -> list[str]:
        """Write the input files of a sync and return its command."""
        command = [
            sys.executable,
            "-m",
            "tap_sumeru",
            "--config",
            self._file("config", {**self.config, **config}),
        ]
        if state is not None:
            command += ["--state", self._file("state", state)]
        if streams and catalog is None:
            catalog = self.catalog(*streams)
        if catalog is not None:
            command += ["--catalog", self._file("catalog", catalog)]
        return command

    def sync(
        self,
        state: Json | None = None,
        streams: tuple[str, ...] = (),
        catalog: Json | None = None,
        **config: Any,
    ) -> Output:
        """Run a sync until it ends."""
        return self.run(self.command(state, streams, catalog, **config))

    def run(self, command: list[str], environment: Mapping[str, str] | None = None) -> Output:
        """Run a command that writes messages until it ends."""
        done = self.run_text(command, environment)
        lines = done.stdout.split("\n")[:-1]  # not splitlines: strings may contain other line separators
        return Output(done.returncode, lines, done.stderr)

    def run_text(
        self, command: list[str], environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command until it ends."""
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            timeout=120,
            env={**os.environ, **(environment or {})},
        )

    def sync_and_stop(
        self, after: int, how: signal.Signals = signal.SIGKILL, state: Json | None = None, **config: Any
    ) -> Output:
        """Run a sync and send it a signal after a number of lines."""
        process = subprocess.Popen(
            self.command(state, **config),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if len(lines) == after:
                process.send_signal(how)
        _, log = process.communicate(timeout=60)
        whole = [line for line in lines if line.endswith("\n")]
        return Output(process.returncode, whole, log)

    def catalog(self, *streams: str, deselected: tuple[tuple[str, str], ...] = ()) -> Json:
        """Return a catalog that selects only these streams, without the deselected columns."""
        catalog: Json = json.loads(_discovered())
        for entry in catalog["streams"]:
            for item in entry["metadata"]:
                where = tuple(item["breadcrumb"])
                if where == ():
                    item["metadata"]["selected"] = entry["stream"] in streams
                elif (entry["stream"], where[-1]) in deselected:
                    item["metadata"]["selected"] = False
        return catalog

    def _file(self, name: str, content: Json) -> str:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)


@cache
def _discovered() -> str:
    command = [sys.executable, "-m", "tap_sumeru", "--discover"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
