"""The model `sumeru__tag_changes`: what target-sumeru has to write so that customers have the wanted tags."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from support import dbt_warehouses
from support.dbt_warehouses import PROJECT, Warehouse
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.timeout(1800),  # dbt starts slowly
    pytest.mark.skipif(not os.environ.get("TEST_DBT"), reason="`make test-dbt` installs dbt and runs this"),
]
_LOADERS: dict[str, Callable[[Path, Path], Any]] = {
    "duckdb": dbt_warehouses.duckdb,
    "postgres": dbt_warehouses.postgres,
}
_PRESENT = (
    '{{"type":"RECORD","stream":"customers","time_extracted":"2026-01-02T00:00:00Z","record":'
    '{{"shop":"acme","id":"{id}","tags":{tags}}}}}\n'
)
_SCHEMA = json.dumps(
    {
        "type": "SCHEMA",
        "stream": "customers",
        "key_properties": ["shop", "id"],
        "schema": {
            "type": "object",
            "properties": {
                "shop": {"type": ["string", "null"]},
                "id": {"type": ["string", "null"]},
                "tags": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
            },
        },
    }
)
_TAGS = {
    "stays": ["vip"],
    "joins": ["other", "it's"],
    "leaves": ["vip", "other"],
    "never": None,
    "swaps": ["it's"],
}
_WANTED = [("stays", "vip"), ("joins", "vip"), ("joins", "it's"), ("swaps", "vip"), ("gone", "vip")]
_CHANGES = {"joins": (["vip"], []), "leaves": ([], ["vip"]), "swaps": (["vip"], ["it's"])}
_OTHERS = [name for name in STREAMS if name != "customers"]


@pytest.fixture(params=list(_LOADERS))
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """Load customers with tags into a warehouse."""
    lines = [_PRESENT.format(id=name, tags=json.dumps(tags)) for name, tags in _TAGS.items()]
    file = tmp_path / "customers.jsonl"
    file.write_text(f"{_SCHEMA}\n{''.join(lines)}", encoding="utf-8")
    folder = tmp_path / "warehouse"
    folder.mkdir()
    loaded = _LOADERS[request.param](file, folder)
    if isinstance(loaded, Warehouse):
        yield loaded
    else:
        with loaded as running:
            yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the package with a model that says who should have which tag."""
    copy = tmp_path / "project"
    shutil.copytree(PROJECT, copy)
    rows = " union all ".join(
        f"select 'acme' as shop, '{customer}' as customer_id, '{tag.replace(chr(39), chr(39) * 2)}' as tag"
        for customer, tag in _WANTED
    )
    (copy / "models" / "segments.sql").write_text(rows, encoding="utf-8")
    return copy


def _lists(text: str) -> list[str]:
    """Return a list of texts in a row, in the form of any of the warehouses."""
    return sorted(part.strip(" \"'\n") for part in text.strip("{}[]").split(",") if part.strip(" \"'\n"))


def test_customers_get_the_tags_that_they_lack_and_lose_those_that_they_should_not_have(
    warehouse: Warehouse, project: Path
) -> None:
    variables = {
        "sumeru_wanted_tags": "segments",
        "sumeru_managed_tags": ["vip", "it's"],
        "sumeru_absent": _OTHERS,
    }
    selected = ("--select", "+sumeru__tag_changes", "--indirect-selection", "cautious")
    run, status = warehouse.dbt("build", *selected, "--vars", json.dumps(variables), project=project)
    assert run.returncode == 0, run.stdout
    assert [status[name] for name in status if "wanted_customers_are_known" in name] == ["warn"]
    found = warehouse.query("SELECT id, add_tags, remove_tags FROM analytics.sumeru__tag_changes")
    rows = {row["id"]: (_lists(row["add_tags"]), _lists(row["remove_tags"])) for row in found}
    assert rows == _CHANGES


def test_the_tags_to_decide_on_must_be_named(project: Path, tmp_path: Path) -> None:
    warehouse = Warehouse("duckdb", tmp_path, str(tmp_path / "any.duckdb"))
    variables = {"sumeru_wanted_tags": "segments", "sumeru_absent": [*_OTHERS, "customers"]}
    run, _ = warehouse.dbt(
        "build", "--select", "+sumeru__tag_changes", "--vars", json.dumps(variables), project=project
    )
    assert run.returncode == 1
    assert "sumeru_managed_tags" in run.stdout


def test_without_the_variable_the_model_is_not_built(tmp_path: Path) -> None:
    run, _ = Warehouse("duckdb", tmp_path, str(tmp_path / "any.duckdb")).dbt("ls", "--resource-type", "model")
    assert run.returncode == 0, run.stdout
    assert "stg_sumeru__customers" in run.stdout
    assert "sumeru__tag_changes" not in run.stdout
