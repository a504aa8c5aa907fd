"""Loading into PostgreSQL through an unmodified target: BATCH and RECORD, its defaults and our settings."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from benchmarks import environments, postgres, processes, servers
from benchmarks.clients import STOCK, TAP, Job
from benchmarks.scenarios import Result, at_least, ratio
from benchmarks.turns import medians

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.postgres import Database
    from benchmarks.turns import Figures, Turns

_FASTER = 3
_TURNS = 3
_STREAM = "customers"
AS_IN_MELTANO_YML = {"use_copy": True, "validate_records": False}
"""Settings of the target in `meltano.yml`."""


@dataclass(frozen=True)
class _Way:
    """A client, and the settings of the target; `batches` is the folder of its files, if it writes any."""

    client: str
    job: Job
    settings: dict[str, Any] = field(default_factory=dict)
    batches: Path | None = None


def batch_postgres(turns: Turns) -> Result:
    """Measure this tap into target-postgres in three ways, and the singer-sdk tap's RECORDs in two."""
    customers = 2_000 if turns.quick else 100_000
    target = str(environments.python("target", turns.uv).parent / "target-postgres")
    taken: dict[str, list[Figures]] = {}
    processes.pin(os.getpid(), None)
    with servers.replay(customers) as server, postgres.running() as database:
        for turn in range(1 if turns.quick else _TURNS):
            for name, way in _ways(turns, Job(server, (_STREAM,))).items():
                figures = turns.kept(
                    f"{name}, turn {turn + 1}",
                    lambda name=name, way=way: _loaded(turns, name, way, target, database, customers),  # type: ignore[misc]  # the defaults
                )
                taken.setdefault(name, []).append(figures)
    processes.pin(os.getpid(), -1)
    return _result(taken, customers)


def _ways(turns: Turns, job: Job) -> dict[str, _Way]:
    folder = turns.client(TAP).folder.parent / "batches"
    options = {
        "batch_config": {
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": f"file://{folder}", "prefix": "bench-"},
        }
    }
    batch = replace(job, options=options)
    return {
        f"{STOCK}, RECORD, defaults": _Way(STOCK, job),
        f"{TAP}, BATCH, defaults": _Way(TAP, batch, batches=folder),
        f"{TAP}, RECORD, as in meltano.yml": _Way(TAP, job, AS_IN_MELTANO_YML),
        f"{TAP}, BATCH, as in meltano.yml": _Way(TAP, batch, AS_IN_MELTANO_YML, folder),
        f"{STOCK}, RECORD, as in meltano.yml": _Way(STOCK, job, AS_IN_MELTANO_YML),
    }


def _loaded(turns: Turns, name: str, way: _Way, target: str, database: Database, rows: int) -> Figures:
    """Run a tap into the target, and check the table."""
    log = turns.log(name)
    config = log.with_suffix(".json")
    config.write_text(json.dumps({**database.target(), **way.settings}), encoding="utf-8")
    changed = 0
    if way.batches:
        way.batches.mkdir(parents=True, exist_ok=True)
        changed = way.batches.stat().st_mtime_ns
    command = turns.client(way.client).command(way.job)
    tap, into, _ = processes.piped(command, [target, "--config", str(config)], log)
    wrong = f"exit codes {tap.code} and {into.code}" if tap.code or into.code else ""
    wrong = wrong or database.wrong(_STREAM, rows)
    if way.batches:
        if way.batches.stat().st_mtime_ns == changed:
            wrong = wrong or "no BATCH was written"
        for path in way.batches.iterdir():
            path.unlink()
    return {"wall": into.wall, "cpu": tap.cpu + into.cpu, "tap_cpu": tap.cpu, "wrong": wrong}


def _result(taken: dict[str, list[Figures]], customers: int) -> Result:
    table: list[list[str | float]] = [
        [name, run["wall"], customers / run["wall"], run["cpu"], run["tap_cpu"], run["wrong"]]
        for name, run in ((name, medians(runs)) for name, runs in taken.items())
    ]
    stock, batch, records, both, _ = taken.values()
    bars = [
        at_least(f"seconds: {STOCK} ÷ {way}", ratio(stock, runs, "wall"), _FASTER, *runs, *stock)
        for way, runs in (
            ("BATCH, both with the target's defaults", batch),
            ("RECORD, the target as in meltano.yml", records),
            ("BATCH, the target as in meltano.yml", both),
        )
    ]
    note = (
        f"{customers:,} customers into an empty table through an unmodified meltanolabs-target-postgres, on "
        "all cores: with its defaults, or with `use_copy` and without `validate_records` as in `meltano.yml`."
    )
    columns = ["way", "seconds", "rows/s", "CPU s of tap and target", "CPU s of the tap", "void"]
    return Result("Into PostgreSQL", columns, table, bars, [note])
