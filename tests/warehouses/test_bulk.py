"""The bulk loader makes the tables of target-postgres, and the target goes on from its state."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
import pytest

from sumeru_sandbox import Sandbox
from tap_sumeru.catalog.streams import STREAMS
from warehouses import documented
from warehouses.bulk import BulkPipeline, BulkPosition, BulkPostgres
from warehouses.lives import ODD, SHOPS, ReadPosition, batch, change, column, deletion, kill, see, trip
from warehouses.test_lives import assert_done, assert_rows, assert_same
from warehouses.warehouse import Postgres, as_floats

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses.conftest import Pipeline, Start
    from warehouses.lives import Trip
    from warehouses.warehouse import Json

pytestmark = pytest.mark.timeout(900)
_SHAPE = """
SELECT json_build_array(attname, format_type(atttypid, atttypmod), attnotnull)::text FROM pg_attribute
WHERE attrelid = '{}'::regclass AND attnum > 0 ORDER BY attnum
"""
_KEY = "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '{}'::regclass"
_CHANGING = ("_sdc_received_at", "_sdc_batched_at", "_sdc_sequence", "_sdc_sync_started_at")
"""Columns that say when a loader ran."""


@pytest.fixture(scope="module")
def bulk(start: Start) -> BulkPostgres:
    return start(BulkPostgres())


@pytest.fixture(scope="module")
def lived(bulk: BulkPostgres, tmp_path_factory: pytest.TempPathFactory) -> Trip:
    """Two syncs of two shops, all streams."""
    place = BulkPosition(bulk, tmp_path_factory.mktemp("trip"), "trip")
    return trip(place, bulk, tuple(STREAMS), documented.lines("target-postgres"))


@pytest.mark.parametrize("sync", ["first", "second"])
@pytest.mark.parametrize("stream", STREAMS)
def test_every_row_lands_once_with_every_value(
    lived: Trip, bulk: BulkPostgres, stream: str, sync: str
) -> None:
    seen = getattr(lived, sync)
    assert_done(seen.run)
    assert seen.run.state["bookmarks"][stream]
    assert_same(bulk, stream, seen)


def test_values_land_as_by_the_loader_but_for_numbers_which_are_exact(lived: Trip) -> None:
    numbers = 0
    for line, text, kind in lived.documented:
        assert kind == line.kind, line
        if kind != "numeric":
            assert (line, text) == (line, None if line.lands == "NULL" else line.lands.strip("`"))
            continue
        numbers += 1
        assert Decimal(str(text)) == Decimal(line.sent)
        if "e" not in line.sent and line.sent != "-0.0":
            assert text == line.sent
    assert numbers > 1


def test_the_tables_are_those_of_the_loader_and_so_are_the_rows(bulk: BulkPostgres, tmp_path: Path) -> None:
    with Sandbox(SHOPS, customers=100) as sandbox:
        for stream, values in ODD.items():
            sandbox.put("acme", stream, f"odd_{stream}", **values)
        sandbox.put("acme", "campaigns", "nul", name="a\0b\\u0000", channels=["\0", "b"])
        place = ReadPosition(bulk, tmp_path, "by_target")
        loader = place.pipeline(sandbox, *SHOPS)
        output = loader.tap.sync()
        assert output.code == 0, output.log
    ours = BulkPipeline(loader.tap, bulk, "by_bulk")
    loaded = [one.load(output.lines) for one in (loader, ours)]
    assert [code for code, _, _ in loaded] == [0, 0], loaded
    assert loaded[0][2] == loaded[1][2] == json.loads(json.dumps(output.state, default=float))
    for stream in STREAMS:
        for query in (_SHAPE, _KEY):
            theirs, mine = (bulk.query(schema, query.format(stream)) for schema in ("by_target", "by_bulk"))
            assert [[str(one).replace("by_bulk", "by_target") for one in mine[0]]] == theirs
        assert_equal(loader, ours, stream)


def assert_equal(loader: Pipeline, ours: Pipeline, stream: str) -> None:
    """Both have the same rows with the same values, apart from the digits that floats lose."""
    theirs, mine = (one.rows(stream)[stream] for one in (loader, ours))
    assert set(theirs) == set(mine)
    for key, row in mine.items():
        assert comparable(theirs[key]) == comparable(row), key


def comparable(row: Json) -> Json:
    numbers = {name: float(value) for name, value in row.items() if isinstance(value, Decimal)}
    return {name: value for name, value in {**row, **numbers}.items() if name not in _CHANGING}


def test_the_target_goes_on_from_the_state_of_the_bulk_loader(bulk: BulkPostgres, tmp_path: Path) -> None:
    streams = tuple(STREAMS)
    with Sandbox(SHOPS, customers=100) as sandbox:
        place = ReadPosition(bulk, tmp_path, "goes_on")
        loader = place.pipeline(sandbox, *SHOPS)
        ours = BulkPipeline(loader.tap, bulk, "goes_on")
        first = ours.run(streams=streams)
        assert_done(first)
        sandbox.advance(3 * 3600)
        for shop in SHOPS:
            for stream in streams:
                change(sandbox, shop, stream)
        second = loader.run(first.state, streams=streams)
        assert_done(second)
        assert records(second.log) < records(first.log) / 5
        seen = see(second, loader, sandbox, SHOPS, *streams)
        for stream in streams:
            # What the target wrote itself has been a float, the other rows are exact.
            landed = {key: rounded(row) for key, row in seen.landed[stream].items()}
            assert_rows(Postgres(), stream, landed, seen.truth[stream])
        # And back: the bulk loader goes on from the state of the target.
        sandbox.put("acme", "orders", "newest", total_price=msgspec.Raw(b"12345678901234567.25"))
        third = ours.run(second.state, streams=streams)
        assert_done(third)
        assert records(third.log) < records(first.log) / 5
        assert ours.rows("orders")["orders"]["acme", "newest"]["total_price"] == Decimal(
            "12345678901234567.25"
        )


def records(log: str) -> int:
    return int(re.findall(r"Sync done: (\d+) records?", log)[0])


def rounded(row: Json) -> Json:
    """A row whose numbers are floats, but not those in objects."""
    return {name: as_floats(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def test_a_column_selected_later_is_added(bulk: BulkPostgres, tmp_path: Path) -> None:
    seen = column(BulkPosition(bulk, tmp_path, "late"))
    assert_done(seen.without)
    assert seen.refused is None
    assert_done(seen.with_it.run)
    landed = seen.with_it.landed["campaigns"]
    assert set(landed) == set(seen.with_it.truth["campaigns"])
    assert landed["acme", "new"]["subject"] == "New"
    assert {row["subject"] for (_, ident), row in landed.items() if ident != "new"} == {None}


def test_a_full_read_deletes_rows_as_the_target_does(bulk: BulkPostgres, tmp_path: Path) -> None:
    seen = deletion(BulkPosition(bulk, tmp_path, "deletion"))
    assert seen.hard
    for one in (seen.before, seen.after, seen.hard):
        assert_done(one.run)
    assert_same(bulk, "products", seen.before)
    landed = seen.after.landed["products"]
    assert set(landed) == set(seen.before.truth["products"])
    assert {ident for (_, ident), row in landed.items() if row["_sdc_deleted_at"]} == {seen.gone}
    assert_same(bulk, "products", seen.hard)


def test_kill_9_of_the_tap_loses_nothing(bulk: BulkPostgres, tmp_path: Path) -> None:
    seen = kill(BulkPosition(bulk, tmp_path, "killed"))
    assert 0 < len(seen.before.landed["orders"]) < len(seen.before.truth["orders"])
    assert_done(seen.after.run)
    assert_same(bulk, "orders", seen.after)


def test_batch_files_land_too_with_the_time_of_the_file(bulk: BulkPostgres, tmp_path: Path) -> None:
    seen = batch(BulkPosition(bulk, tmp_path, "batch"))
    assert_done(seen.run)
    assert seen.seen
    assert seen.files
    assert_same(bulk, "campaigns", seen.seen)
    assert all(row["_sdc_extracted_at"] for row in seen.seen.landed["campaigns"].values())
