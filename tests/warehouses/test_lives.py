"""Every warehouse: what lands there of two shops that change, by its target as it is, value by value.

Snowflake and BigQuery are servers of this machine that stand in for them.
"""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import re
import signal
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS
from warehouses import documented
from warehouses.clouds import EVERYWHERE, BigQuery, Snowflake
from warehouses.lives import KEPT, ODD, SHOPS
from warehouses.living import live
from warehouses.warehouse import DuckDb, Postgres

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses.conftest import Loaded, Start
    from warehouses.lives import Rows, Seen
    from warehouses.living import Lives
    from warehouses.warehouse import Json, Warehouse

pytestmark = pytest.mark.timeout(900)  # the first test of a warehouse waits for all that is done to it
NESTED = [
    ("customers", "address"),
    ("customers", "tags"),
    ("orders", "line_items"),
    ("orders", "refunds"),
    ("attribution", "credit_per_touchpoint"),
]
SYNCS = pytest.mark.parametrize("sync", ["first", "second"])


@pytest.fixture(scope="module", params=EVERYWHERE, ids=lambda one: one.target.removeprefix("target-"))
def lives(request: pytest.FixtureRequest, start: Start, tmp_path_factory: pytest.TempPathFactory) -> Lives:
    """The lives of each warehouse: the first process of the tests that asks has them, the others wait."""
    warehouse: Warehouse = request.param
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    file: Path = shared / f"{warehouse.target}.lives"
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            done = live(start(warehouse), tmp_path_factory.mktemp(warehouse.target))
            file.write_bytes(pickle.dumps(done))
    found: Lives = pickle.loads(file.read_bytes())  # noqa: S301 - ours
    return found


def expected(stream: str, shop: str, row: Json) -> Json:
    """What the tap makes of a row."""
    ident = row["id"]
    links = {"orders": {"links": {"related": f"/api/v1/customers/{ident}/orders"}}}
    record = {**row, "shop": shop, "relationships": links if stream == "customers" else None, "extra": None}
    if ident == f"odd_{stream}":
        record |= KEPT.get(stream, {})
    columns = stream_schemas.load(stream)["properties"]
    values = {name: record[name] for name in columns}
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    return json.loads(bytes(value), parse_float=Decimal) if isinstance(value, msgspec.Raw) else value


def assert_same(warehouse: Warehouse, stream: str, seen: Seen) -> None:
    assert_rows(warehouse, stream, seen.landed[stream], seen.truth[stream])


def assert_rows(warehouse: Warehouse, stream: str, landed: Rows, truth: Rows) -> None:
    """Each row is there once, with each value as the target makes it."""
    assert set(landed) == set(truth)
    for (shop, ident), row in truth.items():
        if not ident.startswith("doc_"):
            assert_lands(warehouse, stream, landed[shop, ident], expected(stream, shop, row))


def assert_lands(warehouse: Warehouse, stream: str, landed: Json, values: Json) -> None:
    columns = stream_schemas.load(stream)["properties"]
    found = {name: landed[name] for name in values}
    lands = {name: warehouse.lands(value, columns[name]) for name, value in values.items()}
    assert found == lands
    # For Python `True == 1`.
    booleans = [[name for name in values if type(row[name]) is bool] for row in (found, lands)]
    assert booleans[0] == booleans[1]


def assert_done(run: Loaded) -> None:
    assert (run.code, run.target_code) == (0, 0), run.log + run.target_log


@SYNCS
@pytest.mark.parametrize("stream", STREAMS)
def test_every_row_lands_once_with_every_value(lives: Lives, stream: str, sync: str) -> None:
    seen: Seen = getattr(lives.trips[stream], sync)
    assert_done(seen.run)
    assert seen.run.state["bookmarks"][stream]
    assert_same(lives.warehouse, stream, seen)


