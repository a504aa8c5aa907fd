"""docs/backfill.md: its commands work as they stand, and what it says of values is what lands."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
import pytest

from sumeru_sandbox import Sandbox
from support.tap_cli import Tap
from tap_sumeru.bulk.postgres_settings import PREFIX
from tap_sumeru.catalog.streams import STREAMS
from warehouses import targets
from warehouses.bulk import BulkPipeline, BulkPostgres
from warehouses.conftest import require
from warehouses.documented import DOCS
from warehouses.meltano_project import Project, reading
from warehouses.test_lives import assert_done, assert_rows
from warehouses.warehouse import asked

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses.conftest import Start

PAGE = (DOCS / "backfill.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
LOAD, GO_ON, FILES = (
    next(block for block in BLOCKS if part in block)
    for part in ("tap-sumeru-bulk postgres --state", "meltano state set", "--delete-files")
)
SNOWFLAKE, BIGQUERY, PARQUET = (
    next(block for block in BLOCKS if f"tap-sumeru-bulk {name}" in block)
    for name in ("snowflake", "bigquery", "parquet")
)
_DUCKDB = """
import duckdb, json, sys
print(json.dumps([[str(value) for value in duckdb.sql(sys.argv[1]).fetchone()]]))
"""
_ROW = re.compile(r"^\| `(\w+)\.(\w+)` \| `(\w+)` \| `(.+?)` \| (`.+?`|stops) \| `(.+?)` \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def bulk(start: Start) -> BulkPostgres:
    return start(BulkPostgres())


def run(script: str, project: Project, *streams: str) -> str:
    """Run commands of the page in bash, with programs that are installed already; return what they log."""
    programs = project.folder / "bin"
    programs.mkdir(exist_ok=True)
    uvx = programs / "uvx"
    uvx.write_text(f'#!/bin/sh\nshift 3\nexec {targets.program("meltano")} "$@"\n', encoding="utf-8")
    uvx.chmod(0o755)
    path = os.pathsep.join([str(programs), str(targets.ROOT / ".venv" / "bin"), os.environ["PATH"]])
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-e", "-c", script],
        cwd=project.folder,
        env={**project.environment(*streams), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_commands_load_and_meltano_goes_on(bulk: BulkPostgres, tmp_path: Path) -> None:
    require(targets.missing("meltano"))
    with Sandbox(["acme"], customers=100) as sandbox:
        project = Project(tmp_path, bulk, reading(sandbox.url, sandbox.token("acme")))
        log = run(LOAD, project)
        total = int(re.findall(r"Sync done: (\d+) records?", log)[-1])
        assert f"{total} records loaded." in log
        sandbox.advance(3 * 3600)
        sandbox.put("acme", "orders", "new")
        log = run(GO_ON, project, "orders")
        assert int(re.findall(r"Sync done: (\d+) records?", log)[-1]) < total / 20
        held = {("acme", row["id"]): row for row in sandbox.truth("acme", "orders")}
        landed = project.pipeline().rows("orders")["orders"]
        assert landed.keys() == held.keys()
        again = int(re.findall(r"Sync done: (\d+) records?", run(LOAD, project))[-1])
        assert again < total / 5


def test_the_commands_load_from_files_and_delete_them(bulk: BulkPostgres, tmp_path: Path) -> None:
    files = tmp_path / "files"
    with Sandbox(["acme"], customers=100) as sandbox:
        project = Project(tmp_path, bulk, reading(sandbox.url, sandbox.token("acme")))
        run(FILES.replace("file:///tmp/sumeru", files.as_uri()), project)
        held = {("acme", row["id"]): row for row in sandbox.truth("acme", "orders")}
        landed = project.pipeline().rows("orders")["orders"]  # with rows of other tests
        assert_rows(bulk, "orders", {key: landed[key] for key in held}, held)
    assert json.loads((tmp_path / "state.json").read_bytes())["bookmarks"]
    assert list(files.iterdir()) == []


def test_the_values_of_the_page_are_those_that_land(bulk: BulkPostgres, tmp_path: Path) -> None:
    rows = _ROW.findall(PAGE)
    assert len(rows) > 3
    with Sandbox(["acme"], customers=100) as sandbox:
        for number, (stream, column, _, sent, _, _) in enumerate(rows):
            sandbox.put("acme", stream, f"doc_{number}", **{column: msgspec.Raw(sent.encode())})
        config = {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme"}
        pipeline = BulkPipeline(Tap(tmp_path, config), bulk, "page")
        assert_done(pipeline.run(streams=tuple({row[0] for row in rows})))
    texts = [bulk.text(stream, column, f"doc_{number}") for number, (stream, column, *_) in enumerate(rows)]
    for (stream, column, kind, sent, loader, lands), [text] in zip(
        rows, bulk.query("page", *texts), strict=True
    ):
        assert text == lands
        assert bulk.types("page", stream)[column] == kind
        if kind == "numeric":
            assert Decimal(lands) == Decimal(sent) != Decimal(0)
            assert Decimal(loader.strip("`")) == Decimal(repr(float(sent)))


def test_the_command_writes_parquet_and_the_query_finds_each_row_once(
    bulk: BulkPostgres, tmp_path: Path
) -> None:
    require(targets.missing("target-duckdb"))
    (query,) = re.findall(r"```sql\n(SELECT .*?);\n```", PAGE, re.DOTALL)
    with Sandbox(["acme"], customers=100) as sandbox:
        project = Project(tmp_path, bulk, reading(sandbox.url, sandbox.token("acme")))
        run(f"export TAP_SUMERU_PII=drop\n{PARQUET}", project)  # files that lack columns of later ones
        (tmp_path / "state.json").unlink()
        run(PARQUET, project)
        here = query.replace("output/parquet", str(tmp_path / "output" / "parquet"))
        count = f"SELECT count(*) FROM ({here})"  # noqa: S608 - of our page
        assert asked("target-duckdb", _DUCKDB, count) == [[str(len(sandbox.truth("acme", "orders")))]]
        emails = count.replace("*", "email", 1)
        assert asked("target-duckdb", _DUCKDB, emails) != [["0"]]


@pytest.mark.parametrize("script", [SNOWFLAKE, BIGQUERY], ids=["snowflake", "bigquery"])
def test_the_commands_print_sql_for_the_files(script: str, bulk: BulkPostgres, tmp_path: Path) -> None:
    """Without the client of BigQuery, and with a name of its bucket for files of this machine."""
    files = tmp_path / "files"
    script = script.replace("file:///tmp/sumeru", files.as_uri()).replace(
        "gs://bucket/sumeru", files.as_uri()
    )
    script = script.replace("< sync.jsonl", f"< <(sed 's#{tmp_path.as_uri()}#gs://bucket#g' sync.jsonl)")
    with Sandbox(["acme"], customers=100) as sandbox:
        run(
            script.partition("bq query")[0],
            Project(tmp_path, bulk, reading(sandbox.url, sandbox.token("acme"))),
        )
    statements = (tmp_path / "load.sql").read_text(encoding="utf-8").split(";\n")
    assert sum(statement.startswith("MERGE INTO") for statement in statements) == len(STREAMS)
    assert json.loads((tmp_path / "state.json").read_bytes())["bookmarks"]


def test_the_settings_of_the_page_exist() -> None:
    known = targets.settings("target-postgres") | {"host", "port", "user", "password", "database"}
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]+)\b", PAGE))
    assert {name.lower() for name in named} <= known
    assert set(re.findall(r"meltano==(\S+)", PAGE)) == {targets.MELTANO.partition("==")[2]}
