"""The variables of the dbt package and the oldest version of dbt that it accepts, tried on DuckDB."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from support import dbt_warehouses
from support.dbt_warehouses import PROJECT, Warehouse
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from pathlib import Path

    from support.dbt_warehouses import Done

pytestmark = pytest.mark.timeout(1800)  # dbt starts slowly
builds = pytest.mark.skipif(
    not os.environ.get("TEST_DBT"), reason="`make test-dbt` installs dbt and runs this"
)
OLDEST, FRESHNESS_SINCE = "1.8.0", "1.10.3"
"""Versions of dbt as `dbt_project.yml` and README.md name them."""


def _sources() -> list[dict[str, Any]]:
    text = (PROJECT / "models" / "staging" / "_sources.yml").read_text(encoding="utf-8")
    tables: list[dict[str, Any]] = yaml.safe_load(text)["sources"][0]["tables"]
    return tables


def _readme() -> str:
    return (PROJECT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tap's output for two generated shops."""
    return dbt_warehouses.synced(tmp_path_factory.mktemp("synced"))


@pytest.fixture(scope="module")
def loaded(synced: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Load that output into DuckDB."""
    return dbt_warehouses.duckdb(synced, tmp_path_factory.mktemp("loaded"))


@pytest.fixture
def duckdb(loaded: Warehouse, tmp_path: Path) -> Warehouse:
    """Return a copy of that file, for a test to change."""
    file = tmp_path / "shops.duckdb"
    shutil.copy(loaded.place, file)
    return replace(loaded, folder=tmp_path, place=str(file))


def _freshness(duckdb: Warehouse, **variables: Any) -> tuple[Done, dict[str, str]]:
    return duckdb.dbt("source", "freshness", "--vars", json.dumps(variables))


def _age(duckdb: Warehouse, hours: int, *streams: str) -> None:
    """Make the newest rows of some streams this old."""
    for stream in streams:
        past = f"now()::timestamp - INTERVAL {hours} HOUR"
        duckdb.query(f"UPDATE sumeru.{stream} SET _sdc_batched_at = {past}")  # noqa: S608 - ours


def test_each_stream_has_a_variable_for_its_table_and_one_for_its_freshness() -> None:
    for table in _sources():
        name = table["name"]
        assert table["identifier"] == f"{{{{ var('sumeru_{name}_identifier', '{name}') }}}}"
        for after in table["config"]["freshness"].values():
            assert f"'{name}'" in after["count"]


def test_the_readme_names_every_variable_and_the_versions() -> None:
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    for variable in (*project["vars"], "sumeru_database", "sumeru_<stream>_identifier"):
        assert f"`{variable}`" in _readme()
    assert project["require-dbt-version"][0] == f">={OLDEST}"
    assert f"dbt {OLDEST.removesuffix('.0')} or newer" in _readme()
    assert f"from dbt {FRESHNESS_SINCE.removesuffix('.0')} on" in _readme()


def test_the_macro_that_checks_names_knows_every_stream() -> None:
    text = (PROJECT / "macros" / "stage.sql").read_text(encoding="utf-8")
    listed = text.partition("set streams = [")[2].partition("]")[0]
    assert re.findall(r"'(\w+)'", listed) == list(STREAMS)


@builds
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"sumeru_freshness": {"ordres": {"error": 6}}}, "`sumeru_freshness` names `ordres`"),
        ({"sumeru_absent": ["jornys"]}, "`sumeru_absent` names `jornys`"),
    ],
    ids=str,
)
def test_a_misspelt_stream_is_an_error_and_not_a_check_that_never_runs(
    duckdb: Warehouse, variables: dict[str, Any], said: str
) -> None:
    run, status = _freshness(duckdb, **variables)
    assert (run.returncode, status) == (2, {}), run.stdout
    assert said in run.stdout


@builds
def test_quiet_and_absent_streams_are_fresh(duckdb: Warehouse, synced: Path) -> None:
    """A sync that found no change has written rows of some streams only, of `usage` always.

    As in dbt-labs/dbt-core#12174, the age of the newest row is not that of the newest sync. An empty table
    fails in dbt-labs/dbt-core#2428, a table that is not there in dbt-labs/dbt-core#4525.
    """
    _age(duckdb, 24 * 30, *STREAMS)
    dbt_warehouses.duckdb(synced.with_name("quiet.jsonl"), duckdb.folder)
    fresh = "SELECT * FROM sumeru.{} WHERE _sdc_batched_at > now()::timestamp - INTERVAL 1 HOUR"
    assert not any(duckdb.query(fresh.format(stream)) for stream in ("campaigns", "orders", "products"))
    duckdb.query("DROP TABLE sumeru.journeys; DELETE FROM sumeru.campaigns")
    run, status = _freshness(duckdb, sumeru_absent=["journeys"])
    assert run.returncode == 0, run.stdout
    assert status == {"usage": "pass"}


@builds
@pytest.mark.parametrize(("hours", "status", "code"), [(25, "warn", 0), (49, "error", 1)])
def test_a_stale_warehouse_warns_then_fails(duckdb: Warehouse, hours: int, status: str, code: int) -> None:
    _age(duckdb, hours, *STREAMS)
    run, found = _freshness(duckdb)
    assert (run.returncode, found) == (code, {"usage": status}), run.stdout


@builds
def test_thresholds_are_set_by_stream_and_an_absent_stream_is_never_checked(duckdb: Warehouse) -> None:
    _age(duckdb, 7, "orders", "customers")
    duckdb.query("DROP TABLE sumeru.usage")
    hours = {"orders": {"warn": 6, "error": 24}, "customers": {"error": 6}, "products": None}
    run, status = _freshness(
        duckdb, sumeru_absent=["usage"], sumeru_freshness={**hours, "usage": {"warn": 1}}
    )
    assert run.returncode == 1
    assert status == {"orders": "warn", "customers": "error"}


@builds
def test_references_to_an_absent_stream_are_not_tested(duckdb: Warehouse) -> None:
    duckdb.query("DROP TABLE sumeru.journeys")
    selected = ("--select", "stg_sumeru__journeys", "stg_sumeru__enrollments", "stg_sumeru__customers")
    alone = ("--indirect-selection", "cautious")
    run, status = duckdb.dbt(
        "build", *selected, *alone, "--vars", json.dumps({"sumeru_absent": ["journeys"]})
    )
    assert run.returncode == 0, run.stdout
    assert set(status.values()) == {"pass", "success"}
    tests = " ".join(status)
    assert "refers_to_customers_stg_sumeru__enrollments" in tests
    assert "refers_to_journeys" not in tests


@builds
@pytest.mark.parametrize("how", ["hash", "drop"])
def test_personal_columns_may_be_hashed_or_dropped(tmp_path: Path, how: str) -> None:
    """A hashed address is a text in a column of JSON."""
    seed = {"hash_seed": "a long random text"}
    synced = dbt_warehouses.synced(tmp_path, pii=how, stream_map_config=seed)
    warehouse = dbt_warehouses.duckdb(synced, tmp_path)
    run, status = warehouse.dbt("run")
    assert run.returncode == 0, run.stdout
    assert set(status.values()) == {"success"}
    (found,) = warehouse.query("SELECT count(address) AS hashes FROM analytics.stg_sumeru__customers")
    assert (found["hashes"] != "0") is (how == "hash")


@builds
def test_a_table_may_have_another_name(duckdb: Warehouse) -> None:
    """As a stream map's `__alias__`, or a loader's prefix, makes it."""
    duckdb.query("ALTER TABLE sumeru.orders RENAME TO shop_orders")
    duckdb.query("ALTER TABLE sumeru.usage RENAME TO api_usage")
    names = {"sumeru_orders_identifier": "shop_orders", "sumeru_usage_identifier": "api_usage"}
    run, _ = duckdb.dbt("run", "--select", "stg_sumeru__orders", "--vars", json.dumps(names))
    assert run.returncode == 0, run.stdout
    staged, landed = (
        duckdb.query(f"SELECT count(*) AS rows FROM {table}")  # noqa: S608 - ours
        for table in ("analytics.stg_sumeru__orders", "sumeru.shop_orders")
    )
    assert staged == landed
    assert staged[0]["rows"] != "0"
    run, status = _freshness(duckdb, **names)
    assert (run.returncode, status) == (0, {"usage": "pass"}), run.stdout


@builds
@pytest.mark.parametrize("version", [OLDEST, FRESHNESS_SINCE])
def test_older_versions_of_dbt_build_and_test_everything(duckdb: Warehouse, version: str) -> None:
    old = replace(duckdb, version=version)
    run, status = old.dbt("build")
    assert run.returncode == 0, run.stdout
    tests = [name for name in status if status[name] == "pass"]
    assert len(tests) > 4 * len(STREAMS)
    assert set(status.values()) == {"pass", "success"}
    assert "eprecat" not in run.stdout.replace("This version of dbt is deprecated", "")
    if version == FRESHNESS_SINCE:
        run, status = old.dbt("source", "freshness")
        assert (run.returncode, status) == (0, {"usage": "pass"}), run.stdout
