"""`state`: bookmarks in the SDK's shape, and a clear word about what cannot be one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.state.bookmarks import Bookmark, Bookmarks, ReadPosition, Verdict

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
NAMES = ("filter[date_from]", "filter[date_to]")


def test_a_bookmark_stands_in_the_state_as_the_sdk_has_it() -> None:
    whole: dict[str, Any] = {}
    Bookmarks(whole).of("orders", "acme", "updated_at", NAMES).advance(NOON, NOON)
    assert whole == {
        "bookmarks": {
            "orders": {
                "partitions": [
                    {
                        "context": {"shop": "acme"},
                        "replication_key": "updated_at",
                        "replication_key_value": "2026-05-10T12:00:00Z",
                    }
                ]
            }
        }
    }


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=1), st.datetimes(timezones=st.just(UTC)))
def test_a_bookmark_only_moves_forward_and_never_past_the_present(
    moves: list[datetime], now: datetime
) -> None:
    bookmark = Bookmark({}, "updated_at", NAMES)
    highest = None
    for move in moves:
        bookmark.advance(move, now)
        highest = min(move, now) if highest is None else max(highest, min(move, now))
        assert bookmark.value == highest


def test_a_bookmark_in_the_future_is_brought_back() -> None:
    bookmark = Bookmark({"replication_key_value": "2026-05-11T00:00:00Z"}, "updated_at", NAMES)
    bookmark.advance(NOON, NOON)
    assert bookmark.value == NOON


def test_everything_about_a_bookmark_survives_the_state_file() -> None:
    entry: dict[str, Any] = {}
    bookmark = Bookmark(entry, "updated_at", NAMES)
    bookmark.value = NOON
    bookmark.verdict = Verdict.PROVEN
    bookmark.unproven_from = NOON - timedelta(days=1)
    bookmark.place = ReadPosition(NOON, None, "query", "cursor", "after")
    again = Bookmark(dict(entry), "updated_at", NAMES)
    assert (again.value, again.verdict, again.unproven_from, again.place) == (
        NOON,
        Verdict.PROVEN,
        NOON - timedelta(days=1),
        ReadPosition(NOON, None, "query", "cursor", "after"),
    )
    again.place = again.unproven_from = None
    assert (again.place, again.unproven_from) == (None, None)


def test_another_replication_key_starts_anew() -> None:
    entry: dict[str, Any] = {"context": {"shop": "acme"}}
    bookmark = Bookmark(entry, "updated_at", NAMES)
    bookmark.value = bookmark.unproven_from = NOON
    bookmark.verdict = Verdict.PROVEN
    bookmark.place = ReadPosition(NOON, NOON, "query")
    assert Bookmark(entry, "created_at", NAMES).outdated_by == "replication_key"
    assert entry == {"context": {"shop": "acme"}, "replication_key": "created_at"}


def test_only_the_loss_of_something_read_is_told() -> None:
    known: dict[str, Any] = {"replication_key": "updated_at", "unproven_from": "2026-05-10T12:00:00Z"}
    assert Bookmark(dict(known), "created_at", NAMES).outdated_by == ""
    begun = {**known, "reading": {"began": "2026-05-10T12:00:00Z"}}
    assert Bookmark(begun, "created_at", NAMES).outdated_by == "replication_key"


def test_a_bookmark_without_a_replication_key_is_taken_for_one_of_the_stream() -> None:
    entry = {"replication_key_value": "2026-05-10T12:00:00Z"}
    assert Bookmark(entry, "updated_at", NAMES).value == NOON
    assert entry["replication_key"] == "updated_at"


@pytest.mark.parametrize("word", ["unproven", "proven", "refuted"])
def test_a_verdict_is_kept_in_a_word(word: str) -> None:
    entry: dict[str, Any] = {}
    Bookmark(entry, "updated_at", NAMES).verdict = Verdict(word)
    assert entry["date_filter"] == {"verdict": word, "names": list(NAMES)}
    assert Bookmark(entry, "updated_at", NAMES).verdict.value == word


def test_a_verdict_on_another_filter_says_nothing() -> None:
    entry: dict[str, Any] = {}
    Bookmark(entry, "updated_at", NAMES).verdict = Verdict.PROVEN
    assert Bookmark(entry, "updated_at", NAMES).verdict is Verdict.PROVEN
    assert Bookmark(entry, "updated_at", ("from", "to")).verdict is Verdict.UNPROVEN
    assert Bookmark(entry, "updated_at", None).verdict is Verdict.UNPROVEN


def test_an_empty_bookmark_knows_nothing() -> None:
    entry: dict[str, Any] = {}
    bookmark = Bookmark(entry, "updated_at", None)
    assert (bookmark.value, bookmark.verdict, bookmark.unproven_from, bookmark.place) == (
        None,
        Verdict.UNPROVEN,
        None,
        None,
    )
    bookmark.value = bookmark.unproven_from = bookmark.place = None
    assert entry == {"replication_key": "updated_at"}


def test_a_place_is_kept_without_what_it_lacks() -> None:
    entry: dict[str, Any] = {}
    bookmark = Bookmark(entry, "updated_at", NAMES)
    bookmark.place = ReadPosition(NOON, None, "query")
    assert entry["reading"] == {"began": "2026-05-10T12:00:00Z", "query": "query"}
    assert bookmark.place == ReadPosition(NOON, None, "query", None, None)
    bookmark.place = ReadPosition(NOON, NOON - timedelta(hours=1), "query", "cursor", "after")
    assert entry["reading"] == {
        "began": "2026-05-10T12:00:00Z",
        "since": "2026-05-10T11:00:00Z",
        "query": "query",
        "cursor": "cursor",
        "after": "after",
    }
    assert bookmark.place == ReadPosition(NOON, NOON - timedelta(hours=1), "query", "cursor", "after")


def test_a_place_that_names_no_query_is_one_of_no_query() -> None:
    entry = {"reading": {"began": "2026-05-10T12:00:00Z", "cursor": "cursor"}}
    assert Bookmark(entry, "updated_at", NAMES).place == ReadPosition(NOON, None, "", "cursor")


def test_other_filters_start_anew_and_say_so_but_leave_what_is_known_of_the_date_filter() -> None:
    entry: dict[str, Any] = {}
    bookmark = Bookmark(entry, "updated_at", NAMES, "loyal")
    bookmark.value, bookmark.verdict = NOON, Verdict.PROVEN
    bookmark.place = ReadPosition(NOON, None, "query", "cursor")
    same = Bookmark(dict(entry), "updated_at", NAMES, "loyal")
    assert (same.outdated_by, same.value) == ("", NOON)
    other = Bookmark(entry, "updated_at", NAMES)
    assert (other.outdated_by, other.value, other.place) == ("filters", None, None)
    assert other.verdict is Verdict.PROVEN
    assert Bookmark(entry, "updated_at", NAMES).outdated_by == ""


def test_bookmarks_are_found_by_stream_and_shop_and_the_others_stay() -> None:
    known = {
        "context": {"shop": "acme"},
        "replication_key": "updated_at",
        "replication_key_value": "2026-05-10T12:00:00Z",
    }
    whole: dict[str, Any] = {"bookmarks": {"orders": {"partitions": [known]}, "customers": {}}}
    before = dict(known)
    bookmarks = Bookmarks(whole)
    assert bookmarks.of("orders", "acme", "updated_at", NAMES).value == NOON
    assert bookmarks.of("orders", "globex", "updated_at", NAMES).value is None
    assert bookmarks.of("customers", "acme", "updated_at", NAMES).value is None
    bookmarks.of("orders", "globex", "updated_at", NAMES).advance(NOON, NOON)
    bookmarks.of("orders", "globex", "updated_at", NAMES).verdict = Verdict.PROVEN
    assert bookmarks.of("orders", "globex", "updated_at", NAMES).verdict is Verdict.PROVEN
    assert bookmarks.of("orders", "globex", "updated_at", None).verdict is Verdict.UNPROVEN
    assert bookmarks.of("orders", "globex", "updated_at", NAMES, "paid").outdated_by == "filters"
    shops = [entry["context"]["shop"] for entry in whole["bookmarks"]["orders"]["partitions"]]
    assert shops == ["acme", "globex"]
    assert whole["bookmarks"]["orders"]["partitions"][0] == before
