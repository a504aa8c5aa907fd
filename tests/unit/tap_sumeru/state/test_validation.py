"""State validation: a state that this tap cannot have written is rejected with the reason."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.timestamps import Precision
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.errors import StateError
from tap_sumeru.state.bookmarks import Bookmark, Bookmarks, Verdict
from tap_sumeru.state.read_position import ReadPosition
from tap_sumeru.state.unknown_parts import unknown_parts
from tap_sumeru.state.validation import validate

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
NAMES = ("filter[date_from]", "filter[date_to]")


SHOPS = {"acme", "a"}


def partitions(*entries: object) -> dict[str, Any]:
    return {"bookmarks": {"orders": {"partitions": list(entries)}}}


def partition(**more: Any) -> dict[str, Any]:
    return partitions({"context": {"shop": "acme"}, **more})


def reading(**more: Any) -> dict[str, Any]:
    return partition(reading={"began": "2026-01-01T00:00:00Z", "query": "q", **more})


def verdict(**more: Any) -> dict[str, Any]:
    return partition(date_filter={"verdict": "proven", "names": ["from", "to"], **more})


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"bookmarks": {}},
        {"bookmarks": {"orders": {}}},
        {"bookmarks": {"orders": {"partitions": []}}},
        {"bookmarks": {name: {} for name in STREAMS}},
        partition(),
        partition(replication_key="updated_at", replication_key_value="2026-01-01T00:00:00Z"),
        partition(replication_key_value="2026-01-01", unproven_from="2025-01-01T00:00:00+02:00"),
        reading(),
        reading(since="2026-01-01T00:00:00Z", cursor="c", after="a", limit="50"),
        partition(skipped=["0f8fad5b"]),
        *(verdict(verdict=one.value) for one in Verdict),
        verdict(names=[]),
        partition(filters="0123abcd"),
        partition(not_unique=["date"]),
        partition(start_date="0001-01-01T00:00:00Z", precision="day"),
        partition(last_audit="2026-01-01T00:00:00Z", filtered_from="2026-01-01T00:00:00Z"),
    ],
)
def test_a_valid_state_passes(good: dict[str, Any]) -> None:
    validate(good, SHOPS)


def test_a_state_that_bookmarks_have_written_is_valid() -> None:
    state: dict[str, Any] = {}
    for names in (NAMES, None):
        bookmarks = Bookmarks(state)
        bookmark = Bookmark(bookmarks.entry("orders", "acme"), "updated_at", names, "0123abcd")
        bookmark.value = bookmark.unproven_from = bookmark.last_audit = bookmark.filtered_from = NOON
        bookmark.precision = Precision.LOCAL
        bookmark.verdict = Verdict.REFUTED
        bookmark.not_unique = ("order_id", "model")
        bookmark.position = ReadPosition(NOON, NOON, "query", "cursor", "after")
        bookmarks.commit("orders", "acme", bookmark.snapshot() or {})
        validate(state, SHOPS)
        assert list(unknown_parts(state, SHOPS, "default")) == []


ORDERS = r"^state of orders: "
ACME = r"^state of orders, shop acme"


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        ([], r"^state: must be a JSON object"),
        ("state", r"^state: must be a JSON object"),
        ({"orders": {"partitions": []}}, r"^state: has no `bookmarks`"),
        ({"bookmarks": []}, r"^state: has no `bookmarks`"),
        ({"a": {"b": {"c": partition()}}}, r"^state: has no `bookmarks`"),
        ({"bookmarks": None}, r"^state: has no `bookmarks`"),
        ({"bookmarks": {"orders": []}}, ORDERS + "must be an object"),
        ({"bookmarks": {"orders": None}}, ORDERS + "must be an object"),
        ({"bookmarks": {"orders": "2026-01-01"}}, ORDERS + "must be an object"),
        ({"bookmarks": {"orders": {"partitions": {}}}}, ORDERS + "`partitions` must be a list"),
        ({"bookmarks": {"orders": {"partitions": None}}}, ORDERS + "`partitions` must be a list"),
        (partitions({}), ORDERS + r"`partitions\[0\]\.context\.shop` must be a string"),
        (partitions("acme"), ORDERS + r"`partitions\[0\]\.context\.shop` must be a string"),
        (partitions({"context": []}), ORDERS + r"`partitions\[0\]\.context\.shop` must be a string"),
        (partitions({"context": {}}), ORDERS + r"`partitions\[0\]\.context\.shop` must be a string"),
        (partitions({"context": {"shop": 1}}), ORDERS + r"`partitions\[0\]\.context\.shop` must be a string"),
        (
            {"bookmarks": {"orders": {"partitions": [{"context": {"shop": "a"}}] * 2}}},
            ORDERS + "shop a has two",
        ),
        (
            {"bookmarks": {"orders": {"replication_key_value": "2026-01-01"}}},
            ORDERS + "the bookmark has no shop",
        ),
        (partition(replication_key=None), ACME + ": `replication_key` must be a string"),
        (partition(replication_key=["updated_at"]), ACME + ": `replication_key` must be a string"),
        (partition(filters=5), ACME + ": `filters` must be a string"),
        (partition(replication_key_value="soon"), ACME + ": `replication_key_value` must be a timestamp"),
        (partition(replication_key_value=1767225600), ACME + ": `replication_key_value` must be a timestamp"),
        (partition(replication_key_value=None), ACME + ": `replication_key_value` must be a timestamp"),
        (partition(not_unique="date"), ACME + ": `not_unique` must be a list"),
        (partition(last_audit="soon"), ACME + ": `last_audit` must be a timestamp"),
        (partition(filtered_from=True), ACME + ": `filtered_from` must be a timestamp"),
        (partition(start_date=None), ACME + ": `start_date` must be a timestamp"),
        (partition(precision=1), ACME + ": `precision` must be a string"),
        (partition(unproven_from="soon"), ACME + ": `unproven_from` must be a timestamp"),
        (partition(reading=None), ACME + ": `reading` must be an object"),
        (partition(date_filter=None), ACME + ": `date_filter` must be an object"),
        (partition(reading=[]), ACME + ": `reading` must be an object"),
        (partition(reading={}), ACME + r": `reading\.began` must be a timestamp"),
        (reading(began="soon"), ACME + r": `reading\.began` must be a timestamp"),
        (reading(since=5), ACME + r": `reading\.since` must be a timestamp"),
        (partition(reading={"began": "2026-01-01"}), ACME + r": `reading\.query` must be a string"),
        (reading(query=5), ACME + r": `reading\.query` must be a string"),
        (reading(cursor=5), ACME + r": `reading\.cursor` must be a string"),
        (reading(limit=50), ACME + r": `reading\.limit` must be a string"),
        (partition(skipped=[1]), ACME + ": `skipped` must be a string"),
        (reading(after=None), ACME + r": `reading\.after` must be a string"),
        (partition(date_filter="proven"), ACME + ": `date_filter` must be an object"),
        (verdict(verdict=["proven"]), ACME + r": `date_filter\.verdict` must be a string"),
        (verdict(names="from"), ACME + r": `date_filter\.names` must be a list"),
        (verdict(names=["from", 5]), ACME + r": `date_filter\.names` must be a string"),
    ],
)
def test_a_damaged_state_is_rejected_with_the_place_of_the_damage(damaged: object, message: str) -> None:
    with pytest.raises(StateError, match=message):
        validate(damaged, SHOPS)


@pytest.mark.parametrize(
    ("newer", "named"),
    [
        ({"bookmarks": {}, "orders": {}}, "orders"),
        ({"bookmarks": {"order": {}}}, "order"),
        ({"bookmarks": {"order": "2026"}}, "order"),
        # As a tap without partitions leaves it when it is killed.
        ({"bookmarks": {"orders": {"progress_markers": {}}}}, "orders.progress_markers"),
        (
            {"bookmarks": {"orders": {"starting_replication_value": None}}},
            "orders.starting_replication_value",
        ),
        ({"bookmarks": {"jane@example.com": {}}}, "[e-mail]"),
        (partition(progress_markers={}), "orders.progress_markers"),
        (partitions({"context": {"shop": "acme", "journey_id": "j"}}), "orders.context.journey_id"),
        (reading(page=5), "orders.reading.page"),
        (verdict(verdict="certain"), "orders.date_filter.verdict"),
        (verdict(by="hand"), "orders.date_filter.by"),
    ],
)
def test_what_a_newer_version_may_have_written_is_named(newer: dict[str, Any], named: str) -> None:
    before = json.dumps(newer)
    validate(newer, SHOPS)
    (line,) = unknown_parts(newer, SHOPS, "default")
    assert f"does not know: {named}. They are passed through unchanged" in line
    Bookmark(Bookmarks(newer).entry("orders", "acme"), "updated_at", NAMES)
    assert json.dumps(newer) == before


@pytest.mark.parametrize(
    "foreign", [{"replication_key_value": None}, {"reading": []}, {"date_filter": {"verdict": 5}}, {"x": {}}]
)
def test_partitions_of_other_shops_are_not_checked(foreign: dict[str, Any]) -> None:
    validate(partitions({"context": {"shop": "globex"}, **foreign}), SHOPS)
    validate(partitions({"context": {"shop": "acme", "region": "eu"}, **foreign}), SHOPS)
    behind = {"context": {"shop": "acme"}, "replication_key_value": None}
    with pytest.raises(StateError, match="acme"):
        validate(partitions({"context": {"shop": "globex"}, **foreign}, behind), SHOPS)


@pytest.mark.parametrize(
    ("wrapped", "where"),
    [
        ({"type": "STATE", "value": partition()}, "value"),
        ({"value": {"bookmarks": {}}}, "value"),
        ({"singer_state": partition()}, "singer_state"),
        ({"completed": {"singer_state": partition()}, "partial": {}}, "completed.singer_state"),
        ({"version": 1, "message": {"type": "STATE", "value": partition()}}, "message.value"),
        ({"completed": {}, "partial": {"singer_state": partition()}}, "partial.singer_state"),
        ({"bookmarks": {"bookmarks": {}}, "value": partition()}, "value"),
    ],
)
def test_a_wrapped_state_is_rejected_with_what_to_pass(wrapped: dict[str, Any], where: str) -> None:
    with pytest.raises(StateError, match=rf"^state: the bookmarks are inside `{re.escape(where)}`\."):
        validate(wrapped, SHOPS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("2026-01-01"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["bookmarks", "orders", "partitions", "context", "shop", "reading", "began", "value"]
            )
            | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
)


@given(JSON)
def test_any_content_is_valid_or_rejected(content: object) -> None:
    try:
        validate(content, SHOPS)
    except StateError:
        return
    assert isinstance(content, dict)
    Bookmark(Bookmarks(content).entry("orders", "acme"), "updated_at", NAMES)
