"""Snowflake and BigQuery: what lands by their targets, unmodified, in servers that stand in for them."""

from __future__ import annotations

import json
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import yaml
from conftest import Tap

from sumeru_sandbox import Sandbox
from tap_sumeru import schemas
from warehouses import documented, targets
from warehouses.clouds import CLOUDS, BigQuery, Served, Snowflake
from warehouses.lives import KEPT, Place, column, deletion, kill, trip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from warehouses.lives import Column, Deletion, Kill, Seen, Trip
    from warehouses.warehouse import Json

TOGETHER: dict[type[Served], tuple[tuple[str, ...], ...]] = {
    Snowflake: (("customers", "usage", "orders", "attribution"),),
    BigQuery: (("customers", "usage"), ("orders", "attribution")),
}
"""The streams that are loaded together."""
pytestmark = pytest.mark.timeout(900)  # the first test of a cloud waits for all that is done to it
STREAMS = [stream for streams in TOGETHER[Snowflake] for stream in streams]
SYNCS = pytest.mark.parametrize("sync", ["first", "second"])


class Lives:
    """All lives of one cloud, which go on side by side, each with a server of its own."""

    def __init__(self, cloud: Served, pool: ThreadPoolExecutor, factory: pytest.TempPathFactory) -> None:
        lines = documented.lines(cloud.target)

        def begin(name: str, life: Callable[..., Any], *arguments: Any) -> Future[Any]:
            return pool.submit(life, Place(cloud, factory.mktemp(name), name), *arguments)

        self.cloud = cloud
        self.trips: dict[str, Future[Trip]] = {}
        for streams in TOGETHER[type(cloud)]:
            mine = [line for line in lines if line.stream in streams]
            self.trips |= dict.fromkeys(streams, begin(f"trip_{streams[0]}", trip, streams, mine))
        # target-snowflake cannot load twice into a schema that is named like a word of SQL.
        self.column: Future[Column] = begin("late", column)
        self.deletion: Future[Deletion] = begin("deletion", deletion)
        self.kill: Future[Kill] = begin("kill", kill)


