"""Backfills PostgreSQL with tap-sumeru-bulk and with target-postgres, and lets the latter continue."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import environments, postgres, processes, servers
from benchmarks.clients import STOCK, TAP, Job
from benchmarks.scenarios import Result, at_least, ratio
from benchmarks.turns import medians
from benchmarks.warehouse import AS_IN_MELTANO_YML

if TYPE_CHECKING:
    from benchmarks.postgres import Database
    from benchmarks.turns import Figures, Turns

_THAN_LOADER, _THAN_STOCK = 3, 8
_TURNS = 3
_STREAM = "customers"
BULK = str(Path(sys.executable).parent / "tap-sumeru-bulk")
_COLUMNS = """
select string_agg(case when udt_name = 'numeric' then quote_ident(column_name) || '::float8'
  else quote_ident(column_name) end, ', ' order by column_name)
from information_schema.columns where table_schema = 'shop' and column_name not like '\\_sdc\\_%'
"""
"""Columns whose values do not depend on when they were loaded; the loader passes numbers through floats."""


@dataclass(frozen=True)
class _Way:
    """A client, and what loads its output."""

    client: str
    into: list[str]
    settings: dict[str, Any] = field(default_factory=dict)


def bulk(turns: Turns) -> Result:
    """Measure tap-sumeru-bulk and target-postgres: as in meltano.yml, and a stock tap with its defaults."""
    customers = 2_000 if turns.quick else 100_000
    target = str(environments.python("target", turns.uv).parent / "target-postgres")
    ways = {
        f"{TAP}, tap-sumeru-bulk": _Way(TAP, [BULK, "postgres"]),
        f"{TAP}, target-postgres as in meltano.yml": _Way(TAP, [target], AS_IN_MELTANO_YML),
        f"{STOCK}, target-postgres with its defaults": _Way(STOCK, [target]),
    }
    taken: dict[str, list[Figures]] = {}
    processes.pin(os.getpid(), None)
    with servers.replay(customers) as server, postgres.running() as database:
        job = Job(server, (_STREAM,))
        for turn in range(1 if turns.quick else _TURNS):
            for name, way in ways.items():
                figures = turns.kept(
                    f"{name}, turn {turn + 1}",
                    partial(_loaded, turns, name, way, job, database, customers),
                )
                taken.setdefault(name, []).append(figures)
        further = turns.kept("the loader goes on", lambda: _goes_on(turns, ways, job, database, customers))
    processes.pin(os.getpid(), -1)
    return _result(list(taken.values()), list(ways), further, customers)


def _loaded(
    turns: Turns, name: str, way: _Way, job: Job, database: Database, rows: int, *, empty: bool = True
) -> Figures:
    """Run a tap into a loader, and check the table."""
    log = turns.log(name)
    config = log.with_suffix(".json")
    config.write_text(json.dumps({**database.target(empty=empty), **way.settings}), encoding="utf-8")
    command = turns.client(way.client).command(job)
    tap, into, states = processes.piped(command, [*way.into, "--config", str(config)], log)
    wrong = f"exit codes {tap.code} and {into.code}" if tap.code or into.code else ""
    figures = {"wall": into.wall, "cpu": tap.cpu + into.cpu, "rss_mib": into.rss_mib}
    return {
        **figures,
        "wrong": wrong or database.wrong(_STREAM, rows),
        "values": _values(database),
        "state": (states.splitlines() or [b"{}"])[-1].decode(),
    }


def _values(database: Database) -> str:
    """Return a digest of all values of all rows."""
    columns = database.sql(_COLUMNS)
    rows = f"select {columns} from shop.{_STREAM}"  # noqa: S608 - a table of ours
    return database.sql(f"select md5(string_agg(md5(one::text), '' order by id)) from ({rows}) as one")  # noqa: S608 - ours


def _goes_on(turns: Turns, ways: dict[str, _Way], job: Job, database: Database, rows: int) -> Figures:
    """Load in bulk, then sync with the loader from its state."""
    (name, bulk), (_, loader), _ = ways.items()
    first = _loaded(turns, name, bulk, job, database, rows)
    state = turns.log("state").with_suffix(".json")
    state.write_text(first["state"], encoding="utf-8")
    further = replace(job, state=state)
    second = _loaded(turns, "incremental", loader, further, database, rows, empty=False)
    same = "" if first["values"] == second["values"] else "the loader has changed values"
    return {**second, "wrong": first["wrong"] or second["wrong"] or same}


def _result(taken: list[list[Figures]], names: list[str], further: Figures, customers: int) -> Result:
    ours, loader, stock = taken
    if len({run["values"] for run in (*ours, *loader)}) > 1:
        further = {**further, "wrong": "the tables of the bulk loader and of the loader differ"}
    table: list[list[str | float]] = [
        [name, run["wall"], customers / run["wall"], run["cpu"], run["rss_mib"], run["wrong"]]
        for name, run in ((name, medians(runs)) for name, runs in zip(names, taken, strict=True))
    ]
    then = "then target-postgres, from the state of tap-sumeru-bulk"
    table.append([then, further["wall"], "", "", "", further["wrong"]])
    bars = [
        at_least(f"seconds: {what} ÷ bulk", ratio(runs, ours, "wall"), bound, *ours, *runs, further)
        for what, runs, bound in (
            ("target-postgres as in meltano.yml", loader, _THAN_LOADER),
            ("a stock tap into target-postgres with its defaults", stock, _THAN_STOCK),
        )
    ]
    note = (
        f"{customers:,} customers from the API into an empty table, on all cores. The tables of the first "
        "two ways are compared value by value. Then target-postgres loads a sync that starts from the state "
        "of tap-sumeru-bulk: every value stays as it is."
    )
    columns = ["way", "seconds", "rows/s", "CPU s of tap and loader", "peak MiB of the loader", "void"]
    return Result("Bulk backfill into PostgreSQL", columns, table, bars, [note])
