"""Hints at more pages in other words than the documented ones, or in headers."""

from __future__ import annotations

from typing import Any

import pytest

from sumeru_api.errors import UnexpectedResponse
from sumeru_api.responses import read_page

ROWS = [{"id": str(number)} for number in range(3)]
END: dict[str, Any] = {"next_cursor": None, "has_next": False}

STRONG: list[dict[str, Any]] = [
    {"links": {"next": "/api/v1/orders?cursor=abc"}},
    {"_links": {"next": {"href": "https://elsewhere.example/orders?page=2"}}},
    {"links": [{"rel": "self", "href": "x"}, {"rel": "next", "href": "x"}]},
    {"meta": {"pagination": {"nextCursor": "abc"}}},
    {"response_metadata": {"next_cursor": "abc"}},
    {"next_page_url": "x"},
    {"@odata.nextLink": "x"},
    {"next_offset": 3},
    {"hasMore": "true"},
    {"more": 1},
    {"is_truncated": True},
]
WEAK: list[dict[str, Any]] = [
    {"total": 250},
    {"meta": {"total_count": "250"}},
    {"count": 4},
    {"meta": {"page": 1, "total_pages": 3}},
    {"current_page": 1, "last_page": 3},
    {"limit": 3},
    {"meta": {"per_page": "3"}},
    {"is_last": False},
    {"paging": {"cursors": {"after": "abc"}}},
    {"continuation_token": "abc"},
    {"cursor": "abc"},
    {"meta": {"pageToken": 7}},
    {"Pagination": {"next_cursor": "abc", "has_next": True}},
]
HARMLESS: list[dict[str, Any]] = [
    {"links": {"self": "x", "next": None}},
    {"meta": {"next_cursor": "", "has_more": "false"}},
    {"next": 0},
    {"total": 3, "limit": 100, "page": 1, "total_pages": 1},
    {"is_last": True},
    {"meta": {"next_reset_at": "2026-06-01"}},
    {"total": "many"},
    {"cursor": {"next": None}},
    {"links": []},
]


@pytest.mark.parametrize("members", [*STRONG, *WEAK], ids=str)
def test_without_pagination_any_hint_is_an_error(members: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedResponse, match="hints at more pages"):
        read_page({"data": ROWS, **members}, limit=100)


@pytest.mark.parametrize("members", STRONG, ids=str)
def test_a_next_page_beside_the_end_of_the_pagination_is_an_error(members: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedResponse, match=r"last page, but .* hints at more pages"):
        read_page({"data": ROWS, "pagination": END, **members})
    with pytest.raises(UnexpectedResponse, match=r"last page, but .* hints at more pages"):
        read_page({"data": ROWS, "pagination": END | members})


@pytest.mark.parametrize("members", HARMLESS, ids=str)
def test_what_hints_at_no_more_pages_is_none(members: dict[str, Any]) -> None:
    for pagination in ({}, {"pagination": END}):
        assert read_page({"data": ROWS, **members, **pagination}, limit=100).next_cursor is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Link": '<https://api.example/orders?page=2>; rel="next"'},
        {"Link": '<a>; rel="first", <b>; rel="prev next"'},
        {"X-Next-Page": "2"},
        {"X-Next-Cursor": "abc"},
        {"X-Has-More": "true"},
        {"x-total-count": "250"},
        {"X-Total-Pages": "3"},
        {"Content-Range": "items 0-2/250"},
    ],
    ids=str,
)
def test_without_pagination_a_header_is_a_hint_too(headers: dict[str, str]) -> None:
    with pytest.raises(UnexpectedResponse, match="hints at more pages"):
        read_page({"data": ROWS}, headers=headers)
    assert read_page({"data": ROWS, "pagination": END}, headers=headers).next_cursor is None


@pytest.mark.parametrize(
    "headers",
    [{"Link": '<a>; rel="first"'}, {"X-Next-Page": ""}, {"X-RateLimit-Limit": "3"}, {"X-Total-Count": "3"}],
    ids=str,
)
def test_other_headers_are_none(headers: dict[str, str]) -> None:
    assert read_page({"data": ROWS}, headers=headers).next_cursor is None


def test_a_later_page_may_end_without_pagination_although_all_rows_are_counted() -> None:
    assert read_page({"data": ROWS, "total": 203}, limit=100, first=False).next_cursor is None
    with pytest.raises(UnexpectedResponse, match="hints at more pages"):
        read_page({"data": ROWS, "next": "x"}, limit=100, first=False)