@pytest.fixture(scope="module", params=CLOUDS, ids=lambda cloud: cloud.target.removeprefix("target-"))
def lives(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    """The lives of each cloud."""
    cloud: Served = request.param()
    missing = cloud.missing()
    if missing and os.environ.get("TEST_CLOUDS"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    # Snowflake's target works all the time; BigQuery's sleeps.
    workers = 2 if isinstance(cloud, Snowflake) else 8
    with cloud.running(), ThreadPoolExecutor(workers) as pool:
        yield Lives(cloud, pool, tmp_path_factory)


def expected(stream: str, shop: str, row: Json) -> Json:
    """What the tap makes of a row."""
    ident = row["id"]
    links = {"orders": {"links": {"related": f"/api/v1/customers/{ident}/orders"}}}
    record = {**row, "shop": shop, "relationships": links if stream == "customers" else None, "extra": None}
    if ident == f"odd_{stream}":
        record |= KEPT.get(stream, {})
    columns = schemas.load(stream)["properties"]
    values = {name: record[name] for name in columns}
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    return json.loads(bytes(value), parse_float=Decimal) if isinstance(value, msgspec.Raw) else value


def assert_same(cloud: Served, stream: str, seen: Seen) -> None:
    """Each row is there once, with each value as the target makes it."""
    landed, truth = seen.landed[stream], seen.truth[stream]
    assert set(landed) == set(truth)
    columns = schemas.load(stream)["properties"]
    for (shop, ident), row in truth.items():
        if ident.startswith("doc_"):
            continue
        for name, value in expected(stream, shop, row).items():
            found, lands = landed[shop, ident][name], cloud.lands(value, columns[name])
            assert (type(found) is bool, found) == (type(lands) is bool, lands), (shop, ident, name)


@SYNCS
@pytest.mark.parametrize("stream", STREAMS)
def test_every_row_of_two_shops_lands_once_with_every_value(lives: Lives, stream: str, sync: str) -> None:
    seen: Seen = getattr(lives.trips[stream].result(), sync)
    assert (seen.run.code, seen.run.target_code) == (0, 0), seen.run.log + seen.run.target_log
    assert ("acme", f"odd_{stream}") in seen.landed[stream]
    assert_same(lives.cloud, stream, seen)


@pytest.mark.parametrize("stream", STREAMS)
def test_the_second_sync_changes_rows_and_adds_new_ones(lives: Lives, stream: str) -> None:
    seen = lives.trips[stream].result()
    first, second = seen.first.landed[stream], seen.second.landed[stream]
    assert set(second) - set(first) == {(shop, f"new_{stream}") for shop in ("acme", "globex")}
    changed = next(ident for _, ident in first if not ident.startswith(("doc_", "odd_")))
    assert any(first[key] != second[key] for key in first), changed
    counts = [
        int(re.findall(r"Sync done: (\d+) records", run.log)[0]) for run in (seen.first.run, seen.second.run)
    ]
    assert counts[1] < counts[0] / 5


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_documented_is_what_lands(lives: Lives, stream: str) -> None:
    found = [one for one in lives.trips[stream].result().documented if one[0].stream == stream]
    assert found
    for line, text, kind in found:
        assert (line, text) == (line, None if line.lands == "NULL" else line.lands.strip("`"))
        assert kind == line.kind, line


def test_a_column_selected_later_is_added_by_snowflakes_target_alone(lives: Lives) -> None:
    """BigQuery's stops before it lets a state out; the column made by hand, the same state gives all rows."""
    seen = lives.column.result()
    assert (seen.without.code, seen.without.target_code) == (0, 0)
    if isinstance(lives.cloud, BigQuery):
        assert seen.refused
        assert (seen.refused.target_code, seen.refused.state) == (1, {})
        assert "subject" in seen.refused.target_log
    else:
        assert seen.refused is None
    run = seen.with_it.run
    assert (run.code, run.target_code) == (0, 0), run.log + run.target_log
    landed, truth = seen.with_it.landed["campaigns"], seen.with_it.truth["campaigns"]
    assert set(landed) == set(truth)
    assert landed["acme", "new"]["subject"] == "New"
    assert {row["subject"] for (_, ident), row in landed.items() if ident != "new"} == {None}


def test_a_full_read_dates_what_was_deleted_in_snowflake_and_leaves_it_in_bigquery(lives: Lives) -> None:
    seen = lives.deletion.result()
    for one in (seen.before, seen.after):
        assert (one.run.code, one.run.target_code) == (0, 0), one.run.log + one.run.target_log
    assert_same(lives.cloud, "products", seen.before)
    dated = {ident for (_, ident), row in seen.after.landed["products"].items() if row["_sdc_deleted_at"]}
    assert set(seen.after.landed["products"]) == set(seen.before.truth["products"])
    assert dated == (set() if isinstance(lives.cloud, BigQuery) else {seen.gone})


def test_kill_9_loses_nothing(lives: Lives) -> None:
    seen = lives.kill.result()
    assert seen.killed.code == -signal.SIGKILL
    assert seen.before.run.target_code == 0, seen.before.run.target_log
    assert 0 < len(seen.before.landed["orders"]) < len(seen.before.truth["orders"])
    assert (seen.after.run.code, seen.after.run.target_code) == (0, 0), seen.after.run.target_log
    assert_same(lives.cloud, "orders", seen.after)


def test_the_query_of_the_page_has_a_line_for_each_shop(lives: Lives) -> None:
    lives.trips["orders"].result()
    schema = next(f"trip_{streams[0]}" for streams in TOGETHER[type(lives.cloud)] if "orders" in streams)
    (query,) = re.findall(r"```sql\n(.+?);\n```", documented.page(lives.cloud.target), re.DOTALL)
    query = re.sub("sumeru", schema, query, flags=re.IGNORECASE)
    assert lives.cloud.query(schema, f"SELECT COUNT(*) FROM ({query})") in ([[2]], [["2"]])  # noqa: S608 - the page's


def test_a_null_object_is_null_for_sql_in_bigquery_alone(lives: Lives) -> None:
    """In Snowflake it is a value, the null of JSON."""
    rows = lives.trips["customers"].result().second.truth["customers"]
    none = sum(row["address"] is None for (_, ident), row in rows.items() if not ident.startswith("doc_"))
    assert none
    wanted = {"IS NULL": none} if isinstance(lives.cloud, BigQuery) else {"IS NULL": 0, "= 'null'": none}
    for what, count in wanted.items():
        query = f"SELECT COUNT(*) FROM customers WHERE address {what} AND NOT id LIKE 'doc_%'"  # noqa: S608 - ours
        [[counted]] = lives.cloud.query("trip_customers", query)
        assert int(counted or 0) == count, what


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_page_names_the_pinned_version(cloud: type[Served]) -> None:
    assert targets.PINS[cloud.target].split()[0].replace("==", " ") in documented.page(cloud.target)
    assert targets.PINS[cloud.server].split()[0].replace("[server]==", " ").replace(
        "==", " "
    ) in documented.page(cloud.target)


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
