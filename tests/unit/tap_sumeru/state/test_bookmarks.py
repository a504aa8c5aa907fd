"""Bookmarks: kept in the SDK's shape, changed by a read on a copy, and committed once rows are written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.timestamps import Precision
from tap_sumeru.state.bookmarks import Bookmark, Bookmarks, Entry, Verdict, outdated_by
from tap_sumeru.state.read_position import ReadPosition

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
NAMES = ("filter[date_from]", "filter[date_to]")


def saved(bookmark: Bookmark) -> Entry:
    """Return the partition as the state holds it once the bookmark is committed."""
    entry = bookmark.snapshot()
    assert entry is not None
    return entry


def commit(bookmarks: Bookmarks, shop: str, change: Callable[[Bookmark], None]) -> bool:
    """Change the bookmark of a shop's orders as a read does; return whether it moved."""
    bookmark = Bookmark(bookmarks.entry("orders", shop), "updated_at", NAMES)
    change(bookmark)
    return bookmarks.commit("orders", shop, saved(bookmark))


def advance(bookmark: Bookmark) -> None:
    bookmark.advance(NOON, NOON)


def prove(bookmark: Bookmark) -> None:
    bookmark.verdict = Verdict.PROVEN


def test_a_bookmark_is_kept_in_the_shape_of_the_sdk() -> None:
    state: dict[str, Any] = {}
    commit(Bookmarks(state), "acme", advance)
    assert state == {
        "bookmarks": {
            "orders": {
                "partitions": [
                    {
                        "context": {"shop": "acme"},
                        "replication_key": "updated_at",
                        "replication_key_value": "2026-05-10T12:00:00Z",
                        "start_date": "0001-01-01T00:00:00Z",
                    }
                ]
            }
        }
    }


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=1), st.datetimes(timezones=st.just(UTC)))
def test_a_bookmark_moves_forward_only_and_never_past_the_present(
    moves: list[datetime], now: datetime
) -> None:
    bookmark = Bookmark({}, "updated_at", NAMES)
    highest = None
    for move in moves:
        bookmark.advance(move, now)
        highest = min(move, now) if highest is None else max(highest, min(move, now))
        assert bookmark.value == highest


def test_a_bookmark_in_the_future_moves_back() -> None:
    bookmark = Bookmark({"replication_key_value": "2026-05-11T00:00:00Z"}, "updated_at", NAMES)
    bookmark.advance(NOON, NOON)
    assert bookmark.value == NOON


@pytest.mark.parametrize("precision", list(Precision))
def test_a_bookmark_keeps_the_distance_of_its_precision(precision: Precision) -> None:
    bookmark = Bookmark({}, "updated_at", NAMES)
    bookmark.advance(NOON, NOON)
    bookmark.unproven_from = NOON
    coarser = precision is not Precision.SECOND
    assert bookmark.learn_precision(precision) is coarser
    assert bookmark.value == bookmark.unproven_from == NOON - precision.distance
    assert not bookmark.learn_precision(precision), "it is known already"
    assert not bookmark.learn_precision(Precision.SECOND), "the coarsest counts"
    later = NOON + timedelta(days=3)
    bookmark.advance(later, later)
    assert bookmark.value == later - precision.distance
    bookmark.advance(NOON, later)
    assert bookmark.value == later - precision.distance
    assert Bookmark(saved(bookmark), "updated_at", NAMES).precision is precision


def test_an_earlier_start_makes_the_bookmark_useless_and_a_later_one_does_not() -> None:
    bookmark = Bookmark({}, "updated_at", NAMES, start=NOON)
    bookmark.value = NOON + timedelta(days=9)
    entry = saved(bookmark)
    assert outdated_by(entry, "updated_at", start=NOON) == ""
    later = Bookmark(entry, "updated_at", NAMES, start=NOON + timedelta(days=1))
    assert saved(later)["start_date"] == "2026-05-10T12:00:00Z"
    assert outdated_by(entry, "updated_at", start=NOON + timedelta(days=1)) == ""
    for start in (None, NOON - timedelta(days=1)):
        assert outdated_by(entry, "updated_at", start=start) == "start_date"
        assert Bookmark(entry, "updated_at", NAMES, start=start).value is None
    del entry["start_date"]  # as an older version wrote it
    assert outdated_by(entry, "updated_at", start=NOON - timedelta(days=1)) == ""


def test_what_is_read_again_from_a_later_start_counts_from_there() -> None:
    bookmark = Bookmark({}, "updated_at", NAMES, start=NOON)
    bookmark.value = NOON + timedelta(days=9)
    later = Bookmark(saved(bookmark), "updated_at", NAMES, start=NOON + timedelta(days=1))
    later.forget()
    later.value = NOON + timedelta(days=9)
    assert saved(later)["start_date"] == "2026-05-11T12:00:00Z"


