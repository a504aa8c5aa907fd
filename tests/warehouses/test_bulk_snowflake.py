"""The SQL that `tap-sumeru-bulk snowflake` prints loads BATCH files, and target-snowflake goes on."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import sqlglot

from sumeru_sandbox import Sandbox
from tap_sumeru.catalog.streams import STREAMS
from warehouses import targets
from warehouses.bulk import PROGRAM
from warehouses.clouds import CLOUDS, Snowflake
from warehouses.lives import ODD, SHOPS, ReadPosition, change, see
from warehouses.test_lives import assert_done, assert_rows

if TYPE_CHECKING:
    from pathlib import Path

    from support.tap_cli import Output
    from warehouses.conftest import Pipeline, Start
    from warehouses.warehouse import Json

pytestmark = pytest.mark.timeout(900)
_RUN = """
import snowflake.connector, sys
port, = sys.argv[1:]
options = {"account": "fakesnow", "user": "any", "password": "any"}
with snowflake.connector.connect(host="127.0.0.1", port=port, protocol="http", **options) as db:
    db.cursor().execute("CREATE DATABASE IF NOT EXISTS RAW")
    for statement in filter(str.strip, sys.stdin.read().split(";\\n")):
        db.cursor().execute(statement)
"""


@pytest.fixture(scope="module")
def snowflake(start: Start) -> Snowflake:
    (one,) = (one for one in CLOUDS if isinstance(one, Snowflake))
    return start(one)


def printed(output: Output, schema: str, folder: Path) -> str:
    """The SQL for what the tap has written."""
    assert output.code == 0, output.log
    command = [*PROGRAM, "snowflake", "--database", "raw", "--schema", schema]
    command += ["--state", str(folder / "state.json")]
    text = "".join(f"{line}\n" for line in output.lines)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    for statement in filter(str.strip, done.stdout.split(";\n")):
        sqlglot.parse_one(statement, dialect="snowflake")
    return done.stdout


def executed(snowflake: Snowflake, sql: str) -> None:
    command = [str(targets.program(snowflake.target, "python")), "-c", _RUN, str(snowflake.port)]
    done = subprocess.run(command, input=sql, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


def batches(folder: Path) -> Json:
    return {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": folder.as_uri()}}


def test_the_statements_load_what_the_target_would_load_and_it_goes_on(
    snowflake: Snowflake, tmp_path: Path
) -> None:
    streams = tuple(STREAMS)
    with Sandbox(SHOPS, customers=100) as sandbox:
        for stream, values in ODD.items():
            sandbox.put("acme", stream, f"odd_{stream}", **values)
        pipeline: Pipeline = ReadPosition(snowflake, tmp_path, "bulk").pipeline(sandbox, *SHOPS)
        first = pipeline.tap.sync(batch_config=batches(tmp_path / "files"))
        sql = printed(first, "bulk", tmp_path)
        executed(snowflake, sql)
        executed(snowflake, sql)  # again, as after a failure
        for stream in streams:
            held = {(shop, row["id"]): row for shop in SHOPS for row in sandbox.truth(shop, stream)}
            assert_rows(snowflake, stream, pipeline.rows(stream)[stream], held)
        sandbox.advance(3 * 3600)
        for shop in SHOPS:
            change(sandbox, shop, "orders")
        second = pipeline.run(first.state, streams=("orders",))
        assert_done(second)
        seen = see(second, pipeline, sandbox, SHOPS, "orders")
        assert_rows(snowflake, "orders", seen.landed["orders"], seen.truth["orders"])


def test_the_tables_are_those_of_the_target(snowflake: Snowflake, tmp_path: Path) -> None:
    with Sandbox(["acme"], customers=100) as sandbox:
        by_target = ReadPosition(snowflake, tmp_path, "by_target").pipeline(sandbox, "acme")
        assert_done(by_target.run())
        output = by_target.tap.sync(batch_config=batches(tmp_path / "files"))
        executed(snowflake, printed(output, "by_bulk", tmp_path))
    for stream in STREAMS:
        assert snowflake.types("by_bulk", stream) == snowflake.types("by_target", stream)
