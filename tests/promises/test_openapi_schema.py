"""Discovery with `openapi_file`: the fields of the vendor's document are columns, and a sync fills them."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import requests

from support.openapi_changes import TYPES, changed
from support.scripted_api import END, Reply, Request, ScriptedApi, row
from support.tap_cli import Tap
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from pathlib import Path

    from sumeru_sandbox import Sandbox

Json = dict[str, Any]


def discovered(tap: Tap, **config: Any) -> Json:
    """Return the catalog of a discovery."""
    done = tap.run_text([*tap.command(**config), "--discover"])
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def columns(catalog: Json, stream: str) -> Json:
    (entry,) = (one for one in catalog["streams"] if one["tap_stream_id"] == stream)
    return dict(entry["schema"]["properties"])


def written(folder: Path, document: Json) -> str:
    """Write a document into a file and return its path."""
    path = folder / "openapi.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("seed", range(2))
def test_20_random_changes_are_columns_and_a_sync_fills_them(tmp_path: Path, seed: int) -> None:
    document, changes = changed(Random(seed))  # noqa: S311 - no secret
    values: dict[str, Json] = {name: {} for name in STREAMS}
    for change in changes:
        values[change.stream][change.name] = TYPES[change.type][1]

    def serve(request: Request) -> Reply:
        path = request.path.replace("row_1", "{parent}")
        for name, spec in STREAMS.items():
            if path == spec.path:
                moment = "2026-05-10" if name == "usage" else "2026-05-10T00:00:00Z"
                attributes = {**values[name], spec.replication_key: moment}
                return Reply({"data": [{"id": "row_1", "attributes": attributes}], "pagination": END})
        return Reply({}, 404)

    with ScriptedApi(serve) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1"})
        catalog = discovered(tap, openapi_file=written(tmp_path, document))
        assert api.requests == []
        (tmp_path / "openapi.json").unlink()
        output = tap.sync(catalog=catalog, openapi_file=str(tmp_path / "openapi.json"))
        plain = tap.sync(openapi_file=written(tmp_path, document))
    assert output.code == plain.code == 0, output.log
    for change in changes:
        assert change.fits(columns(catalog, change.stream)[change.name]), change
    for stream, sent in values.items():
        for run in (output, plain):
            (record,) = run.records(stream)
            expected = json.loads(json.dumps(sent), parse_float=Decimal)
            assert {name: record[name] for name in sent} == expected, stream
            assert record["extra"] is None


def test_the_documents_columns_are_filled_from_the_sandbox(tmp_path: Path, sandbox: Sandbox) -> None:
    document = requests.get(f"{sandbox.url}/openapi.json", timeout=10).json()
    fields = document["components"]["schemas"]["Customer"]["properties"]["attributes"]["properties"]
    fields["orders_count"] = {"type": "number"}
    fields["created_at"] = fields["total_spent"] = {"type": "string"}
    tap = Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme"})
    options = {"customers": {"include": ["orders"]}}
    catalog = discovered(tap, openapi_file=written(tmp_path, document))
    output = tap.sync(catalog=catalog, stream_options=options)
    plain = tap.sync(openapi_file=written(tmp_path, document), stream_options=options)
    assert output.code == plain.code == 0, output.log
    assert output.records("customers") == plain.records("customers")
    truth = {one["id"]: one for one in sandbox.truth("acme", "customers")}
    records = output.records("customers")
    assert len(records) == len(truth)
    assert {record["created_at"] for record in records} == {one["created_at"] for one in truth.values()}
    assert all(record["orders_count"] == truth[record["id"]]["orders_count"] for record in records)
    assert all(record["total_spent"] in (None, str(truth[record["id"]]["total_spent"])) for record in records)
    assert any(record["orders"] for record in records)
    assert all(record["extra"] is None for record in records)


def test_sampled_rows_add_what_the_document_lacks(tmp_path: Path) -> None:
    document, _ = changed(Random(0), 0)  # noqa: S311 - no secret
    fields = document["components"]["schemas"]["Order"]["properties"]["attributes"]["properties"]
    fields["tier"] = {"type": "string"}

    def serve(request: Request) -> Reply:
        rows = [row(1, tier="gold", points=5)] if request.path == "orders" else []
        return Reply({"data": rows, "pagination": END})

    with ScriptedApi(serve) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1"})
        catalog = discovered(tap, openapi_file=written(tmp_path, document), discover_rows=10)
    found = columns(catalog, "orders")
    assert (found["tier"]["x-provenance"], found["points"]["x-provenance"]) == ("openapi", "observed")
    assert found["points"]["type"] == ["integer", "null"]


def test_what_is_not_taken_from_the_document_is_said(tmp_path: Path) -> None:
    document, _ = changed(Random(0), 0)  # noqa: S311 - no secret
    del document["paths"]["/api/v1/usage"]
    fields = document["components"]["schemas"]["Order"]["properties"]["attributes"]["properties"]
    fields["mixed"] = fields["status"] = {"oneOf": [{"type": "string"}, {"type": "integer"}]}
    tap = Tap(tmp_path, {})
    done = tap.run_text([*tap.command(openapi_file=written(tmp_path, document)), "--discover"])
    assert done.returncode == 0
    lines = (
        "openapi_file: usage: the document does not describe the rows of GET /api/v1/usage; the built-in",
        "openapi_file: orders: no single type, or no safe name, so these fields stay in `extra`: mixed.",
        "openapi_file: orders: no single type, or the replication key, so the built-in type is used: status.",
        "openapi_file: customers: 30 columns; new: orders, attributions; of another type: none.",
    )
    for line in lines:
        assert line in done.stderr
    assert columns(json.loads(done.stdout), "orders")["status"]["x-provenance"] == "assumed"
    assert "mixed" not in columns(json.loads(done.stdout), "orders")


def test_a_document_that_cannot_be_used_is_one_error(tmp_path: Path) -> None:
    document, _ = changed(Random(0), 0)  # noqa: S311 - no secret
    fields = document["components"]["schemas"]["Order"]["properties"]["attributes"]["properties"]
    fields["updated_at"] = {"type": "integer"}
    tap = Tap(tmp_path, {})
    path = written(tmp_path, document)
    done = tap.run_text([*tap.command(openapi_file=path), "--discover"])
    assert done.returncode == 1
    assert "openapi_file: orders.updated_at: is the replication key, and must be a string" in done.stderr
    (tmp_path / "openapi.json").write_text('{"openapi": 3,\n]')
    for command in ([*tap.command(openapi_file=path), "--discover"], tap.command(openapi_file=path)):
        done = tap.run_text(command)
        assert (done.returncode, done.stdout) == (1, "")
    done = tap.run_text([*tap.command(openapi_file=path), "--discover"])
    assert "openapi_file: must be JSON; the error is in line 2, column 1." in done.stderr
    assert "Traceback" not in done.stderr
