"""The tap's command line, run as a user runs it, and what a run leaves behind."""

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
    """What a run of the tap left behind."""

    code: int
    lines: list[str]
    log: str
    messages: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.messages = [json.loads(line, parse_float=Decimal) for line in self.lines]

    def of_type(self, kind: str) -> list[Json]:
        return [message for message in self.messages if message["type"] == kind]

    def records(self, stream: str, shop: str | None = None) -> list[Json]:
        return [
            message["record"]
            for message in self.of_type("RECORD")
            if message["stream"] == stream and shop in (None, message["record"].get("shop"))
        ]

    def ids(self, stream: str, shop: str | None = None) -> list[str]:
        return [record["id"] for record in self.records(stream, shop)]

    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        for message in self.of_type("RECORD"):
            counts[message["stream"]] += 1
        return dict(counts)

    @property
    def state(self) -> Json:
        states = self.of_type("STATE")
        return dict(states[-1]["value"]) if states else {}

    def bookmark(self, stream: str, shop: str = "acme") -> Json:
        partitions = self.state["bookmarks"].get(stream, {}).get("partitions", [])
        return next((one for one in partitions if one["context"] == {"shop": shop}), {})


@dataclass
class Tap:
    """The tap's command line, with files of its own."""

    folder: Path
    config: Json

    def command(
        self,
        state: Json | None = None,
        streams: tuple[str, ...] = (),
        catalog: Json | None = None,
        **config: Any,
    ) -> list[str]:
        """Return the command of a sync, its files written."""
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
        """Run a sync to its end."""
        return self.run(self.command(state, streams, catalog, **config))

    def run(self, command: list[str], environment: Mapping[str, str] | None = None) -> Output:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            timeout=120,
            env={**os.environ, **(environment or {})},
        )
        lines = done.stdout.split("\n")[:-1]  # only there: strings may hold other ends of lines
        return Output(done.returncode, lines, done.stderr)

    def sync_and_stop(
        self, after: int, how: signal.Signals = signal.SIGKILL, state: Json | None = None, **config: Any
    ) -> Output:
        """Run a sync that is sent a signal once it has written so many lines."""
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
        """Return the catalog with only these streams, and without these columns, selected."""
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