def test_a_bookmark_survives_the_state_file() -> None:
    bookmark = Bookmark({}, "updated_at", NAMES)
    bookmark.value = NOON
    bookmark.verdict = Verdict.PROVEN
    bookmark.unproven_from = NOON - timedelta(days=1)
    bookmark.position = ReadPosition(NOON, None, "query", "cursor", "after")
    again = Bookmark(json.loads(json.dumps(saved(bookmark))), "updated_at", NAMES)
    assert (again.value, again.verdict, again.unproven_from, again.position) == (
        NOON,
        Verdict.PROVEN,
        NOON - timedelta(days=1),
        ReadPosition(NOON, None, "query", "cursor", "after"),
    )
    again.position = again.unproven_from = None
    assert (again.position, again.unproven_from) == (None, None)


def test_another_replication_key_starts_anew() -> None:
    bookmark = Bookmark({"context": {"shop": "acme"}}, "updated_at", NAMES)
    bookmark.value = bookmark.unproven_from = NOON
    bookmark.verdict = Verdict.PROVEN
    bookmark.position = ReadPosition(NOON, NOON, "query")
    entry = saved(bookmark)
    assert outdated_by(entry, "created_at") == "replication_key"
    other = Bookmark(entry, "created_at", NAMES)
    assert saved(other) == {"context": {"shop": "acme"}, "replication_key": "created_at"}


def test_only_the_loss_of_what_was_read_counts_as_outdated() -> None:
    known: Entry = {"replication_key": "updated_at", "unproven_from": "2026-05-10T12:00:00Z"}
    assert outdated_by(known, "created_at") == ""
    started = {**known, "reading": {"began": "2026-05-10T12:00:00Z"}}
    assert outdated_by(started, "created_at") == "replication_key"


def test_a_bookmark_without_a_replication_key_belongs_to_the_streams_own() -> None:
    bookmark = Bookmark({"replication_key_value": "2026-05-10T12:00:00Z"}, "updated_at", NAMES)
    assert bookmark.value == NOON
    assert saved(bookmark)["replication_key"] == "updated_at"


@pytest.mark.parametrize("word", ["unproven", "plausible", "proven", "refuted"])
def test_a_verdict_is_kept_as_a_word(word: str) -> None:
    bookmark = Bookmark({}, "updated_at", NAMES)
    bookmark.verdict = Verdict(word)
    entry = saved(bookmark)
    kept = {"verdict": word, "names": list(NAMES)}
    assert entry.get("date_filter") == (None if word == "unproven" else kept)
    assert Bookmark(entry, "updated_at", NAMES).verdict.value == word


def test_a_verdict_on_another_filter_says_nothing() -> None:
    bookmark = Bookmark({}, "updated_at", NAMES)
    bookmark.verdict = Verdict.PROVEN
    entry = saved(bookmark)
    assert Bookmark(entry, "updated_at", NAMES).verdict is Verdict.PROVEN
    assert Bookmark(entry, "updated_at", ("from", "to")).verdict is Verdict.UNPROVEN
    assert Bookmark(entry, "updated_at", None).verdict is Verdict.UNPROVEN


def test_an_empty_bookmark_knows_nothing() -> None:
    bookmark = Bookmark({}, "updated_at", None)
    assert (bookmark.value, bookmark.verdict, bookmark.unproven_from, bookmark.position) == (
        None,
        Verdict.UNPROVEN,
        None,
        None,
    )
    bookmark.value = bookmark.unproven_from = bookmark.position = None
    assert saved(bookmark) == {"replication_key": "updated_at"}


def test_parents_that_were_skipped_are_remembered_until_they_answer_and_without_their_ids() -> None:
    bookmark = Bookmark({}, "updated_at", NAMES)
    for parent in ("jrn_1", "jrn_\ud83d", "jrn_3"):
        bookmark.skip(parent)
    bookmark.answered("jrn_3")
    entry = json.loads(json.dumps(saved(bookmark)))
    assert "jrn" not in str(entry)
    again = Bookmark(entry, "updated_at", NAMES)
    found = [again.has_skipped(parent) for parent in ("jrn_1", "jrn_\ud83d", "jrn_3", "jrn_4")]
    assert found == [True, True, False, False]
    assert not Bookmark(entry, "created_at", NAMES).has_skipped("jrn_1"), "everything is read anyway"
    again.answered("jrn_1")
    again.answered("jrn_\ud83d")
    assert "skipped" not in saved(again)


