"""The dbt package: generated from `schemas/` and built on three warehouses by `make test-dbt`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from support import dbt_warehouses
from support.dbt_warehouses import PROJECT, ROOT, Warehouse
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.dbt_warehouses import Rows

MARTS = PROJECT / "models" / "marts"
SINGULAR = {path.stem for path in (PROJECT / "tests").glob("*.sql")}
_PARSE = """
import sqlglot, sys
from sqlglot import exp
dialect, *paths = sys.argv[1:]
for path in paths:
    tree = sqlglot.parse_one(open(path, encoding="utf-8").read(), dialect=dialect)
    assert isinstance(tree, exp.Query), path
print(len(paths))
"""

pytestmark = pytest.mark.timeout(1800)  # dbt starts slowly, a dozen times
builds = pytest.mark.skipif(
    not os.environ.get("TEST_DBT"), reason="`make test-dbt` installs dbt and runs this"
)


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _marts() -> dict[str, Any]:
    return {model["name"]: model for model in _yaml(MARTS / "_marts.yml")["models"]}


def _key(mart: dict[str, Any]) -> str:
    columns: list[str] = mart["data_tests"][0]["sumeru.unique_together"]["config"]["meta"]["columns"]
    return ", ".join(columns)


def test_the_generated_dbt_files_match_the_schemas() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "dbt_docs.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0, "run `make docs`"


def test_every_column_of_every_stream_is_described_with_its_provenance() -> None:
    sources = _yaml(PROJECT / "models" / "staging" / "_sources.yml")["sources"][0]["tables"]
    models = _yaml(PROJECT / "models" / "staging" / "_staging.yml")["models"]
    assert [table["name"] for table in sources] == list(STREAMS)
    for table, model in zip(sources, models, strict=True):
        fields = stream_schemas.load(table["name"])["properties"]
        assert [column["name"] for column in table["columns"]] == list(fields)
        for field, column in zip(fields.values(), model["columns"], strict=True):
            assert column["description"].startswith(field["description"])
            assert column["config"]["meta"]["provenance"] == field["x-provenance"]
            assert column["config"]["meta"].get("pii", False) == field.get("x-pii", False)


def test_every_mart_is_described_and_has_a_key() -> None:
    marts = _marts()
    assert set(marts) == {path.stem for path in MARTS.glob("*.sql")}
    for mart in marts.values():
        assert _key(mart).startswith("shop, ")
        assert all(column["description"] for column in mart["columns"])


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tap's output for two generated shops."""
    return dbt_warehouses.synced(tmp_path_factory.mktemp("synced"))


