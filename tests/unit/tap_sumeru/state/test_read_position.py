"""How far an unfiltered read has come, as the state keeps it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tap_sumeru.state.bookmarks import Bookmark, Entry
from tap_sumeru.state.read_position import ReadPosition

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
NAMES = ("filter[date_from]", "filter[date_to]")


def saved(bookmark: Bookmark) -> Entry:
    """Return the partition as the state holds it once the bookmark is committed."""
    entry = bookmark.snapshot()
    assert entry is not None
    return entry


def test_a_position_is_kept_without_what_it_lacks() -> None:
    bookmark = Bookmark({}, "updated_at", NAMES)
    bookmark.position = ReadPosition(NOON, None, "query")
    assert saved(bookmark)["reading"] == {"began": "2026-05-10T12:00:00Z", "query": "query"}
    assert bookmark.position == ReadPosition(NOON, None, "query", None, None)
    bookmark.position = ReadPosition(NOON, NOON - timedelta(hours=1), "query", "cursor", "after")
    assert saved(bookmark)["reading"] == {
        "began": "2026-05-10T12:00:00Z",
        "since": "2026-05-10T11:00:00Z",
        "query": "query",
        "cursor": "cursor",
        "after": "after",
    }
    assert bookmark.position == ReadPosition(NOON, NOON - timedelta(hours=1), "query", "cursor", "after")


def test_a_position_without_a_query_belongs_to_no_query() -> None:
    entry = {"reading": {"began": "2026-05-10T12:00:00Z", "cursor": "cursor"}}
    assert Bookmark(entry, "updated_at", NAMES).position == ReadPosition(NOON, None, "", "cursor")


@pytest.mark.parametrize(
    ("size", "kept", "again"), [(50, "50", 50), (100, None, 0), (0, None, 0), (1, "1", 1), (250, "250", 250)]
)
def test_a_position_keeps_the_size_of_pages_if_it_is_not_the_usual_one(
    size: int, kept: str | None, again: int
) -> None:
    bookmark = Bookmark({}, "updated_at", NAMES)
    bookmark.position = ReadPosition(NOON, None, "query", "cursor", page_size=size)
    entry = saved(bookmark)
    assert entry["reading"].get("limit") == kept
    position = Bookmark(entry, "updated_at", NAMES).position
    assert position is not None
    assert position.page_size == again


@pytest.mark.parametrize("text", ["", "many", "-5", "٣", "1000"])
def test_a_size_of_pages_that_is_no_number_is_the_usual_one(text: str) -> None:
    entry: Entry = {"reading": {"began": "2026-05-10T12:00:00Z", "query": "q", "limit": text}}
    position = Bookmark(entry, "updated_at", NAMES).position
    assert position is not None
    assert position.page_size == 0


def test_a_position_with_all_its_parts_survives_the_state() -> None:
    bookmark = Bookmark({}, "updated_at", NAMES)
    position = ReadPosition(NOON, NOON - timedelta(hours=1), "query", "cursor", "after", 50)
    bookmark.position = position
    entry = saved(bookmark)
    assert Bookmark(entry, "updated_at", NAMES).position == position
    entry["reading"]["since_page"] = "of a newer version"
    assert Bookmark(entry, "updated_at", NAMES).position is None
