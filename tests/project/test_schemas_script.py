"""`make schemas`: `schemas/` follows an OpenAPI document, and what it lacks stays assumed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import schemas
from support.openapi_changes import changed
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from random import Random

ROOT = Path(__file__).parents[2]


def copied(folder: Path) -> Path:
    """Return an empty folder with a copy of the schemas."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "schemas", folder)
    return folder


def texts(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.json"))}


def properties(folder: Path) -> dict[str, dict[str, Any]]:
    return {name: json.loads(text)["properties"] for name, text in texts(folder).items()}


@given(random=st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_schemas_follow_20_random_changes(tmp_path: Path, random: Random) -> None:
    document, changes = changed(random)
    folder = copied(tmp_path / "schemas")
    before = properties(folder)
    lines = schemas.update(document, folder)
    first, after = texts(folder), properties(folder)
    for change in changes:
        column = after[change.stream][change.name]
        assert change.fits(column), change
        assert column["x-provenance"] == "documented"
        assert column.get("x-writable") == before[change.stream].get(change.name, {}).get("x-writable")
        assert column["description"].endswith(".")
        assert any(change.name in line for line in lines)
    schemas.update(document, folder)
    assert texts(folder) == first
    described = {name: document_names(document, name) for name in STREAMS}
    for stream, columns in before.items():
        assert list(after[stream])[: len(columns)] == list(columns)
        for name, column in columns.items():
            if name not in described[stream]:
                assert after[stream][name] == column
            assert after[stream][name].get("x-pii") == column.get("x-pii") or "x-pii" not in column


def document_names(document: dict[str, Any], stream: str) -> set[str]:
    """Return the names of the fields of a stream in a document."""
    singular = STREAMS[stream].resource.title().replace("_", "")
    row = document["components"]["schemas"][singular]
    return set(row["properties"]["attributes"]["properties"])


def test_the_command_lists_what_is_still_assumed(tmp_path: Path) -> None:
    row = {"type": "object", "properties": {"id": {"type": "string"}, "status": {"type": "integer"}}}
    page = {"properties": {"data": {"type": "array", "items": row}}}
    get = {"responses": {"200": {"content": {"application/json": {"schema": page}}}}}
    spec, folder = tmp_path / "spec.json", copied(tmp_path / "schemas")
    spec.write_text(json.dumps({"openapi": "3.0.0", "paths": {"/api/v1/orders": {"get": get}}}))
    command = [sys.executable, str(ROOT / "scripts" / "schemas.py"), str(spec), "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (
        "orders\n  documented: status\n  another type: status\n  still assumed: order_number, " in done.stdout
    )
    assert "customers: the document does not describe the rows of this stream\n" in done.stdout
    assert properties(folder)["orders"]["status"]["type"] == ["integer", "null"]
    before = texts(folder)
    del before["orders"]
    assert before.items() <= texts(ROOT / "schemas").items()


def test_a_document_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    spec, folder = tmp_path / "spec.json", copied(tmp_path / "schemas")
    spec.write_text("{")
    command = [sys.executable, str(ROOT / "scripts" / "schemas.py"), str(spec), "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "SPEC: must be JSON; the error is in line 1, column 2.\n"
    assert texts(folder) == texts(ROOT / "schemas")
