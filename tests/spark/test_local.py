"""The data source on one machine: rows are those of the API, and a table is its own checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from spark.conftest import SHOPS
from spark.truth import assert_raw, assert_typed
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
