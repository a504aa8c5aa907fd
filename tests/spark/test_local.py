"""The data source on one machine: rows are those of the API, and a table is its own checkpoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from spark.conftest import SHOPS, options_of
from spark.driver import JobFailed
from spark.truth import assert_no_row_twice_in_a_file, assert_raw, assert_typed
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from pathlib import Path

    from spark.driver import Driver
    from sumeru_sandbox import Sandbox

Options = dict[str, str]


def test_raw_rows_are_those_of_the_api(local: Driver, world: Sandbox, options: Options) -> None:
    rows = local.rows("read", options={**options, "numPartitions": "3"})
    assert_raw(rows, world, SHOPS)
    counts = {kind: sum(row["kind"] == kind for row in rows) for kind in ("STATE", "COMPLETE", "FAILURE")}
    reads = len(SHOPS) * len(STREAMS)
    assert counts == {"STATE": reads, "COMPLETE": reads, "FAILURE": 0}
    assert world.stats()["rate_limited"] == 0


def test_typed_rows_are_those_of_the_api(
    local: Driver, world: Sandbox, options: Options, tmp_path: Path
) -> None:
    table = str(tmp_path / "bronze")
    local.run("sync", options=options, table=table)
    for stream in STREAMS:
        assert_typed(local.rows("typed", path=table, stream=stream), world, SHOPS, stream)
    for stream in ("orders", "enrollments", "usage"):
        assert_typed(local.rows("read", options={**options, "stream": stream}), world, SHOPS, stream)


@pytest.mark.usefixtures("takes_long")
def test_a_second_sync_reads_only_what_has_changed(
    local: Driver, world: Sandbox, options: Options, tmp_path: Path
) -> None:
    table = str(tmp_path / "bronze")
    local.run("sync", options=options, table=table)
    before = len(local.rows("table", path=table))
    world.advance(3 * 86400)
    world.put("shop-0", "orders", "new", total_price=msgspec.Raw(b"0.10"))
    changed = world.truth("shop-1", "customers")[0]["id"]
    world.put("shop-1", "customers", changed, first_name="Changed")
    local.run("sync", options=options, table=table)
    rows = local.rows("table", path=table)
    assert_raw(rows, world, SHOPS)
    records = [row for row in rows if row["kind"] == "RECORD"]
    assert len(records) < before + len(SHOPS) * 20


def test_without_shops_a_read_is_empty(local: Driver, world: Sandbox) -> None:
    assert local.rows("read", options=options_of(world, ())) == []
    assert local.rows("read", options=options_of(world, (), stream="orders")) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"stream": "order"}, "stream: is not a stream. Did you mean orders?"),
        ({"numPartition": "4"}, "Did you mean numPartitions?"),
        ({"stream_maps": "{}"}, "stream_maps: cannot be used with Spark."),
        ({"api_url": "http://example.com"}, "api_url: must start with https://"),
    ],
)
def test_an_option_that_does_not_work_is_an_error_of_load(
    local: Driver, world: Sandbox, options: Options, text: str
) -> None:
    with pytest.raises(JobFailed) as caught:
        local.run("schema", options=options_of(world, SHOPS[:1]) | options)
    assert text in str(caught.value)
    assert world.token(SHOPS[0]) not in str(caught.value)


def test_a_schema_cannot_be_chosen(local: Driver, options: Options) -> None:
    with pytest.raises(JobFailed, match="schema: cannot be chosen"):
        local.run("chosen_schema", options=options)


def test_typed_columns_have_the_types_of_the_documentation(local: Driver, options: Options) -> None:
    schema = local.run("schema", options={**options, "stream": "orders"})
    found = {field["name"]: (field["type"], field["nullable"]) for field in schema["fields"]}
    expected = {
        "shop": ("string", False),
        "id": ("string", False),
        "total_price": ("decimal(38,9)", True),
        "line_items": ("string", True),
        "test": ("boolean", True),
        "placed_at": ("timestamp", True),
        "extra": ("string", True),
    }
    assert found.items() >= expected.items()
    usage = local.run("schema", options={**options, "stream": "usage"})
    assert "date" in {field["type"] for field in usage["fields"]}
    assert "long" in {field["type"] for field in usage["fields"]}


def test_a_sync_commits_what_it_has_read_and_then_raises_and_the_next_one_heals(
    local: Driver, world: Sandbox, options: Options, tmp_path: Path
) -> None:
    table = str(tmp_path / "bronze")
    shops = json.loads(options["shops"])
    shops[0]["api_token"] = "copt_test_revoked"
    with pytest.raises(JobFailed) as caught:
        local.run("sync", options={**options, "shops": shops}, table=table)
    assert "SyncFailed: 1 failure" in str(caught.value)
    assert f"Shop {SHOPS[0]}: all streams failed: 401" in str(caught.value)
    assert "copt_test_revoked" not in str(caught.value)
    assert_raw(local.rows("table", path=table), world, SHOPS[1:])
    local.run("sync", options=options, table=table)
    assert_raw(local.rows("table", path=table), world, SHOPS)


@pytest.mark.usefixtures("takes_long")
def test_a_sync_in_slices_commits_each_and_ends_with_all_rows(
    local: Driver, world: Sandbox, options: Options, tmp_path: Path
) -> None:
    table = str(tmp_path / "bronze")
    world.configure({"*": {"latency_ms": 200}})
    local.run("sync", options={**options, "concurrency": 2}, table=table, num_partitions=2, max_seconds=1)
    rows = local.rows("table", path=table)
    assert_raw(rows, world, SHOPS)
    assert len({row["id"] for row in rows if row["kind"] == "STATE"}) > 1
    assert_no_row_twice_in_a_file(rows)


@pytest.mark.usefixtures("takes_long")
def test_states_without_a_record_are_passed_over(
    local: Driver, world: Sandbox, options: Options, tmp_path: Path
) -> None:
    table = str(tmp_path / "bronze")
    given = {**options, "stream": "usage"}
    local.run("sync", options=given, table=table)
    before = json.loads(local.run("state", path=table))["bookmarks"]["usage"]["partitions"]
    local.run("empty_states", path=table)
    after = json.loads(local.run("state", path=table))["bookmarks"]["usage"]["partitions"]
    assert sorted(after, key=str) == sorted(before, key=str)
    local.run("sync", options=given, table=table)
    assert_raw(local.rows("table", path=table), world, SHOPS, ["usage"])


@pytest.mark.usefixtures("takes_long")
def test_a_table_of_the_catalog_and_one_stream(local: Driver, world: Sandbox, options: Options) -> None:
    for _ in range(2):
        local.run(
            "sync", options={**options, "stream": "usage"}, table="bronze_usage", table_format="parquet"
        )
    rows = local.rows("table", path="bronze_usage")
    assert_raw(rows, world, SHOPS, ["usage"])
    assert {row["stream"] for row in rows} == {"usage"}


@pytest.mark.usefixtures("takes_long")
def test_what_a_read_in_full_does_not_return_is_no_longer_latest(
    local: Driver, world: Sandbox, options: Options, tmp_path: Path
) -> None:
    table = str(tmp_path / "bronze")
    given = {**options, "streams": "orders,enrollments"}
    local.run("sync", options=given, table=table)
    world.advance(3600)
    world.delete(SHOPS[0], "orders", world.truth(SHOPS[0], "orders")[0]["id"])
    changed = world.truth(SHOPS[1], "orders")[0]["id"]
    world.put(SHOPS[1], "orders", changed, note="changed")
    local.run("sync", options=given, table=table)
    rows = local.rows("latest", path=table, stream="orders")
    assert len(rows) == sum(len(world.truth(shop, "orders")) for shop in SHOPS) + 1
    local.run("sync", options={**given, "fullTable": "orders"}, table=table)
    assert_typed(local.rows("latest", path=table, stream="orders"), world, SHOPS, "orders")
    assert_typed(local.rows("latest", path=table, stream="enrollments"), world, SHOPS, "enrollments")


@pytest.mark.usefixtures("takes_long")
def test_columns_of_the_raw_rows_can_be_kept(local: Driver, options: Options, tmp_path: Path) -> None:
    table = str(tmp_path / "bronze")
    local.run("sync", options={**options, "stream": "usage"}, table=table)
    rows = local.rows("typed", path=table, stream="usage", keep=["changed_at", "sequence"])
    assert list(rows[0])[:4] == ["changed_at", "sequence", "shop", "id"]
    rows = local.rows("typed", path=table, stream="usage", keep=["id", "record", "record", "shop"])
    assert list(rows[0])[:3] == ["record", "shop", "id"]
    assert {json.loads(row["record"])["id"] for row in rows} == {row["id"] for row in rows}
    with pytest.raises(JobFailed, match="keep: is not a column of the raw rows"):
        local.rows("typed", path=table, stream="usage", keep=["secret"])
    with pytest.raises(JobFailed, match=r"stream: is not a stream. Did you mean usage\?"):
        local.rows("latest", path=table, stream="usge")
    with pytest.raises(JobFailed, match=r"stream: is not a stream. Did you mean usage\?"):
        local.rows("typed", path=table, stream="usge")


def test_a_sync_sets_its_own_options(local: Driver, options: Options, tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="ValueError: options: state are set by `sync`; remove them"):
        local.run("sync", options={**options, "State": "{}"}, table=str(tmp_path / "bronze"))
