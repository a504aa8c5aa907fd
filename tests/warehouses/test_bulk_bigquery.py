"""The SQL that `tap-sumeru-bulk bigquery` prints makes the tables of target-bigquery, and merges into them.

bqemulator has no LOAD DATA, so a load job of its REST API brings the same files into the same columns.
"""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING
from urllib.request import url2pathname

import pytest
import requests
import sqlglot

from sumeru_sandbox import Sandbox
from tap_sumeru.catalog.streams import STREAMS
from warehouses.bulk import PROGRAM
from warehouses.clouds import CLOUDS, BigQuery
from warehouses.lives import ODD, SHOPS, ReadPosition, change, see
from warehouses.test_lives import assert_done, assert_rows

if TYPE_CHECKING:
    from pathlib import Path

    from support.tap_cli import Output
    from warehouses.conftest import Pipeline, Start
    from warehouses.warehouse import Json

pytestmark = pytest.mark.timeout(900)
BUCKET = "gs://bucket/"
_LOAD = re.compile(r"LOAD DATA OVERWRITE (\S+) (\(.+\)) FROM FILES \((.+)\)")
_ADD = re.compile(r"(ALTER TABLE \S+) (ADD COLUMN .+)")


@pytest.fixture(scope="module")
def bigquery(start: Start) -> BigQuery:
    (one,) = (one for one in CLOUDS if isinstance(one, BigQuery))
    return start(one)


def printed(output: Output, dataset: str, folder: Path) -> list[str]:
    """The statements for what the tap has written, as if its files were in a bucket."""
    assert output.code == 0, output.log
    text = "".join(f"{line}\n" for line in output.lines).replace(f"{folder.as_uri()}/", BUCKET)
    command = [*PROGRAM, "bigquery", "--dataset", dataset]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    statements = [one for one in done.stdout.split(";\n") if one.strip()]
    for one in statements:
        sqlglot.parse_one(one, dialect="bigquery")
    return statements


def executed(bigquery: BigQuery, dataset: str, statements: list[str], folder: Path) -> None:
    for statement in statements:
        load, add = _LOAD.fullmatch(statement), _ADD.fullmatch(statement)
        if load:
            table, columns, options = load.groups()
            assert "format = 'JSON', ignore_unknown_values = TRUE" in options
            bigquery.query(dataset, f"CREATE OR REPLACE TABLE {table} {columns}")
            for name in re.findall(rf"{BUCKET}([^']+)", options):
                loaded(bigquery, dataset, table.split(".")[1].strip("`"), folder / url2pathname(name))
        elif add:  # it takes one column at a time
            for column in re.split(r", (?=ADD COLUMN)", add[2]):
                bigquery.query(dataset, f"{add[1]} {column}")
        else:
            bigquery.query(dataset, statement)


def loaded(bigquery: BigQuery, dataset: str, table: str, file: Path) -> None:
    """Load a file by a job of the REST API."""
    place = {"projectId": "demo", "datasetId": dataset, "tableId": table}
    how = {"sourceFormat": "NEWLINE_DELIMITED_JSON", "writeDisposition": "WRITE_APPEND"}
    job = json.dumps({"configuration": {"load": {"destinationTable": place, **how}}})
    answer = requests.post(
        f"http://127.0.0.1:{bigquery.port}/upload/bigquery/v2/projects/demo/jobs?uploadType=multipart",
        data=b"".join(
            (
                b"--x\r\nContent-Type: application/json\r\n\r\n",
                job.encode(),
                b"\r\n--x\r\nContent-Type: application/octet-stream\r\n\r\n",
                file.read_bytes(),
                b"\r\n--x--",
            )
        ),
        headers={"Content-Type": "multipart/related; boundary=x"},
        timeout=300,
    )
    assert "errorResult" not in answer.json().get("status", {"errorResult": 1}), answer.text


def batches(folder: Path) -> Json:
    return {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": folder.as_uri()}}


def test_the_statements_load_what_the_target_would_load_and_it_goes_on(
    bigquery: BigQuery, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    with Sandbox(SHOPS, customers=100) as sandbox:
        for stream, values in ODD.items():
            sandbox.put("acme", stream, f"odd_{stream}", **values)
        pipeline: Pipeline = ReadPosition(bigquery, tmp_path, "bulk").pipeline(sandbox, *SHOPS)
        first = pipeline.tap.sync(batch_config=batches(files))
        statements = printed(first, "bulk", files)
        for _ in range(2):  # the second time as after a failure
            executed(bigquery, "bulk", statements, files)
        for stream in STREAMS:
            held = {(shop, row["id"]): row for shop in SHOPS for row in sandbox.truth(shop, stream)}
            assert_rows(bigquery, stream, pipeline.rows(stream)[stream], held)
        sandbox.advance(3 * 3600)
        for shop in SHOPS:
            change(sandbox, shop, "orders")
        second = pipeline.run(first.state, streams=("orders",))
        assert_done(second)
        seen = see(second, pipeline, sandbox, SHOPS, "orders")
        assert_rows(bigquery, "orders", seen.landed["orders"], seen.truth["orders"])
