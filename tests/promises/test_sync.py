"""Syncs through the command line against the sandbox, over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from sumeru_api import timestamps
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Output, Tap


def assert_complete(output: Output, sandbox: Sandbox, *shops: str) -> None:
    """Assert that every row of the API was emitted exactly once with its values."""
    assert output.code == 0, output.log
    for shop in shops:
        for stream in STREAMS:
            truth = {row["id"]: row for row in sandbox.truth(shop, stream)}
            records = output.records(stream, shop)
            assert sorted(record["id"] for record in records) == sorted(truth), stream
            for record in records:
                assert_equal(record, truth[record["id"]], stream)


def assert_equal(record: dict[str, Any], truth: dict[str, Any], stream: str) -> None:
    for name, value in truth.items():
        if name != "relationships":
            assert record[name] == value, (stream, name)
    assert record["extra"] is None


def test_a_first_sync_emits_every_row_once(tap: Tap, sandbox: Sandbox) -> None:
    output = tap.sync()
    assert_complete(output, sandbox, "acme")
    assert output.counts() == {name: count for name, count in sandbox.counts()["acme"].items() if count}


def test_three_shops_in_one_run(many: Tap, shops: Sandbox) -> None:
    assert_complete(many.sync(), shops, "acme", "globex", "initech")


def test_each_stream_has_one_schema_before_its_records(tap: Tap) -> None:
    seen = []
    for message in tap.sync().messages:
        if message["type"] == "SCHEMA":
            assert message["key_properties"] == list(STREAMS[message["stream"]].primary_key)
            assert message["stream"] not in seen
            seen.append(message["stream"])
        if message["type"] == "RECORD":
            assert message["stream"] in seen
    assert sorted(seen) == sorted(STREAMS)


def test_a_second_sync_emits_only_changed_rows_with_few_requests(tap: Tap, sandbox: Sandbox) -> None:
    first = tap.sync()
    before = sandbox.stats()["requests"]
    sandbox.advance(3 * 3600)
    changed = sandbox.truth("acme", "customers")[3]["id"]
    sandbox.put("acme", "customers", changed, lifecycle_stage="at_risk")
    second = tap.sync(first.state)
    assert second.code == 0, second.log
    assert [record["lifecycle_stage"] for record in second.records("customers")] == ["at_risk"]
    assert second.ids("customers") == [changed]
    assert sandbox.stats()["requests"] - before < 30


def test_the_bookmark_is_the_time_at_which_the_read_started(tap: Tap, sandbox: Sandbox) -> None:
    began = sandbox.now()
    output = tap.sync(streams=("orders",))
    value = output.bookmark("orders")["replication_key_value"]
    assert value[:16] in {began.isoformat()[:16], sandbox.now().isoformat()[:16]}


def test_start_date_and_end_date_bound_a_backfill(tap: Tap, sandbox: Sandbox) -> None:
    dates = sorted(row["updated_at"] for row in sandbox.truth("acme", "orders"))
    start, end = dates[len(dates) // 4], dates[len(dates) // 2]
    output = tap.sync(streams=("orders",), start_date=start, end_date=end, window_days=7)
    assert output.code == 0, output.log
    wanted = [row["id"] for row in sandbox.truth("acme", "orders") if start <= row["updated_at"] < end]
    assert sorted(output.ids("orders")) == sorted(wanted)
    assert output.bookmark("orders")["replication_key_value"] == end
    continued = tap.sync(output.state, streams=("orders",))
    later = {row["id"] for row in sandbox.truth("acme", "orders") if row["updated_at"] >= end}
    assert later <= set(continued.ids("orders"))


def test_windows_with_few_rows_grow_while_requests_queue(tap: Tap, sandbox: Sandbox) -> None:
    start = min(row["updated_at"] for row in sandbox.truth("acme", "products"))
    output = tap.sync(streams=("products", "seo_keywords"), start_date=start, window_days=3, concurrency=1)
    assert output.code == 0, output.log
    assert sorted(output.ids("products")) == sorted(row["id"] for row in sandbox.truth("acme", "products"))
    since = timestamps.parse(start)
    assert since is not None
    windows = (sandbox.now() - since).days // 3
    assert windows > 100
    assert sandbox.stats()["shops"]["acme"]["products"]["requests"] < windows / 3


def test_deselected_streams_and_columns_are_not_requested(tap: Tap, sandbox: Sandbox) -> None:
    hidden = ("email", "tags", "extra", "relationships")
    catalog = tap.catalog("customers", deselected=tuple(("customers", name) for name in hidden))
    output = tap.sync(catalog=catalog)
    assert output.code == 0, output.log
    assert set(output.counts()) == {"customers"}
    assert not {"email", "tags"} & set(output.records("customers")[0])
    assert not {"email", "tags"} & set(output.of_type("SCHEMA")[0]["schema"]["properties"])
    requested = sandbox.stats()["shops"]["acme"]
    assert set(requested) == {"customers"}
    for query in requested["customers"]["queries"]:
        query_params = dict(parse_qsl(query))
        if "filter[date_from]" in query_params:
            continue  # the request that verifies the filter needs all dates of a row and emits none
        fields = query_params["fields"].split(",")
        assert "id" in fields
        assert not {"email", "tags"} & set(fields)


def test_a_rejected_fields_parameter_is_not_sent_again(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"*": {"fields": "refused"}})
    hidden = ("email", "extra", "relationships")
    catalog = tap.catalog("customers", deselected=tuple(("customers", name) for name in hidden))
    output = tap.sync(catalog=catalog)
    assert output.code == 0, output.log
    assert len(output.ids("customers")) == 100
    assert "email" not in output.records("customers")[0]


def test_filters_and_include_reach_the_api(tap: Tap, sandbox: Sandbox) -> None:
    options = {"customers": {"filters": {"lifecycle_stage": "loyal"}, "include": ["orders"]}}
    output = tap.sync(streams=("customers",), stream_options=options)
    assert output.code == 0, output.log
    loyal = [row["id"] for row in sandbox.truth("acme", "customers") if row["lifecycle_stage"] == "loyal"]
    assert sorted(output.ids("customers")) == sorted(loyal)
    assert any(record["extra"]["orders"] for record in output.records("customers"))


def test_attribution_includes_touchpoints(tap: Tap, sandbox: Sandbox) -> None:
    for included in ("embedded", "top_level"):
        sandbox.configure({"attribution": {"included": included}})
        output = tap.sync(streams=("attribution",))
        truth = {row["id"]: row["touchpoints"] for row in sandbox.truth("acme", "attribution")}
        assert {record["id"]: record["touchpoints"] for record in output.records("attribution")} == truth


def test_with_details_each_row_is_requested_by_itself(tap: Tap, sandbox: Sandbox) -> None:
    output = tap.sync(streams=("products",), stream_options={"products": {"details": True}})
    assert output.code == 0, output.log
    assert len(output.ids("products")) == len(sandbox.truth("acme", "products"))
    assert sandbox.stats()["requests"] > len(output.ids("products"))


@pytest.mark.parametrize("shape", ["enveloped", "flat"])
@pytest.mark.parametrize("usage", ["list", "object"])
def test_enveloped_and_flat_rows_are_read(tap: Tap, sandbox: Sandbox, shape: str, usage: str) -> None:
    sandbox.configure({"*": {"shape": shape, "usage": usage}})
    output = tap.sync(streams=("customers", "usage"))
    assert output.code == 0, output.log
    assert len(output.ids("customers")) == 100
    assert len(output.ids("usage")) == (1 if usage == "object" else sandbox.counts()["acme"]["usage"])
    assert all(record["extra"] is None for record in output.records("customers"))


def test_another_replication_key_can_be_set(tap: Tap, sandbox: Sandbox) -> None:
    output = tap.sync(streams=("orders",), stream_options={"orders": {"replication_key": "placed_at"}})
    assert output.code == 0, output.log
    assert len(output.ids("orders")) == sandbox.counts()["acme"]["orders"]
    assert output.bookmark("orders")["replication_key"] == "placed_at"


def test_a_full_table_read_activates_its_version_at_the_end(tap: Tap, sandbox: Sandbox) -> None:
    catalog = tap.catalog("products")
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
        for item in entry["metadata"]:
            if item["breadcrumb"] == []:
                item["metadata"]["forced-replication-method"] = "FULL_TABLE"
    output = tap.sync(catalog=catalog)
    assert output.code == 0, output.log
    kinds = [
        message["type"] for message in output.messages if message["type"] in {"RECORD", "ACTIVATE_VERSION"}
    ]
    assert kinds[-1] == "ACTIVATE_VERSION"
    assert kinds.count("ACTIVATE_VERSION") == 1
    versions = {message["version"] for message in output.messages if "version" in message}
    assert len(versions) == 1
    sandbox.configure({"products": {"faults": [{"kind": "status", "status": 403}]}})
    failed = tap.sync(catalog=catalog)
    assert failed.code == 1
    assert failed.of_type("ACTIVATE_VERSION") == []


def test_stream_maps_and_flattening_of_the_sdk_work(tap: Tap) -> None:
    output = tap.sync(
        streams=("customers",),
        stream_maps={"customers": {"email": "md5(email) if email else None", "phone": "__NULL__"}},
        flattening_enabled=True,
        flattening_max_depth=1,
    )
    assert output.code == 0, output.log
    assert "phone" not in output.records("customers")[0]
    assert all("@" not in str(record["email"]) for record in output.records("customers"))
    assert any(record["address__city"] for record in output.records("customers"))


def test_each_shop_is_read_by_one_shard(many: Tap, shops: Sandbox) -> None:
    read: list[str] = []
    for index in (1, 2):
        output = many.sync(streams=("campaigns",), shard=f"{index}/2")
        assert output.code == 0
        read += sorted({record["shop"] for record in output.records("campaigns")})
    assert sorted(read) == sorted(shops.counts())


def test_the_state_of_other_shops_is_kept(tap: Tap) -> None:
    other = {
        "context": {"shop": "gone"},
        "replication_key": "updated_at",
        "replication_key_value": "2026-01-01T00:00:00Z",
    }
    output = tap.sync({"bookmarks": {"orders": {"partitions": [other]}}}, streams=("campaigns",))
    assert output.bookmark("orders", "gone") == other


@pytest.mark.parametrize("streams", [("journeys", "enrollments"), ("enrollments",), ("journeys",)])
def test_journeys_are_listed_once_per_run(tap: Tap, sandbox: Sandbox, streams: tuple[str, ...]) -> None:
    first = tap.sync(streams=streams)
    before = len(sandbox.stats()["shops"]["acme"]["journeys"]["queries"])
    journey = sandbox.truth("acme", "journeys")[0]["id"]
    sandbox.put("acme", "journeys", journey, name="renamed")
    second = tap.sync(first.state, streams=streams)
    assert second.code == 0, second.log
    assert len(sandbox.stats()["shops"]["acme"]["journeys"]["queries"]) == before + 1
    for stream in streams:
        assert set(first.ids(stream)) == {row["id"] for row in sandbox.truth("acme", stream)}
    assert second.ids("journeys") == ([journey] if "journeys" in streams else [])


def test_a_first_read_of_enrollments_since_a_date_emits_each_once(tap: Tap, sandbox: Sandbox) -> None:
    output = tap.sync(streams=("enrollments",), start_date="2020-01-01T00:00:00Z")
    assert sorted(output.ids("enrollments")) == sorted(
        row["id"] for row in sandbox.truth("acme", "enrollments")
    )
    assert output.bookmark("enrollments")["date_filter"]["verdict"] == "proven"
