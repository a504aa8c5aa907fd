"""How this tap and each peer are started for a job."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from benchmarks import environments, rows
from benchmarks.environments import PEERS, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.servers import Server

TAP = "this tap"
STOCK = "singer-sdk tap"
CLASSIC = "singer-python tap"
DLT_EXTRACT = "dlt, extract only"
DLT = "dlt, to jsonl files"
AIRBYTE = "airbyte-cdk"
REQUESTS = "requests loop"
MSGSPEC = "urllib3 + msgspec loop"
OTHERS = (CLASSIC, DLT_EXTRACT, DLT, AIRBYTE, REQUESTS)
WORKERS = 10
"""Threads that dlt and airbyte-cdk are given; what their documentation shows is 5 to 10."""

_ENVIRONMENTS = {
    STOCK: "stock",
    CLASSIC: "classic",
    DLT_EXTRACT: "dlt",
    DLT: "dlt",
    AIRBYTE: "airbyte",
    REQUESTS: "loops",
    MSGSPEC: "loops",
}
_SCRIPTS = {
    STOCK: "stock.py",
    CLASSIC: "classic.py",
    DLT_EXTRACT: "dlt_rest.py",
    DLT: "dlt_rest.py",
    AIRBYTE: "airbyte.py",
    REQUESTS: "loop_requests.py",
    MSGSPEC: "loop_msgspec.py",
}
_WRITE_FILES = {DLT, DLT_EXTRACT}


@dataclass(frozen=True)
class Job:
    """What is to be read; `options` are further settings of this tap."""

    server: Server
    streams: tuple[str, ...]
    start_date: str | None = None
    deselected: frozenset[str] = frozenset()
    options: Mapping[str, Any] = field(default_factory=dict)
    state: Path | None = None


@dataclass(frozen=True)
class Client:
    """One of those that are measured; `folder` holds its config, and what it writes beside its output."""

    name: str
    folder: Path
    uv: str

    def command(self, job: Job) -> list[str]:
        """Return the command of a job, its files written and what an earlier one left behind removed."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        config: dict[str, Any] = {"api_url": job.server.url, "api_token": job.server.token}
        config |= {"start_date": job.start_date} if job.start_date else {}
        if self.name == TAP:
            config |= {"shop": "acme", **job.options}
            return self._singer([sys.executable, "-m", "tap_sumeru"], config, job)
        script = [str(self.python()), str(PEERS / _SCRIPTS[self.name])]
        if self.name == STOCK:
            return self._singer(script, config, job)
        config |= {"streams": job.streams, "shop": "acme", "workers": WORKERS}
        config |= {"folder": str(self.folder), "load": self.name == DLT}
        path = self._file("job", config)
        return [*script, "--config", path] if self.name == CLASSIC else [*script, path]

    def python(self) -> Path:
        """Return the interpreter of the client."""
        return environments.python(_ENVIRONMENTS[self.name], self.uv)

    def counter(self) -> list[str]:
        """Return the command that counts the client's rows: those that it writes, or those in its files."""
        files = [str(self.folder)] if self.name in _WRITE_FILES else []
        return [sys.executable, "-m", "benchmarks.rows", *files]

    @property
    def writes_files(self) -> bool:
        """Whether the rows are in files, not in the output."""
        return self.name in _WRITE_FILES

    def _singer(self, command: list[str], config: Mapping[str, Any], job: Job) -> list[str]:
        path = self._file("config", config)
        arguments = ["--config", path]
        catalog = json.loads(_discovered((*command, *([] if self.name == TAP else arguments))))
        for entry in catalog["streams"]:
            for item in entry["metadata"]:
                if not item["breadcrumb"]:
                    item["metadata"]["selected"] = entry["stream"] in job.streams
                elif item["breadcrumb"][-1] in job.deselected:
                    item["metadata"]["selected"] = False
        arguments += ["--catalog", self._file("catalog", catalog)]
        if job.state is not None:
            arguments += ["--state", str(job.state)]
        return [*command, *arguments]

    def _file(self, name: str, content: object) -> str:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)


@cache
def _discovered(command: tuple[str, ...]) -> str:
    return subprocess.run(
        [*command, "--discover"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def optional_columns(stream: str) -> list[str]:
    """Return the columns of a stream, but for its replication key."""
    schema = json.loads((ROOT / "schemas" / f"{stream}.json").read_text(encoding="utf-8"))
    return [name for name in schema["properties"] if name not in {"id", "shop", "updated_at"}]


def compared(found: Mapping[str, rows.Tally], expected: Mapping[str, rows.Tally]) -> str:
    """Return what is wrong with the rows of a client, nothing if each came exactly once."""
    for stream, tally in expected.items():
        came = found.get(stream, rows.Tally())
        if came != tally:
            return f"{stream}: {came.rows} rows came, {came.distinct} different ones, of {tally.rows}"
    return ""