@pytest.fixture(scope="module")
def duckdb(synced: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Load that output into DuckDB."""
    return dbt_warehouses.duckdb(synced, tmp_path_factory.mktemp("duckdb"))


@pytest.fixture(scope="module")
def postgres(synced: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Load that output into PostgreSQL."""
    with dbt_warehouses.postgres(synced, tmp_path_factory.mktemp("postgres")) as warehouse:
        yield warehouse


@pytest.fixture(scope="module")
def snowflake(synced: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Load that output into an emulator of Snowflake."""
    with dbt_warehouses.snowflake(synced, tmp_path_factory.mktemp("snowflake")) as warehouse:
        yield warehouse


@pytest.fixture(scope="module")
def warehouses(duckdb: Warehouse, postgres: Warehouse, snowflake: Warehouse) -> list[Warehouse]:
    """Return all three warehouses, with all models built and all tests passed."""
    built = [duckdb, postgres, snowflake]
    for warehouse in built:
        run, status = warehouse.dbt("build")
        assert run.returncode == 0, run.stdout
        models = [name for name in status if status[name] == "success"]
        assert len(models) == len(STREAMS) + len(_marts())
        assert {status[name] for name in set(status) - set(models)} == {"pass"}
        assert set(status) >= SINGULAR
    return built


def _records(synced: Path, stream: str) -> list[dict[str, Any]]:
    lines = (json.loads(line, parse_float=Decimal) for line in synced.read_text("utf-8").splitlines())
    return [line["record"] for line in lines if line["type"] == "RECORD" and line["stream"] == stream]


def _values(rows: Rows) -> list[dict[str, Any]]:
    """Return the rows with numbers and booleans parsed, fractions rounded because doubles differ."""

    def value(text: str) -> Any:
        try:
            return round(Decimal(text), 6)
        except InvalidOperation:
            return {"t": "True", "f": "False"}.get(text, text)

    return [{name: value(text) for name, text in row.items()} for row in rows]


@builds
@pytest.mark.parametrize("mart", _marts())
def test_a_mart_is_the_same_in_each_warehouse_and_has_the_columns_described(
    warehouses: list[Warehouse], mart: str
) -> None:
    described = _marts()[mart]
    query = f"SELECT * FROM analytics.{mart} ORDER BY {_key(described)}"  # noqa: S608 - our own names
    rows, *others = (_values(warehouse.query(query)) for warehouse in warehouses)
    assert rows
    assert others == [rows, rows]
    assert list(rows[0]) == [column["name"] for column in described["columns"]]


@builds
def test_revenue_equals_that_of_the_api_to_the_last_digit(warehouses: list[Warehouse], synced: Path) -> None:
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for order in _records(synced, "orders"):
        if order["status"] != "cancelled":
            expected[order["shop"]] += order["total_price"] - order["total_refunded"]
    for warehouse in warehouses:
        query = """
            SELECT shop, cast(sum(net_revenue) AS numeric(38, 9)) AS revenue
            FROM analytics.sumeru__revenue_by_channel GROUP BY shop
        """
        assert {row["shop"]: Decimal(row["revenue"]) for row in warehouse.query(query)} == expected


@builds
def test_staging_models_handle_deleted_rows_and_missing_or_unknown_columns(
    warehouses: list[Warehouse],
) -> None:
    """Runs on PostgreSQL, where ACTIVATE_VERSION deletes rows. Restores the table at the end."""
    postgres = warehouses[1]
    postgres.query("""
        CREATE TABLE sumeru.kept AS TABLE sumeru.customers;
        ALTER TABLE sumeru.customers DROP COLUMN email CASCADE;
        UPDATE sumeru.customers SET _sdc_deleted_at = now() WHERE id = 'cus_00000000';
        UPDATE sumeru.customers SET extra = '{"points": 12, "card": "gold"}' WHERE id = 'cus_00000001';
    """)
    wanted = {"sumeru_absent": ["journeys"], "sumeru_extra": {"customers": {"points": "integer"}}}
    selected = ["--select", "stg_sumeru__customers", "stg_sumeru__journeys", "--vars", json.dumps(wanted)]
    run, _ = postgres.dbt("run", *selected)
    assert run.returncode == 0, run.stdout
    rows = postgres.query("SELECT * FROM analytics.stg_sumeru__customers ORDER BY customer_id")
    assert {row["customer_id"] for row in rows[:2]} == {"cus_00000001"}
    assert {row["email"] for row in rows} == {""}
    assert [row["points"] for row in rows[:3]] == ["12", "12", ""]
    assert postgres.query("SELECT * FROM analytics.stg_sumeru__journeys") == []
    postgres.query("DROP TABLE sumeru.customers CASCADE")
    run, _ = postgres.dbt("run", "--select", "stg_sumeru__customers")
    assert run.returncode == 1
    assert "sync the stream, name it in the variable `sumeru_absent`" in run.stdout
    postgres.query("ALTER TABLE sumeru.kept RENAME TO customers")


@builds
def test_the_demo_builds_marts_and_draws_charts(warehouses: list[Warehouse]) -> None:
    file = Path(warehouses[0].place)
    command = [sys.executable, str(ROOT / "scripts" / "marts.py"), str(file), "--uv", dbt_warehouses.UV]
    run = subprocess.run(command, capture_output=True, check=False, text=True)
    assert run.returncode == 0, run.stderr
    assert re.search(r"dbt built 21 models in \d+ s, and ran \d+ tests: all passed.", run.stdout)
    svg = file.with_suffix(".svg").read_text(encoding="utf-8")
    assert all(title in svg for title in ("Revenue by channel", "Lifetime value by cohort", "Journey funnel"))


@builds
def test_each_test_of_a_sum_fails_where_the_sum_is_wrong(warehouses: list[Warehouse]) -> None:
    duckdb = warehouses[0]
    for mart, column, where in (
        ("attribution_touchpoints", "credited_revenue", "touch_number = 1"),
        ("cohorts", "cohort_size", "months_since_first_order = 0"),
        ("journey_funnel", "waiting", "step_number = 1"),
        ("revenue_by_channel", "net_revenue", "channel = 'amazon'"),
        ("stock_cover", "available", "sku LIKE '%0'"),
    ):
        duckdb.query(f"UPDATE analytics.sumeru__{mart} SET {column} = {column} + 1 WHERE {where}")  # noqa: S608 - names of ours
    run, status = duckdb.dbt("test", "--select", "test_type:singular")
    assert run.returncode == 1
    assert status == dict.fromkeys(SINGULAR, "fail")


@builds
@pytest.mark.parametrize("dialect", ["snowflake", "bigquery"])
def test_models_compile_to_valid_sql_of_other_warehouses(dialect: str, tmp_path: Path) -> None:
    offline = ("--target", dialect, "--no-introspect", "--no-populate-cache")
    tags = {"sumeru_wanted_tags": "stg_sumeru__customers", "sumeru_managed_tags": ["vip", "it's"]}
    run = dbt_warehouses.dbt(
        ("snowflake", "bigquery"), tmp_path, "compile", *offline, "--vars", json.dumps(tags)
    )
    assert run.returncode == 0, run.stdout
    files = [str(path) for path in (tmp_path / "compiled").rglob("*.sql")]
    assert len(files) > len(STREAMS) + len(_marts()) + len(SINGULAR)
    assert any(file.endswith("sumeru__tag_changes.sql") for file in files)
    lock = str(PROJECT / "requirements.lock")
    parse = ("--constraints", lock, "--with", "sqlglot", "python", "-c", _PARSE, dialect)
    parsed = dbt_warehouses.tool(*parse, *files)
    assert parsed.returncode == 0, parsed.stderr
    assert int(parsed.stdout) == len(files)
