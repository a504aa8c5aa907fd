"""What docs/postgres.md and docs/duckdb.md have to paste works, and lands what they say."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from sumeru_sandbox import Sandbox
from support.tap_cli import Tap
from warehouses import targets
from warehouses.conftest import Pipeline
from warehouses.documented import DOCS
from warehouses.warehouse import WAREHOUSES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from warehouses.conftest import Start
    from warehouses.warehouse import Json, Warehouse

SHOPS = ("acme", "globex")
PAGES = {"target-postgres": "postgres.md", "target-duckdb": "duckdb.md"}
TARGETS = [one.target for one in WAREHOUSES]
SCHEMA = "sumeru"  # as the pages have it


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SHOPS, customers=100) as running:
        yield running


@pytest.fixture(params=WAREHOUSES, ids=lambda one: one.target.removeprefix("target-"))
def warehouse(request: pytest.FixtureRequest, start: Start) -> Warehouse:
    """Each that has a page of this form, in turn."""
    one: Warehouse = request.param
    return start(one)


@pytest.fixture
def pipeline(warehouse: Warehouse, sandbox: Sandbox, tmp_path: Path) -> Pipeline:
    shops = [{"shop": shop, "api_token": sandbox.token(shop)} for shop in SHOPS]
    return Pipeline(Tap(tmp_path, {"api_url": sandbox.url, "shops": shops}), warehouse, SCHEMA)


def page(target: str) -> str:
    return (DOCS / PAGES[target]).read_text(encoding="utf-8")


def synced(pipeline: Pipeline, **options: Any) -> None:
    run = pipeline.run(**options)
    assert (run.code, run.target_code) == (0, 0), run.log + run.target_log


def found(pipeline: Pipeline, query: str) -> list[Json]:
    text = f"SELECT CAST(to_json(one) AS VARCHAR) FROM ({query}) AS one"  # noqa: S608 - of our pages
    (rows,) = pipeline.warehouse.query(SCHEMA, text)
    return [json.loads(row or "") for row in rows]


def queries(target: str) -> list[str]:
    return [query.rstrip(";\n") for query in re.findall(r"```sql\n(SELECT .*?)```", page(target), re.DOTALL)]


@pytest.mark.parametrize("target", TARGETS)
def test_a_page_names_the_pinned_versions(target: str) -> None:
    for pin in targets.PINS[target].split():
        assert pin.replace("==", " ") in page(target)


@pytest.mark.parametrize("target", TARGETS)
def test_the_commands_of_a_page_name_what_there_is(target: str) -> None:
    project = yaml.safe_load((targets.ROOT / "meltano.yml").read_text(encoding="utf-8"))
    plugins = {plugin["name"]: plugin for kind in project["plugins"].values() for plugin in kind}
    prefixes = {name.upper().replace("-", "_"): plugin for name, plugin in plugins.items()}
    known = {"TAP_SUMERU__METADATA"} | {
        f"{prefix}_{setting['name'].upper()}"
        for prefix, plugin in prefixes.items()
        for setting in plugin["settings"]
    }
    text = page(target)
    assert set(re.findall(r"\b(?:TAP|TARGET)_[A-Z]+_\w+", text)) <= known
    runs = re.findall(r"^uvx --from meltano==(\S+) meltano run (.+)$", text, re.MULTILINE)
    assert set(runs) == {("4.4.1", f"tap-sumeru {target}")}


def test_the_types_of_a_page_are_those_of_the_tables(
    pipeline: Pipeline, warehouse: Warehouse, sandbox: Sandbox
) -> None:
    target = pipeline.warehouse.target
    table = page(target).partition("<!-- types -->")[2].partition("<!-- /types -->")[0]
    documented = re.findall(r"^\| `(\w+)\.(\w+)` \| `([^`]+)` \|$", table, re.MULTILINE)
    assert len(documented) == table.strip().count("\n") - 1
    values = {"note": "n", "tags": ["a"], "line_items": [{"price": 1}], "test": True, "odd": 1}
    sandbox.put("acme", "orders", "typed", shipping_address={"city": "a"}, **values)
    synced(pipeline, streams=tuple({stream for stream, _, _ in documented}))
    types = {table: warehouse.types(SCHEMA, table) for table, _, _ in documented}
    assert [types[table][column] for table, column, _ in documented] == [kind for _, _, kind in documented]


def test_the_query_of_a_page_counts_every_row(pipeline: Pipeline, sandbox: Sandbox) -> None:
    synced(pipeline, streams=("orders",))
    (query,) = queries(pipeline.warehouse.target)
    counts = {row["shop"]: row["landed"] for row in found(pipeline, query)}
    assert counts == {shop: len(sandbox.truth(shop, "orders")) for shop in SHOPS}


def test_the_rows_of_a_duckdb_file_are_shown_as_its_page_says(
    start: Start, sandbox: Sandbox, tmp_path: Path
) -> None:
    warehouse = start(next(one for one in WAREHOUSES if one.target == "target-duckdb"))
    tap = Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme"})
    synced(Pipeline(tap, warehouse, "shown"), streams=("orders",))
    command_line = re.compile(r"^\S+/bin/(python) -c \"\n(.+?)\"$", re.MULTILINE | re.DOTALL)
    ((program, script),) = command_line.findall(page(warehouse.target))
    file = warehouse.config("shown")["path"]
    script = script.replace("warehouse.duckdb", file).replace("sumeru.", "shown.")
    command = [str(targets.program(warehouse.target, program)), "-c", script]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert str(len(sandbox.truth("acme", "orders"))) in done.stdout


def test_a_duckdb_file_without_columns_of_metadata_is_given_them(
    start: Start, sandbox: Sandbox, tmp_path: Path
) -> None:
    warehouse = start(next(one for one in WAREHOUSES if one.target == "target-duckdb"))
    tap = Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme"})
    pipeline = Pipeline(tap, warehouse, "older")
    for wanted in (False, True):
        synced(pipeline, streams=("journeys",), target={"add_metadata_columns": wanted})
        rows = pipeline.rows("journeys")["journeys"].values()
        assert all(bool(row.get("_sdc_batched_at")) is wanted for row in rows)


def test_what_nobody_knows_is_found_as_a_page_says(pipeline: Pipeline, sandbox: Sandbox) -> None:
    (expression,) = re.findall(r"are in `extra`: `([^`]+)`", page(pipeline.warehouse.target))
    sandbox.put("acme", "orders", "odd", loyalty={"tier": "gold"}, total_price="free")
    synced(pipeline, streams=("orders",))
    query = f"SELECT {expression} AS tier, total_price FROM orders WHERE id = 'odd'"  # noqa: S608 - an expression of ours
    assert found(pipeline, query) == [{"tier": "gold", "total_price": None}]


def test_a_column_that_is_selected_later_is_added(pipeline: Pipeline) -> None:
    tap = pipeline.tap
    less = tap.catalog("journeys", deselected=(("journeys", "name"),))
    synced(pipeline, catalog=less)
    assert "name" not in next(iter(pipeline.rows("journeys")["journeys"].values()))
    synced(pipeline, streams=("journeys",))
    assert all(row["name"] for row in pipeline.rows("journeys")["journeys"].values())


def test_postgres_takes_the_batches_of_its_page(start: Start, sandbox: Sandbox, tmp_path: Path) -> None:
    warehouse = start(next(one for one in WAREHOUSES if one.target == "target-postgres"))
    (given,) = re.findall(r"^export TAP_SUMERU_BATCH_CONFIG='(.+)'$", page(warehouse.target), re.MULTILINE)
    config = json.loads(given)
    config["storage"]["root"] = tmp_path.as_uri()
    tap = Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme"})
    pipeline = Pipeline(tap, warehouse, "batches")
    synced(pipeline, streams=("campaigns",), batch_config=config)
    landed = pipeline.rows("campaigns")["campaigns"]
    assert {ident for _, ident in landed} == {row["id"] for row in sandbox.truth("acme", "campaigns")}
    assert all(row["_sdc_batched_at"] is None for row in landed.values())
    assert list(tmp_path.glob("*.jsonl.gz"))
