"""`state`: bookmarks in the SDK's shape, and a clear word about what cannot be one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru import state
from tap_sumeru.errors import StateError
from tap_sumeru.state import Bookmark, Bookmarks, Place, Verdict

UTC = timezone.utc
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
    bookmark.place = Place(NOON, None, "query", "cursor", "after")
    again = Bookmark(dict(entry), "updated_at", NAMES)
    assert (again.value, again.verdict, again.unproven_from, again.place) == (
        NOON,
        Verdict.PROVEN,
        NOON - timedelta(days=1),
        Place(NOON, None, "query", "cursor", "after"),
    )
    again.place = again.unproven_from = None
    assert (again.place, again.unproven_from) == (None, None)


def test_another_replication_key_or_filter_starts_anew() -> None:
    entry: dict[str, Any] = {}
    bookmark = Bookmark(entry, "updated_at", NAMES)
    bookmark.value, bookmark.verdict = NOON, Verdict.PROVEN
    assert Bookmark(dict(entry), "updated_at", ("from", "to")).verdict is Verdict.UNPROVEN
    other = Bookmark(entry, "created_at", NAMES)
    assert (other.value, other.verdict) == (None, Verdict.UNPROVEN)


def test_other_filters_start_anew_and_say_so_but_leave_what_is_known_of_the_date_filter() -> None:
    entry: dict[str, Any] = {}
    bookmark = Bookmark(entry, "updated_at", NAMES, "loyal")
    bookmark.value, bookmark.verdict = NOON, Verdict.PROVEN
    bookmark.place = Place(NOON, None, "query", "cursor")
    same = Bookmark(dict(entry), "updated_at", NAMES, "loyal")
    assert (same.outdated_by, same.value) == ("", NOON)
    other = Bookmark(entry, "updated_at", NAMES)
    assert (other.outdated_by, other.value, other.place) == ("filters", None, None)
    assert other.verdict is Verdict.PROVEN
    assert Bookmark(entry, "updated_at", NAMES).outdated_by == ""


def partition(**more: Any) -> dict[str, Any]:
    return {"bookmarks": {"orders": {"partitions": [{"context": {"shop": "acme"}, **more}]}}}


@pytest.mark.parametrize("good", [{}, {"bookmarks": {}}, {"bookmarks": {"orders": {}}}, partition()])
def test_a_sound_state_passes(good: dict[str, Any]) -> None:
    state.check(good)


@pytest.mark.parametrize(
    "damaged",
    [
        [],
        "state",
        {"value": {"bookmarks": {}}},
        {"bookmarks": []},
        {"bookmarks": {"orders": []}},
        {"bookmarks": {"orders": {"partitions": {}}}},
        {"bookmarks": {"orders": {"partitions": [{}]}}},
        {"bookmarks": {"orders": {"partitions": [{"context": {"shop": 1}}]}}},
        {"bookmarks": {"orders": {"partitions": [{"context": {"shop": "a"}}] * 2}}},
        {"bookmarks": {"orders": {"replication_key_value": "2026-01-01"}}},
        partition(replication_key_value="soon"),
        partition(replication_key_value=5),
        partition(unproven_from="soon"),
        partition(reading=[]),
        partition(reading={"began": "soon"}),
        partition(reading={"since": 5}),
        partition(date_filter="proven"),
        partition(date_filter={"verdict": ["proven"]}),
        partition(reading={"began": "2026-01-01", "after": 5}),
        partition(filters=5),
    ],
)
def test_a_damaged_state_is_refused(damaged: object) -> None:
    with pytest.raises(StateError, match=r"^state"):
        state.check(damaged)
