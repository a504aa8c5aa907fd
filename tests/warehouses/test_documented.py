"""What the pages on the warehouses say besides what lands: versions, and ways around what does not land."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from sumeru_sandbox import Sandbox
from support.tap_cli import Tap
from warehouses import documented, targets
from warehouses.clouds import CLOUDS, EVERYWHERE, Served
from warehouses.conftest import Pipeline

if TYPE_CHECKING:
    from warehouses.warehouse import Warehouse

HERE = Path(__file__).parent


@pytest.mark.parametrize("target", [warehouse.target for warehouse in EVERYWHERE])
def test_the_page_names_the_pinned_versions(target: str) -> None:
    for pin in targets.PINS[target].split():
        if "==" in pin:
            assert pin.replace("==", " ") in documented.page(target)


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda one: one.target)
def test_the_page_names_what_stood_in_for_the_cloud(cloud: Served) -> None:
    assert re.sub(r"(\[\w+])?==", " ", targets.PINS[cloud.server].split()[0]) in documented.page(cloud.target)


def test_the_scenarios_name_tests_that_exist_and_every_warehouse() -> None:
    text = (documented.DOCS / "warehouses.md").read_text(encoding="utf-8")
    table = text.partition("<!-- scenarios -->\n")[2].partition("\n<!-- /scenarios -->")[0]
    head, _, *rows = ([cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines())
    assert head == ["scenario", "DuckDB", "PostgreSQL", "Snowflake", "BigQuery", "test"]
    assert rows
    for *cells, name in rows:
        file, _, test = name.strip("`").partition("::")
        assert all(cells)
        assert len(cells) == 1 + len(EVERYWHERE)
        assert f"def {test}(" in (HERE / file).read_text(encoding="utf-8"), name


def test_a_nul_that_nothing_replaces_stops_the_target_and_a_stream_map_helps(
    postgres: Warehouse, tmp_path: Path
) -> None:
    with Sandbox(["acme"], customers=100) as sandbox:
        sandbox.put("acme", "campaigns", "odd", name="a\0b")
        tap = Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme"})
        pipeline = Pipeline(tap, postgres, "with_nul")
        as_it_is = {"sanitize_null_text_characters": False}
        stopped = pipeline.run(streams=("campaigns",), target=as_it_is)
        assert (stopped.target_code, stopped.state) == (1, {})
        helped = pipeline.run(
            streams=("campaigns",), target=as_it_is, stream_maps={"campaigns": {"name": "__NULL__"}}
        )
        assert (helped.code, helped.target_code) == (0, 0)
        held = {("acme", row["id"]) for row in sandbox.truth("acme", "campaigns")}
        assert set(pipeline.rows("campaigns")["campaigns"]) == held


def test_the_stream_maps_of_the_page_keep_what_bigquery_would_leave_out_or_refuse(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.+?)```", documented.page("target-bigquery"), re.DOTALL)
    maps = yaml.safe_load(block)["stream_maps"]
    with Sandbox(["acme"], customers=100) as sandbox:
        sandbox.put("acme", "customers", "odd", address={"city": "Malmö", "floor": 3})
        sandbox.put("acme", "orders", "odd", tags=["a", None], line_items=[{"price": 19.9, "gift": True}])
        tap = Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme")})
        output = tap.sync(streams=tuple(maps), stream_maps=maps)
    assert output.code == 0, output.log
    customer, order = (
        next(record for record in output.records(stream) if record["id"] == "odd")
        for stream in ("customers", "orders")
    )
    assert json.loads(customer["address_json"]) == {"city": "Malmö", "floor": 3}
    assert json.loads(order["line_items_json"]) == [{"price": 19.9, "gift": True}]
    assert order["tags"] == ["a"]
