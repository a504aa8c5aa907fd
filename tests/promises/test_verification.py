"""The date filter is used only while the rows agree with it, and no row is lost through it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from signal import SIGTERM
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Output, Tap

STREAM = "orders"


def verdict(output: Output) -> str:
    return str(output.bookmark(STREAM).get("date_filter", {}).get("verdict", "unproven"))


def days_ago(sandbox: Sandbox, days: float) -> str:
    return (sandbox.now() - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def due(sandbox: Sandbox, since: str, until: str = "9999") -> set[str]:
    return {row["id"] for row in sandbox.truth("acme", STREAM) if since <= row["updated_at"] < until}


SEMANTICS: list[dict[str, Any]] = [
    {},
    {"date_to": "exclusive"},
    {"zone": -720},
    {"zone": 840},
    {"zone": 840, "date_to": "exclusive"},
    {"zone": 330},
    {"date_filter": "ignored"},
    {"date_filter": "refused"},
    {"date_field": "created_at"},
    {"date_field": "placed_at"},
    {"date_field": "cancelled_at"},
]


@pytest.mark.parametrize("semantics", SEMANTICS, ids=str)
def test_a_backfill_and_the_next_sync_are_complete_whatever_the_filter_does(
    tap: Tap, sandbox: Sandbox, semantics: dict[str, Any]
) -> None:
    sandbox.configure({STREAM: semantics})
    since = days_ago(sandbox, 200)
    first = tap.sync(streams=(STREAM,), start_date=since, window_days=20)
    assert first.code == 0, first.log
    assert set(first.ids(STREAM)) == due(sandbox, since)

    proven = not {"date_filter", "date_field"} & set(semantics)
    assert (verdict(first) == "proven") == proven, first.log

    old = min(sandbox.truth("acme", STREAM), key=lambda row: str(row["created_at"]))["id"]
    sandbox.advance(5 * 86400)
    sandbox.put("acme", STREAM, old, status="refunded")
    second = tap.sync(first.state, streams=(STREAM,), start_date=since)
    assert second.code == 0, second.log
    assert second.ids(STREAM).count(old) == 1
    assert set(second.ids(STREAM)) <= {old} | due(sandbox, days_ago(sandbox, 6))


def test_an_unfiltered_first_read_proves_the_filter_for_the_next_sync(tap: Tap, sandbox: Sandbox) -> None:
    first = tap.sync(streams=(STREAM,))
    assert verdict(first) == "proven"
    before = sandbox.stats()["requests"]
    second = tap.sync(first.state, streams=(STREAM,))
    assert sandbox.stats()["requests"] - before == 1
    assert verdict(second) == "proven"


def test_a_filter_on_another_field_is_detected_and_remembered(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({STREAM: {"date_field": "created_at"}})
    first = tap.sync(streams=(STREAM,))
    assert verdict(first) != "proven"
    second = tap.sync(first.state, streams=(STREAM,))
    asked = sandbox.stats()["shops"]["acme"][STREAM]["queries"]
    assert "date_from" not in asked[-2]
    assert verdict(second) != "proven"


def test_a_proven_filter_that_changes_loses_no_row(tap: Tap, sandbox: Sandbox) -> None:
    first = tap.sync(streams=(STREAM,))
    assert verdict(first) == "proven"
    sandbox.configure({STREAM: {"date_field": "created_at"}})
    sandbox.advance(4 * 86400)  # no audit is due yet
    truth = sandbox.truth("acme", STREAM)
    oldest = min(truth, key=lambda row: str(row["created_at"]))["id"]
    newest = max(truth, key=lambda row: str(row["created_at"]))["id"]
    sandbox.put("acme", STREAM, oldest, status="refunded")
    sandbox.put("acme", STREAM, newest, updated_at="2020-01-01T00:00:00Z", created_at=days_ago(sandbox, 0))
    second = tap.sync(first.state, streams=(STREAM,))
    assert second.code == 0, second.log
    assert verdict(second) == "refuted"
    assert set(second.ids(STREAM)) == {row["id"] for row in truth}


def test_a_crash_in_a_backfill_does_not_prove_its_filter(tap: Tap, sandbox: Sandbox) -> None:
    """Windows read with a filter that turns out to be wrong are read again, even after a restart."""
    sandbox.configure({STREAM: {"date_field": "cancelled_at", "latency_ms": 50}})
    since = days_ago(sandbox, 400)
    config: dict[str, Any] = {"start_date": since, "window_days": 10}
    stopped = tap.sync_and_stop(4, streams=(STREAM,), **config)
    again = tap.sync(stopped.state, streams=(STREAM,), **config)
    assert set(stopped.ids(STREAM)) | set(again.ids(STREAM)) >= due(sandbox, since)


def test_rows_without_a_readable_replication_key_are_always_emitted(tap: Tap, sandbox: Sandbox) -> None:
    for kind in ("null_replication_key", "bad_replication_key"):
        sandbox.configure({STREAM: {"rows": [{"kind": kind, "every": 10}]}})
        output = tap.sync(streams=(STREAM,))
        assert set(output.ids(STREAM)) == due(sandbox, "")


def test_a_row_dated_in_the_future_does_not_move_the_bookmark(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({STREAM: {"rows": [{"kind": "future", "every": 10}]}})
    output = tap.sync(streams=(STREAM,))
    assert set(output.ids(STREAM)) == due(sandbox, "")
    assert output.bookmark(STREAM)["replication_key_value"] <= days_ago(sandbox, 0)


@pytest.mark.parametrize("offset", [-3600, 3600])
def test_bookmarks_follow_the_servers_clock(tap: Tap, sandbox: Sandbox, offset: int) -> None:
    sandbox.configure({"*": {"clock_offset_s": offset}})
    output = tap.sync(streams=(STREAM,))
    value = datetime.fromisoformat(output.bookmark(STREAM)["replication_key_value"])
    expected = datetime.now(UTC) + timedelta(seconds=offset)
    assert abs(value - expected) < timedelta(seconds=90)


@pytest.mark.parametrize(("ahead", "again"), [(0.5, False), (3, True)])
def test_a_bookmark_in_the_future_is_moved_back(
    tap: Tap, sandbox: Sandbox, ahead: float, again: bool
) -> None:
    first = tap.sync(streams=(STREAM,))
    state = first.state
    entry = state["bookmarks"][STREAM]["partitions"][0]
    entry["replication_key_value"] = days_ago(sandbox, -ahead)
    second = tap.sync(state, streams=(STREAM,))
    assert second.code == 0
    assert second.bookmark(STREAM)["replication_key_value"] <= days_ago(sandbox, 0)
    assert ("the bookmark lies in the future" in second.log) == again
    assert (set(second.ids(STREAM)) == due(sandbox, "")) == again


def test_an_interrupted_unfiltered_read_continues_from_its_cursor(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.configure({STREAM: {"page_cap": 20, "latency_ms": 20}})
    stopped = tap.sync_and_stop(2, how=SIGTERM, streams=(STREAM,))
    place = stopped.bookmark(STREAM)["reading"]
    before = len(sandbox.stats()["shops"]["acme"][STREAM]["queries"])
    again = tap.sync(stopped.state, streams=(STREAM,))
    asked = sandbox.stats()["shops"]["acme"][STREAM]["queries"][before]
    assert dict(parse_qsl(asked))["cursor"] == place["cursor"]
    assert again.bookmark(STREAM)["replication_key_value"] == place["began"]
    assert "reading" not in again.bookmark(STREAM)
    assert sorted([*stopped.ids(STREAM), *again.ids(STREAM)]) == sorted(due(sandbox, ""))
    place["cursor"] = "stale"
    fresh = tap.sync(stopped.state, streams=(STREAM,))
    assert set(fresh.ids(STREAM)) == due(sandbox, "")