@pytest.mark.parametrize("stream", STREAMS)
def test_the_second_sync_brings_what_changed_and_what_is_new(lives: Lives, stream: str) -> None:
    trip = lives.trips[stream]
    first, second = trip.first.landed[stream], trip.second.landed[stream]
    assert set(second) - set(first) == {(shop, f"new_{stream}") for shop in SHOPS}
    for shop in SHOPS:
        key = (shop, trip.changed[shop, stream])
        assert first[key] != second[key]


@pytest.mark.parametrize("stream", STREAMS)
def test_the_second_sync_reads_little(lives: Lives, stream: str) -> None:
    trip = lives.trips[stream]
    counts = [
        int(re.findall(r"Sync done: (\d+) records?", seen.run.log)[0]) for seen in (trip.first, trip.second)
    ]
    assert counts[0] == sum(map(len, trip.first.truth.values()))
    assert counts[1] < counts[0] / 5


@pytest.mark.parametrize("stream", STREAMS)
def test_rows_of_two_shops_with_the_same_id_are_apart(lives: Lives, stream: str) -> None:
    landed = lives.trips[stream].second.landed[stream]
    one, other = ({ident for shop, ident in landed if shop == name} for name in SHOPS)
    assert len(one & other) > 1


def odd(lives: Lives, stream: str) -> Json:
    """How the row that tries a stream has landed."""
    return lives.trips[stream].first.landed[stream]["acme", f"odd_{stream}"]


@pytest.mark.parametrize(
    ("stream", "columns"), [("customers", ("first_name", "last_name", "tags")), ("orders", ("note",))]
)
def test_text_of_any_script_lands(lives: Lives, stream: str, columns: tuple[str, ...]) -> None:
    assert_lands(lives.warehouse, stream, odd(lives, stream), {name: ODD[stream][name] for name in columns})


@pytest.mark.parametrize("stream", KEPT)
def test_a_value_of_another_type_and_an_unknown_field_are_in_extra(lives: Lives, stream: str) -> None:
    assert_lands(lives.warehouse, stream, odd(lives, stream), KEPT[stream])


@pytest.mark.parametrize(("stream", "name"), NESTED)
def test_nested_objects_and_arrays_land(lives: Lives, stream: str, name: str) -> None:
    landed = odd(lives, stream)
    assert landed[name]
    assert_lands(lives.warehouse, stream, landed, {name: _plain(ODD[stream][name])})


def test_nulls_land_as_nulls_and_so_does_a_value_that_became_one(lives: Lives) -> None:
    for stream, trip in lives.trips.items():
        for key, row in trip.second.truth[stream].items():
            landed = trip.second.landed[stream][key]
            assert all(landed[name] is None for name, value in row.items() if value is None), (stream, key)
        before, after = (
            seen.landed[stream]["acme", trip.changed["acme", stream]] for seen in (trip.first, trip.second)
        )
        assert any(before[name] is not None and after[name] is None for name in after), stream


def test_a_null_object_is_the_null_of_json_in_postgresql_and_snowflake(lives: Lives) -> None:
    rows = lives.trips["customers"].second.truth["customers"]
    none = sum(row["address"] is None for (_, ident), row in rows.items() if not ident.startswith("doc_"))
    assert none
    as_json = isinstance(lives.warehouse, Postgres | Snowflake)
    wanted = {"IS NULL": 0, "= 'null'": none} if as_json else {"IS NULL": none}
    assert {condition: int(lives.answers[condition] or 0) for condition in wanted} == wanted


def test_what_is_documented_is_what_lands(lives: Lives) -> None:
    for stream in STREAMS:
        for line, text, kind in lives.trips[stream].documented:
            assert (line, text) == (line, None if line.lands == "NULL" else line.lands.strip("`"))
            assert kind == line.kind, line


