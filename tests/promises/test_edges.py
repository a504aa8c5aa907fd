"""Regressions: each case once lost rows, failed other streams, or logged private values."""

from __future__ import annotations

from datetime import timedelta
from signal import SIGTERM
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Json, Tap


def full_table(tap: Tap, *streams: str) -> Json:
    catalog = tap.catalog(*streams)
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
    return catalog


def test_no_version_is_activated_for_an_incomplete_stream(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"attribution": {"faults": [{"kind": "status", "status": 403}]}})
    output = tap.sync(catalog=full_table(tap, "attribution", "customers"), on_error="stop")
    assert output.code == 1
    assert output.of_type("ACTIVATE_VERSION") == []


def test_a_full_read_of_one_shard_deletes_no_rows_of_other_shards(many: Tap) -> None:
    output = many.sync(catalog=full_table(many, "customers"), shard="1/2")
    assert (output.code, output.of_type("ACTIVATE_VERSION")) == (0, [])
    assert output.counts().keys() == {"customers"}
    assert "customers: deleted rows stay in the warehouse, because other shards hold the rest" in output.log


def test_a_full_read_into_batch_files_deletes_no_rows(tap: Tap) -> None:
    storage = {"root": (tap.folder / "files").as_uri()}
    output = tap.sync(
        catalog=full_table(tap, "customers"),
        batch_config={"encoding": {"format": "jsonl"}, "storage": storage},
    )
    assert (output.code, output.of_type("ACTIVATE_VERSION")) == (0, [])
    assert len(output.of_type("BATCH")) == 1
    assert (
        "customers: deleted rows stay in the warehouse, because BATCH files carry no version." in output.log
    )


@pytest.mark.parametrize("bound", ["end_date", "start_date"])
def test_a_read_of_another_date_range_ignores_the_saved_position(
    tap: Tap, sandbox: Sandbox, bound: str
) -> None:
    sandbox.configure({"orders": {"page_cap": 20, "latency_ms": 30}})
    dates = sorted(row["updated_at"] for row in sandbox.truth("acme", "orders"))
    options: Json = {"stream_options": {"orders": {"date_filter": []}}}
    stopped = tap.sync_and_stop(
        3, how=SIGTERM, streams=("orders",), **options, **{bound: dates[len(dates) // 2]}
    )
    assert "reading" in stopped.bookmark("orders")
    again = tap.sync(stopped.state, streams=("orders",), **options)
    assert set(again.ids("orders")) == {row["id"] for row in sandbox.truth("acme", "orders")}


def test_enrollments_fail_if_every_journey_is_not_found(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"enrollments": {"faults": [{"kind": "status", "status": 404}]}})
    output = tap.sync(streams=("enrollments",))
    assert output.code == 1
    assert "replication_key_value" not in output.bookmark("enrollments")


def test_a_failing_stream_map_fails_only_its_stream_and_logs_no_value(tap: Tap, sandbox: Sandbox) -> None:
    output = tap.sync(
        streams=("customers", "orders"), stream_maps={"customers": {"email": "int(email) if email else 0"}}
    )
    assert output.code == 1
    assert "customers failed" in output.log
    assert "Correct the expression in `stream_maps`" in output.log
    assert "@example" not in output.log
    assert len(output.ids("orders")) == sandbox.counts()["acme"]["orders"]
    assert output.messages[-1]["type"] == "STATE"


def test_a_stream_map_of_a_deselected_stream_is_ignored(tap: Tap) -> None:
    maps = {name: {"extra": None} for name in ("customers", "orders")}
    output = tap.sync(streams=("customers",), stream_maps=maps)
    assert output.code == 0, output.log
    assert output.counts().keys() == {"customers"}
    assert "extra" not in output.records("customers")[0]


def test_a_value_of_an_unexpected_type_does_not_bypass_a_stream_map(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"customers": {"rows": [{"kind": "drift", "every": 2}]}})
    plain = tap.sync(streams=("customers",))
    drifted = {name for record in plain.records("customers") for name in record["extra"] or ()}
    assert drifted
    maps = {"customers": dict.fromkeys(drifted, "'hidden'")}
    mapped = tap.sync(streams=("customers",), stream_maps=maps)
    assert mapped.code == 0, mapped.log
    assert not any(drifted & set(record["extra"] or ()) for record in mapped.records("customers"))
    assert "unexpected type" in mapped.log


