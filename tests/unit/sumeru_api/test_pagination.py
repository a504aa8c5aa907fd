"""Pagination: the next cursor, loops, and the pages of a list."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from sumeru_api.errors import ApiUnavailable, UnexpectedResponse
from sumeru_api.pagination import CursorHistory, Pages, next_cursor
from sumeru_api.responses import read_page


@pytest.mark.parametrize(
    ("pagination", "cursor"),
    [
        (None, None),
        ({}, None),
        ({"has_next": False}, None),
        ({"has_next": False, "next_cursor": "x"}, None),
        ({"has_next": False, "next_cursor": None}, None),
        ({"has_next": True, "next_cursor": "x"}, "x"),
        ({"next_cursor": "x"}, "x"),
        ({"next_cursor": ""}, None),
        ({"next_cursor": "x", "has_next": None}, "x"),
        ({"has_next": True, "next_cursor": 7}, "7"),
    ],
)
def test_the_next_cursor(pagination: dict[str, Any] | None, cursor: str | None) -> None:
    assert next_cursor(pagination) == cursor
    assert read_page({"data": [], "pagination": pagination}).next_cursor == cursor


@pytest.mark.parametrize(
    ("before", "length"), [(0, 1), (5, 3), (1, 1999), (2500, 1), (3000, 5000), (100, 9000)]
)
def test_a_loop_is_detected(before: int, length: int) -> None:
    history = CursorHistory()
    assert not any(history.add_and_check(f"b{i}") for i in range(before))
    assert not any(history.add_and_check(f"c{i}") for i in range(length))
    rounds = next(i for i in range(4 * (before + length)) if history.add_and_check(f"c{i % length}"))
    assert rounds < 1 or before + length > 2000


@dataclass
class Page:
    """A page that was fetched at a cursor."""

    fetched_at: str | None
    next_cursor: str | None


class Cursors:
    """A list whose pages lead from one cursor to the next.

    Args:
        following: The cursor that follows each one; None stands for the first page and for the end.
    """

    def __init__(self, following: dict[str | None, str | None]) -> None:
        self.following = following
        self.fetched: list[str | None] = []

    async def fetch(self, cursor: str | None) -> Page:
        self.fetched.append(cursor)
        return Page(cursor, self.following[cursor])


async def read(pages: Pages[Page]) -> list[str | None]:
    return [page.fetched_at async for page in pages]


def test_pages_follow_the_cursors_to_the_end() -> None:
    cursors = Cursors({None: "a", "a": "b", "b": None})
    pages = Pages(cursors.fetch)
    assert asyncio.run(read(pages)) == [None, "a", "b"]
    assert pages.cursor == "b"
    assert asyncio.run(read(pages)) == [], "the list has ended"
    assert cursors.fetched == [None, "a", "b"]


def test_pages_begin_at_a_cursor() -> None:
    cursors = Cursors({None: "a", "a": "b", "b": None})
    assert asyncio.run(read(Pages(cursors.fetch, "a"))) == ["a", "b"]


def test_a_loop_ends_the_pages_with_an_error_before_a_page_comes_twice() -> None:
    cursors = Cursors({None: "a", "a": "b", "b": "a"})
    with pytest.raises(UnexpectedResponse, match="pagination loop"):
        asyncio.run(read(Pages(cursors.fetch)))
    assert cursors.fetched == [None, "a", "b"]


def test_a_page_that_names_its_own_cursor_is_a_loop() -> None:
    cursors = Cursors({None: "a", "a": "a"})
    with pytest.raises(UnexpectedResponse, match="pagination loop"):
        asyncio.run(read(Pages(cursors.fetch)))
    assert cursors.fetched == [None, "a"]


def test_a_page_that_failed_is_fetched_again_at_the_same_cursor() -> None:
    failures = [ApiUnavailable("no response")]
    cursors = Cursors({None: "a", "a": None})

    async def fetch(cursor: str | None) -> Page:
        if cursor == "a" and failures:
            raise failures.pop()
        return await cursors.fetch(cursor)

    pages = Pages(fetch)
    with pytest.raises(ApiUnavailable):
        asyncio.run(read(pages))
    assert pages.cursor == "a"
    assert asyncio.run(read(pages)) == ["a"]
