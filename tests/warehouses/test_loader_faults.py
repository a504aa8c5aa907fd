"""What loaders beside those of `meltano.yml` break, each as docs/warehouses.md says it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sumeru_sandbox import Sandbox
from warehouses import documented, targets
from warehouses.lives import ReadPosition
from warehouses.loaders import OTHERS, S3, Csv, Loader, PipelineWise, Sqlite
from warehouses.test_lives import assert_done

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warehouses.conftest import Pipeline, Start
    from warehouses.warehouse import Json

pytestmark = pytest.mark.timeout(600)
HERE = Path(__file__).parent
LONG = "_".join(["a_name"] * 11)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(["acme"], customers=100) as running:
        yield running


class Into:
    """Makes pipelines of one shop into a loader."""

    def __init__(self, start: Start, sandbox: Sandbox, folder: Path) -> None:
        self._start, self._sandbox, self._folder = start, sandbox, folder

    def __call__(self, kind: type[Loader], **settings: Any) -> Pipeline:
        loader = self._start(next(one for one in OTHERS if isinstance(one, kind)))
        name = "at_" + self._folder.name[-30:].lower()
        place = ReadPosition(loader, self._folder, name, {**loader.settings, **settings})
        return place.pipeline(self._sandbox, "acme")


@pytest.fixture
def into(start: Start, sandbox: Sandbox, tmp_path: Path) -> Into:
    return Into(start, sandbox, tmp_path)


def records(pipeline: Pipeline, table: str) -> list[Json]:
    assert isinstance(pipeline.warehouse, Loader)
    return pipeline.warehouse.records(pipeline.schema, table)


@pytest.mark.parametrize("kind", [PipelineWise, Sqlite, Csv])
def test_a_name_of_76_characters_becomes_its_initials_in_a_database(into: Into, kind: type[Loader]) -> None:
    pipeline = into(kind, stream_maps={"campaigns": {LONG: "id"}})
    for _ in range(2):
        assert_done(pipeline.run(streams=("campaigns",)))
    rows = pipeline.rows("campaigns")["campaigns"].values()
    name = LONG if kind is Csv else "an" * 11
    assert [row[name] for row in rows] == [row["id"] for row in rows]


@pytest.mark.parametrize("kind", [PipelineWise, Sqlite, Csv])
def test_a_nul_in_a_nested_value_stops_pipelinewise_alone(
    into: Into, sandbox: Sandbox, kind: type[Loader]
) -> None:
    sandbox.put("acme", "campaigns", "odd", unknown="a\0b")
    pipeline = into(kind)
    run = pipeline.run(streams=("campaigns",))
    if kind is PipelineWise:
        assert (run.target_code, run.state) == (1, {})
        assert "unsupported Unicode escape sequence" in run.target_log
    else:
        assert_done(run)
        assert pipeline.rows("campaigns")["campaigns"]["acme", "odd"]["extra"] == {"unknown": "a\0b"}


def test_pipelinewise_renames_a_column_whose_type_changes(into: Into) -> None:
    pipeline = into(PipelineWise)
    lines = pipeline.tap.sync(streams=("usage",)).lines
    messages = [json.loads(line) for line in lines]
    for message in messages:
        if message["type"] == "SCHEMA":
            message["schema"]["properties"]["plan"]["type"] = ["integer", "null"]
        if message["type"] == "RECORD":
            message["record"]["plan"] = 1
    for given in (lines, [json.dumps(message) for message in messages]):
        code, log, _ = pipeline.load(given)
        assert code == 0, log
    first, *_ = records(pipeline, "usage")
    (old,) = (name for name in first if re.fullmatch(r"plan_\d{8}_\d{4}", name))
    assert (first["plan"], type(first[old])) == (1, str)


def test_sqlite_needs_a_python_older_than_3_10(into: Into) -> None:
    """With what Python 3.10 has removed put back, as in all other tests, it works."""
    pipeline = into(Sqlite)
    file = pipeline.tap.folder / "target.json"
    file.write_text(json.dumps(pipeline.warehouse.config(pipeline.schema)))
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(targets.program("target-sqlite")), "--config", str(file)]
    done = subprocess.run(command, input="", capture_output=True, check=False, text=True, env=bare)
    assert done.returncode == 1
    assert "module 'collections' has no attribute 'MutableMapping'" in done.stderr


@pytest.mark.parametrize("kind", [Sqlite, Csv])
def test_without_flattening_nested_values_are_texts_of_python(
    into: Into, sandbox: Sandbox, kind: type[Loader]
) -> None:
    sandbox.put("acme", "orders", "odd", tags=["a", None], line_items=[{"gift": True}])
    pipeline = into(kind, flattening_enabled=False)
    assert_done(pipeline.run(streams=("orders",)))
    row = next(row for row in records(pipeline, "orders") if row["id"] == "odd")
    assert (row["tags"], row["line_items"]) == ("['a', None]", "[{'gift': True}]")


def test_without_flattening_s3_writes_no_parquet(into: Into) -> None:
    pipeline = into(S3, flattening_enabled=False)
    run = pipeline.run(streams=("orders",))
    assert (run.target_code, run.state) == (1, {})
    assert records(pipeline, "orders") == []


def test_a_csv_file_without_a_time_in_its_name_holds_the_last_run_alone(into: Into, sandbox: Sandbox) -> None:
    pipeline = into(Csv)
    named = {"file_naming_scheme": "{stream_name}-all.csv"}
    first = pipeline.run(streams=("orders",), target=named)
    assert_done(first)
    assert len(records(pipeline, "orders")) == len(sandbox.truth("acme", "orders"))
    sandbox.advance(3 * 3600)
    sandbox.put("acme", "orders", "new")
    assert_done(pipeline.run(first.state, streams=("orders",), target=named))
    assert "new" in {row["id"] for row in records(pipeline, "orders")}
    assert len(records(pipeline, "orders")) < 20


def test_the_scenarios_name_tests_that_exist_and_every_loader() -> None:
    rows = documented.table("loaders-scenarios")
    assert rows
    for *cells, name in rows:
        assert len(cells) == 1 + len(OTHERS)
        assert all(cells)
        file, _, test = name.partition("::")
        assert f"def {test}(" in (HERE / file).read_text(encoding="utf-8"), name


def test_the_page_names_the_pinned_versions() -> None:
    text = documented.page("")
    for loader in OTHERS:
        assert targets.PINS[loader.target].replace("==", " ") in text
    assert re.sub(r"\[\w+]", "", targets.PINS["moto"].split()[0]).replace("==", " ") in text
