"""Writes with a rate limit: the pace of the target alone, and beside a tap that reads the same shop."""

from __future__ import annotations

import json
import shutil
import sys
import time
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from benchmarks import ideal, processes, servers
from benchmarks.clients import TAP, Job
from benchmarks.environments import CACHE
from benchmarks.scenarios import Result, at_least, at_most
from benchmarks.waits import ALL

if TYPE_CHECKING:
    from subprocess import Popen

    from benchmarks.servers import Server
    from benchmarks.turns import Figures, Turns

_TARGET = str(Path(sys.executable).parent / "target-sumeru")
_LIMIT, _LATENCY = 600, 50
_ROWS = 1_500
_SHARE = 0.9
_CUSTOMERS = 10_000
"""Enough for 1,500 rows of each stream, and for the tap to take as long as the target beside it."""
_POLL_SECONDS = 0.05


class _Write(NamedTuple):
    title: str
    stream: str
    column: str
    value: Any


_STOCK = _Write("stock, in bulk", "inventory", "available", 4711)
_TAGS = _Write("tags, one by one", "customers", "tags", ["vip"])


def writes(turns: Turns) -> Result:
    """Measure how fast rows are written, and how much of the limit tap and target use together."""
    rows = 100 if turns.quick else _ROWS
    table: list[list[str | float]] = []
    bars = []
    for write in (_STOCK, _TAGS):
        figures = _alone(turns, write, rows)
        pace = 60 * rows / figures["wall"]
        table.append([write.title, rows, figures["wall"], pace, figures["refused"], "", figures["wrong"]])
        bars += [
            at_most(f"{write.title}: seconds", figures["wall"], 160, figures),
            at_most(f"{write.title}: refused", figures["refused"], 0, figures),
        ]
    both = _beside(turns, rows // 2)
    used = both["spent"] / ideal.documented(_LIMIT, both["wall"])
    pace = 60 * both["spent"] / both["wall"]
    table.append(["beside a tap", rows // 2, both["wall"], pace, both["refused"], used, both["wrong"]])
    bars.append(at_least("beside a tap: share of the limit", used, _SHARE, both))
    return Result("Writes", _COLUMNS, table, bars, [_NOTE])


_COLUMNS = ["what", "rows", "seconds", "cost a minute", "refused", "share of the limit", "void"]
_NOTE = (
    f"`target-sumeru` from start to end, {_LIMIT} requests a minute, {_LATENCY} ms of latency; a bulk write "
    "costs as many requests as it has items. After each run the rows of the server are compared with the "
    "input. `beside a tap`: both have `rate_limit_share` 0.5 and start together; the "
    "seconds until the first of them ends, and what both had spent by then."
)


def _alone(turns: Turns, write: _Write, rows: int) -> Figures:
    def measure() -> Figures:
        with servers.sandbox(_CUSTOMERS, limit=_LIMIT) as server:
            server.latency(_LATENCY)
            ids = _ids(server, write.stream)[:rows]
            began = time.monotonic()
            process = _start(turns, server, write, ids)
            usage = processes.finish(process, began)
            wrong = f"exit code {usage.code}" if usage.code else _compared(server, write, ids)
            return {**asdict(usage), "refused": server.spent()[1], "wrong": wrong}

    return turns.kept(write.title, measure)


def _beside(turns: Turns, rows: int) -> Figures:
    def measure() -> Figures:
        with servers.sandbox(_CUSTOMERS, limit=_LIMIT) as server:
            server.latency(_LATENCY)
            ids = _ids(server, _STOCK.stream)[:rows]
            client = turns.client(TAP)
            command = client.command(Job(server, ALL, options={"rate_limit_share": 0.5}))
            before = _spent(server)
            began = time.monotonic()
            pair = [
                processes.start(command, turns.log("tap")),
                _start(turns, server, _STOCK, ids, rate_limit_share=0.5),
            ]
            while all(process.poll() is None for process in pair):
                time.sleep(_POLL_SECONDS)
            wall, spent = time.monotonic() - began, _spent(server) - before
            codes = [process.wait() for process in pair]
            wrong = f"exit codes {codes}" if any(codes) else _compared(server, _STOCK, ids)
            return {"wall": wall, "spent": spent, "refused": server.spent()[1], "wrong": wrong}

    return turns.kept("beside a tap", measure)


def _start(turns: Turns, server: Server, write: _Write, ids: list[str], **options: Any) -> Popen[bytes]:  # noqa: ANN401 - settings
    """Start the target with one row for each id."""
    folder = CACHE / "runs" / "writes" / write.stream
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = {"api_url": server.url, "api_token": server.token, "shop": "acme", **options}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    properties = {"id": {"type": "string"}, write.column: {}}
    schema = {"type": "SCHEMA", "stream": write.stream, "schema": {"properties": properties}}
    lines = [{**schema, "key_properties": ["id"]}]
    lines += [
        {"type": "RECORD", "stream": write.stream, "record": {"id": row_id, write.column: write.value}}
        for row_id in ids
    ]
    rows = folder / "rows.jsonl"
    rows.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    with rows.open("rb") as stdin:
        command = [_TARGET, "--config", str(folder / "config.json")]
        return processes.start(command, turns.log(write.title), stdin=stdin)


def _rows(server: Server, stream: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{server.url}/_sandbox/truth/acme/{stream}") as lines:  # noqa: S310 - ours
        return [msgspec.json.decode(line) for line in lines]


def _ids(server: Server, stream: str) -> list[str]:
    return [row["id"] for row in _rows(server, stream)]


def _compared(server: Server, write: _Write, ids: list[str]) -> str:
    """Return what is wrong with the rows that were to be written, empty if nothing is."""
    wanted = set(ids)
    written = {row["id"] for row in _rows(server, write.stream) if row[write.column] == write.value}
    return "" if wanted <= written else f"{len(wanted - written)} rows were not written"


def _spent(server: Server) -> int:
    """Return what all requests that were not refused have cost: a bulk write as many as it has items."""
    stats = server.call("stats")
    items = server.call("writes")["counts"].get("acme", {}).get(_STOCK.stream, {}).get("bulk", 0)
    cost: int = stats["requests"] - stats["rate_limited"] - stats["methods"].get("PATCH", 0) + items
    return cost