@pytest.mark.parametrize("status", [404, 410])
def test_a_row_whose_detail_is_not_found_is_emitted_as_listed(
    tap: Tap, sandbox: Sandbox, status: int
) -> None:
    # The first request is the list, the others are details.
    sandbox.configure(
        {"products": {"faults": [{"kind": "status", "status": status, "after": 1, "times": 3}]}}
    )
    output = tap.sync(
        streams=("products",), stream_options={"products": {"details": True, "date_filter": []}}
    )
    assert output.code == 0, output.log
    assert sorted(output.ids("products")) == sorted(row["id"] for row in sandbox.truth("acme", "products"))


def test_details_are_requested_only_for_new_rows(tap: Tap, sandbox: Sandbox) -> None:
    options: Json = {"stream_options": {"products": {"details": True, "date_filter": []}}}
    first = tap.sync(streams=("products",), **options)
    before = sandbox.stats()["requests"]
    second = tap.sync(first.state, streams=("products",), **options)
    assert second.code == 0
    assert sandbox.stats()["requests"] - before == 1 + len(second.ids("products"))


def test_the_list_of_parents_survives_an_expired_cursor(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({"journeys": {"page_cap": 3, "cursor_expires_every": 2}})
    output = tap.sync(streams=("enrollments",))
    assert output.code == 0, output.log
    assert len(set(output.ids("enrollments"))) == sandbox.counts()["acme"]["enrollments"]


def test_a_409_does_not_change_the_verdict_on_the_filter(tap: Tap, sandbox: Sandbox) -> None:
    first = tap.sync(streams=("orders",))
    sandbox.configure({"orders": {"faults": [{"kind": "status", "status": 409, "times": 1}]}})
    second = tap.sync(first.state, streams=("orders",))
    assert second.code == 1
    assert second.bookmark("orders")["date_filter"]["verdict"] == "proven"


def test_a_state_is_not_written_for_every_parent(tap: Tap) -> None:
    output = tap.sync(streams=("enrollments",))
    assert len(output.of_type("STATE")) <= 3


def test_only_a_few_windows_are_read_at_a_time(tap: Tap, sandbox: Sandbox) -> None:
    """The oldest windows complete first, so a kill late in a backfill loses little progress."""
    sandbox.configure({"orders": {"latency_ms": 20}})
    since = (sandbox.now() - timedelta(days=720)).strftime("%Y-%m-%dT%H:%M:%SZ")
    stopped = tap.sync_and_stop(
        150, how=SIGTERM, streams=("orders",), start_date=since, window_days=5, concurrency=4
    )
    rows = sorted(row["updated_at"] for row in sandbox.truth("acme", "orders") if row["updated_at"] >= since)
    bookmark = stopped.bookmark("orders")["replication_key_value"]
    assert sum(date < bookmark for date in rows) >= 100


@pytest.mark.parametrize("content", ["{}", '{"streams": []}', "[]"])
def test_a_catalog_without_streams_is_rejected(tap: Tap, content: str) -> None:
    command = tap.command(catalog={})
    (tap.folder / "catalog.json").write_text(content)
    output = tap.run(command)
    assert output.code == 1
    assert "catalog: " in output.log


def test_a_stream_removed_by_a_map_activates_no_version(tap: Tap) -> None:
    output = tap.sync(catalog=full_table(tap, "customers"), stream_maps={"customers": None})
    assert output.of_type("ACTIVATE_VERSION") == []
    assert output.of_type("RECORD") == []


def test_the_replication_key_of_the_catalog_is_used(tap: Tap) -> None:
    catalog: dict[str, Any] = tap.catalog("orders")
    for entry in catalog["streams"]:
        if entry["stream"] == "orders":
            entry["replication_key"] = "placed_at"
    output = tap.sync(catalog=catalog)
    assert output.of_type("SCHEMA")[0]["bookmark_properties"] == ["placed_at"]
    assert output.bookmark("orders")["replication_key"] == "placed_at"