def test_the_expressions_of_the_page_give_what_it_says(lives: Lives) -> None:
    target = lives.warehouse.target
    for expression, (_, _, value) in documented.EXPRESSIONS[target].items():
        assert f"`{expression}`" in documented.page(target)
        found = str(lives.answers[expression]).strip('"')
        assert found == value or Decimal(found) == Decimal(value), expression


def test_the_query_of_the_page_has_a_line_for_each_shop(lives: Lives) -> None:
    query = documented.shops(lives.warehouse.target)
    assert query
    assert str(lives.answers[query]) == f"{len(SHOPS)}"


def test_a_column_selected_later_is_added_but_in_bigquery(lives: Lives) -> None:
    """There the target stops before it lets a state out; the column made by hand, that state gives all."""
    seen = lives.column
    assert_done(seen.without)
    if isinstance(lives.warehouse, BigQuery):
        assert seen.refused
        assert (seen.refused.target_code, seen.refused.state) == (1, {})
        assert "subject" in seen.refused.target_log
    else:
        assert seen.refused is None
    assert_done(seen.with_it.run)
    landed, truth = seen.with_it.landed["campaigns"], seen.with_it.truth["campaigns"]
    assert set(landed) == set(truth)
    assert landed["acme", "new"]["subject"] == "New"
    assert {row["subject"] for (_, ident), row in landed.items() if ident != "new"} == {None}


def test_a_full_read_dates_what_was_deleted_in_postgresql_and_snowflake_alone(lives: Lives) -> None:
    seen = lives.deletion
    for one in (seen.before, seen.after):
        assert_done(one.run)
    assert_same(lives.warehouse, "products", seen.before)
    landed = seen.after.landed["products"]
    assert set(landed) == set(seen.before.truth["products"])
    dated = {ident for (_, ident), row in landed.items() if row.get("_sdc_deleted_at")}
    assert dated == (set() if isinstance(lives.warehouse, DuckDb | BigQuery) else {seen.gone})


def test_hard_delete_deletes_it_in_postgresql_and_snowflake(lives: Lives) -> None:
    seen = lives.deletion.hard
    if isinstance(lives.warehouse, DuckDb | BigQuery):
        assert seen is None
        return
    assert seen
    assert_done(seen.run)
    assert_same(lives.warehouse, "products", seen)


def test_the_row_that_a_full_read_did_not_meet_was_extracted_before_it(lives: Lives) -> None:
    """So it can be found in DuckDB and BigQuery too."""
    landed = lives.deletion.after.landed["products"]
    gone = landed["acme", lives.deletion.gone]["_sdc_extracted_at"]
    others = [row["_sdc_extracted_at"] for (_, ident), row in landed.items() if ident != lives.deletion.gone]
    assert gone < min(others)


def test_kill_9_loses_nothing(lives: Lives) -> None:
    seen = lives.kill
    assert seen.killed.code == -signal.SIGKILL
    assert seen.before.run.target_code == 0, seen.before.run.target_log
    assert 0 < len(seen.before.landed["orders"]) < len(seen.before.truth["orders"])
    assert_done(seen.after.run)
    assert_same(lives.warehouse, "orders", seen.after)


def test_batch_is_for_postgresql_and_snowflake_alone(lives: Lives) -> None:
    """DuckDB's target refuses it; BigQuery's takes the files, loads nothing, and says that all is well."""
    run, seen = lives.batch.run, lives.batch.seen
    if isinstance(lives.warehouse, DuckDb):
        assert (run.target_code, run.state) == (1, {})
        assert "BATCH" in run.target_log
        return
    assert seen
    assert_done(run)
    assert run.state["bookmarks"]["campaigns"]
    if isinstance(lives.warehouse, BigQuery):
        assert seen.landed["campaigns"] == {}
        return
    assert_same(lives.warehouse, "campaigns", seen)
    assert all(row["_sdc_extracted_at"] is None for row in seen.landed["campaigns"].values())
    if isinstance(lives.warehouse, Snowflake):
        assert lives.batch.files == 0
