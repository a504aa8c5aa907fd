"""The commands of this tap and of each peer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import environments, rows
from benchmarks.environments import PEERS, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.servers import Server

TAP = "this tap"
STOCK = "singer-sdk tap"
STOCK_MSGSPEC = "singer-sdk tap, MsgSpecWriter"
CLASSIC = "singer-python tap"
DLT_EXTRACT = "dlt, extract only"
DLT = "dlt, to jsonl files"
DLT_SHOPS = "dlt, extract only, all shops"
AIRBYTE = "airbyte-cdk"
REQUESTS = "requests + json loop"
LOOPS = (
    "pycurl + msgspec loop",
    "http.client + msgspec loop",
    "urllib3 + msgspec loop",
    "aiohttp + msgspec loop",
)
OTHERS = (CLASSIC, DLT_EXTRACT, DLT, AIRBYTE, REQUESTS)
WORKERS = 10
"""Threads of dlt (`EXTRACT__WORKERS`) and concurrency of airbyte-cdk (`default_concurrency`)."""


class _Peer(NamedTuple):
    environment: str
    script: str


_PEERS = {
    STOCK: _Peer("stock", "stock.py"),
    STOCK_MSGSPEC: _Peer("stock", "stock_msgspec.py"),
    CLASSIC: _Peer("classic", "classic.py"),
    DLT_EXTRACT: _Peer("dlt", "dlt_rest.py"),
    DLT: _Peer("dlt", "dlt_rest.py"),
    DLT_SHOPS: _Peer("dlt", "dlt_shops.py"),
    AIRBYTE: _Peer("airbyte", "airbyte.py"),
    REQUESTS: _Peer("loops", "loop_requests.py"),
    **{
        name: _Peer("loops", f"loop_{name.split(' ')[0].replace('.', '_')}.py")
        for name in LOOPS
    },
}  # fmt: skip
_WRITE_FILES = {DLT, DLT_EXTRACT, DLT_SHOPS}
_SINGER = {STOCK, STOCK_MSGSPEC}


@dataclass(frozen=True)
class Job:
    """What a client reads; `options` are further settings of this tap."""

    server: Server
    streams: tuple[str, ...]
    start_date: str | None = None
    deselected: frozenset[str] = frozenset()
    options: Mapping[str, Any] = field(default_factory=dict)
    state: Path | None = None


@dataclass(frozen=True)
class Client:
    """A program that is measured.

    Args:
        name: Its name in the tables.
        folder: Where its config is, and what it writes besides its output.
        uv: Path of uv, which installs the peers.
        executable: The `tap-sumeru` to measure; empty if the client is a peer.
    """

    name: str
    folder: Path
    uv: str
    executable: str = ""

    def command(self, job: Job) -> list[str]:
        """Write the files that a job needs, delete those of an earlier job, and return the command."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        config: dict[str, Any] = {"api_url": job.server.url, "api_token": job.server.token}
        config |= {"start_date": job.start_date} if job.start_date else {}
        if self.executable:
            config |= {"shop": "acme", **job.options}
            if "shops" in config:
                config = {name: value for name, value in config.items() if name not in {"shop", "api_token"}}
            return self._singer([self.executable], config, job)
        script = [str(self.python()), str(PEERS / _PEERS[self.name].script)]
        if self.name in _SINGER:
            return self._singer(script, config, job)
        config |= {"streams": job.streams, "shop": "acme", "workers": WORKERS}
        config |= {"folder": str(self.folder), "load": self.name == DLT}
        config |= job.options if self.name == DLT_SHOPS else {}
        path = self._file("job", config)
        return [*script, "--config", path] if self.name == CLASSIC else [*script, path]

    def python(self) -> Path:
        """Return the interpreter of the client."""
        return environments.python(_PEERS[self.name].environment, self.uv)

    def counter(self, *, by_shop: bool = False, state: Path | None = None) -> list[str]:
        """Return the command that counts the client's rows: those that it writes, or those in its files."""
        options = [str(self.folder)] if self.name in _WRITE_FILES else []
        options += ["--by-shop"] if by_shop else []
        options += [f"--state={state}"] if state else []
        return [sys.executable, "-m", "benchmarks.rows", *options]

    @property
    def writes_files(self) -> bool:
        """Whether the rows are in files, not in the output."""
        return self.name in _WRITE_FILES

    def _singer(self, command: list[str], config: Mapping[str, Any], job: Job) -> list[str]:
        path = self._file("config", config)
        arguments = ["--config", path]
        catalog = json.loads(_discovered((*command, *([] if self.executable else arguments))))
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
    """Return the columns of a stream, except its replication key."""
    schema = json.loads((ROOT / "schemas" / f"{stream}.json").read_text(encoding="utf-8"))
    return [name for name in schema["properties"] if name not in {"id", "shop", "updated_at"}]


def compared(found: Mapping[str, rows.Tally], expected: Mapping[str, rows.Tally]) -> str:
    """Return what is wrong with the rows of a client; empty if each came exactly once."""
    for stream, tally in expected.items():
        came = found.get(stream, rows.Tally())
        if came != tally:
            return f"{stream}: {came.rows} rows came, {came.distinct} different ones, of {tally.rows}"
    return ""