def test_other_filters_start_anew_but_keep_what_is_known_about_the_date_filter() -> None:
    bookmark = Bookmark({}, "updated_at", NAMES, "loyal")
    bookmark.value, bookmark.verdict = NOON, Verdict.PROVEN
    bookmark.position = ReadPosition(NOON, None, "query", "cursor")
    entry = saved(bookmark)
    same = Bookmark(entry, "updated_at", NAMES, "loyal")
    assert (outdated_by(entry, "updated_at", "loyal"), same.value) == ("", NOON)
    other = Bookmark(entry, "updated_at", NAMES)
    assert outdated_by(entry, "updated_at") == "filters"
    assert (other.value, other.position) == (None, None)
    assert other.verdict is Verdict.PROVEN
    assert outdated_by(saved(other), "updated_at") == ""


def test_a_read_changes_the_state_only_when_its_snapshot_is_committed() -> None:
    state: dict[str, Any] = {}
    bookmarks = Bookmarks(state)
    commit(bookmarks, "acme", advance)
    before = json.dumps(state)
    bookmark = Bookmark(bookmarks.entry("orders", "acme"), "updated_at", NAMES)
    bookmark.value, bookmark.verdict = NOON + timedelta(days=1), Verdict.REFUTED
    bookmark.position = ReadPosition(NOON, None, "query", "cursor")
    snapshot = bookmark.snapshot()
    bookmark.position = None
    assert json.dumps(state) == before
    assert snapshot is not None
    bookmarks.commit("orders", "acme", snapshot)
    (entry,) = state["bookmarks"]["orders"]["partitions"]
    assert entry["replication_key_value"] == "2026-05-11T12:00:00Z"
    assert entry["reading"]["cursor"] == "cursor", "what was changed after the snapshot is not in it"


def test_there_is_a_snapshot_only_if_the_bookmark_has_changed_since_the_last() -> None:
    bookmark = Bookmark({"replication_key": "updated_at"}, "updated_at", NAMES)
    assert bookmark.snapshot() is not None, "the first says what the read starts from"
    assert bookmark.snapshot() is None
    changes: list[tuple[str, object]] = [
        ("value", NOON), ("verdict", Verdict.PROVEN), ("unproven_from", NOON),
        ("position", ReadPosition(NOON, None, "query")), ("value", None), ("position", None),
        ("last_audit", NOON), ("filtered_from", NOON), ("not_unique", ("date",)),
        ("precision", Precision.DAY),
    ]  # fmt: skip
    for name, value in changes:
        setattr(bookmark, name, value)
        assert bookmark.snapshot() is not None, name
        setattr(bookmark, name, value)
        assert bookmark.snapshot() is None, name
    for change in (bookmark.skip, bookmark.answered):
        change("jrn_1")
        assert bookmark.snapshot() is not None, change
        assert bookmark.snapshot() is None, change


def test_a_commit_says_whether_the_bookmark_moved() -> None:
    bookmarks = Bookmarks({})
    assert not commit(bookmarks, "acme", prove)
    assert commit(bookmarks, "acme", advance)
    assert not commit(bookmarks, "acme", advance)
    assert commit(bookmarks, "globex", advance), "a new partition with a bookmark"


def test_bookmarks_are_found_by_stream_and_shop_and_others_stay() -> None:
    known = {
        "context": {"shop": "acme"},
        "replication_key": "updated_at",
        "replication_key_value": "2026-05-10T12:00:00Z",
    }
    state: dict[str, Any] = {"bookmarks": {"orders": {"partitions": [known]}, "customers": {}}}
    before = dict(known)
    bookmarks = Bookmarks(state)
    assert bookmarks.entry("orders", "acme") == known
    assert bookmarks.entry("orders", "globex") == {"context": {"shop": "globex"}}
    assert bookmarks.entry("customers", "acme") == {"context": {"shop": "acme"}}
    assert len(state["bookmarks"]["orders"]["partitions"]) == 1, "to look is not to add"
    commit(bookmarks, "globex", advance)
    commit(bookmarks, "globex", prove)
    entry = bookmarks.entry("orders", "globex")
    assert Bookmark(entry, "updated_at", NAMES).value == NOON
    assert Bookmark(entry, "updated_at", NAMES).verdict is Verdict.PROVEN
    assert Bookmark(entry, "updated_at", None).verdict is Verdict.UNPROVEN
    assert outdated_by(entry, "updated_at", "paid") == "filters"
    shops = [one["context"]["shop"] for one in state["bookmarks"]["orders"]["partitions"]]
    assert shops == ["acme", "globex"]
    assert state["bookmarks"]["orders"]["partitions"][0] == before
