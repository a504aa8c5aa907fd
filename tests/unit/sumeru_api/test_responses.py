"""Responses: the envelopes of a list, of one resource and of an error; what breaks the rules is an error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.embedded_errors import EmbeddedError
from sumeru_api.errors import UnexpectedResponse
from sumeru_api.responses import Response, read_page, read_resource, row_id


@pytest.mark.parametrize("data", [[], {"id": "1"}, {"attributes": {}}, [{}]])
def test_data_is_a_list_or_one_resource(data: object) -> None:
    assert len(read_page({"data": data}).rows) == (0 if data == [] else 1)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"ord_1": {"updated_at": "2026-05-10"}},
        {"items": [{"id": "1"}]},
        {"0": {"id": "1"}},
        {"rows": []},
        {"2026-05-10": {"requests": 1}, "2026-05-11": {"requests": 2}},
    ],
)
def test_an_object_that_is_no_resource_is_never_a_row(data: object) -> None:
    for pagination in ({}, {"pagination": {"has_next": False}}):
        with pytest.raises(UnexpectedResponse, match="does not look like a resource"):
            read_page({"data": data, **pagination})
    with pytest.raises(UnexpectedResponse, match="does not look like a resource"):
        read_page({"data": data}, bare=True)


@pytest.mark.parametrize(
    "data",
    [
        {"requests": 5},
        {"period": "2026-05", "days": [{"date": "2026-05-10"}]},
        {"requests": {"used": 5}, "messages": {"used": 7}},
    ],
    ids=str,
)
def test_a_bare_object_of_sections_is_one_row(data: dict[str, Any]) -> None:
    assert read_page({"data": data}, bare=True).rows == [data]


ERRORS = [
    {"code": "internal_error", "message": "the shard did not answer"},
    {"message": "no code"},
    "in words",
    [{"code": "teapot"}],
    True,
]


@pytest.mark.parametrize("name", ["error", "errors"])
@pytest.mark.parametrize("error", ERRORS, ids=str)
@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": []}, {"data": [{"id": "1"}]}], ids=str)
def test_a_success_that_says_that_it_failed_is_an_error(
    name: str, error: object, data: dict[str, Any]
) -> None:
    end = {"next_cursor": None, "has_next": False}
    with pytest.raises(EmbeddedError) as raised:
        read_page({name: error, "pagination": end, **data})
    assert raised.value.status == 500


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("forbidden", 403),
        ("not_found", 404),
        ("validation_failed", 422),
        ("rate_limited", 429),
        ("oops", 500),
    ],
)
def test_an_error_in_a_success_is_known_by_its_code(code: str, status: int) -> None:
    with pytest.raises(EmbeddedError) as raised:
        read_page({"errors": [{"code": code}], "data": []})
    assert raised.value.status == status


@pytest.mark.parametrize("nothing", [None, [], {}, "", False])
def test_an_empty_error_is_none(nothing: object) -> None:
    assert read_page({"error": nothing, "errors": nothing, "data": [{"id": "1"}]}).rows == [{"id": "1"}]


def test_without_pagination_only_a_page_that_is_not_full_is_the_last() -> None:
    rows = [{"id": str(number)} for number in range(100)]
    assert len(read_page({"data": rows[:99]}, limit=100).rows) == 99
    ways: list[dict[str, Any]] = [{}, {"pagination": None}, {"pagination": {}}]
    for pagination in ways:
        with pytest.raises(UnexpectedResponse, match="the page is full"):
            read_page({"data": rows, **pagination}, limit=100)
    assert read_page({"data": rows, "pagination": {"has_next": False}}, limit=100).next_cursor is None


@pytest.mark.parametrize(
    "hint",
    [
        {"links": {"next": "/api/v1/orders?cursor=abc"}},
        {"meta": {"next_cursor": "abc"}},
        {"meta": {"hasMore": True}},
        {"nextCursor": "abc"},
        {"next_page": 2},
        {"paging": {"has_next_page": True}},
    ],
    ids=str,
)
def test_paging_in_another_place_is_never_taken_for_the_end(hint: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedResponse, match="hints at more pages"):
        read_page({"data": [{"id": "1"}], **hint}, limit=100)


@pytest.mark.parametrize(
    "harmless", [{"links": {"self": "/x", "next": None}}, {"meta": {"has_more": False}}], ids=str
)
def test_a_hint_that_says_no_is_none(harmless: dict[str, Any]) -> None:
    assert read_page({"data": [{"id": "1"}], **harmless}, limit=100).next_cursor is None


def test_null_data_is_an_empty_list_only_if_the_pagination_says_so_too() -> None:
    assert read_page({"data": None, "pagination": {"has_next": False}}).rows == []
    with pytest.raises(UnexpectedResponse):
        read_page({"data": None})


@pytest.mark.parametrize(
    "content",
    [
        [],
        None,
        {},
        {"rows": []},
        {"data": ["row"]},
        {"data": 5},
        {"data": [], "pagination": []},
        {"data": None, "pagination": {"has_next": None}},
        {"data": [], "pagination": {"has_next": "no"}},
        {"data": [], "pagination": {"has_next": True}},
        {"data": [], "pagination": {"has_next": True, "next_cursor": ""}},
    ],
)
def test_a_response_that_breaks_the_rules_is_an_error(content: object) -> None:
    with pytest.raises(UnexpectedResponse):
        read_page(content)


def test_a_detail_response_holds_exactly_one_resource() -> None:
    page = read_resource({"data": {"id": "a"}, "included": [{"id": "b"}]})
    assert (page.rows, page.included.unlinked()) == ([{"id": "a"}], [{"id": "b"}])
    with pytest.raises(UnexpectedResponse):
        read_resource({"data": []})


def test_included_resources_are_found_by_type_and_id() -> None:
    named, bare, odd = {"type": "touchpoint", "id": 1}, {"id": "x"}, [{"type": "no id"}, "not an object"]
    included = read_page({"data": [], "included": [named, bare, *odd]}).included
    assert included.unlinked() == [named, bare, *odd]
    assert included.link({"type": "touchpoint", "id": "1"}) == named
    assert included.link({"type": "order", "id": "1"}) is None
    assert included.unlinked() == [bare, *odd]
    assert read_page({"data": [], "included": {"id": "x"}}).included.unlinked() == [{"id": "x"}]
    assert not read_page({"data": [], "included": []}).included


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"id": "a"}, "a"),
        ({"id": 17}, "17"),
        ({"id": "a", "attributes": {"id": "b"}}, "a"),
        ({"attributes": {"id": "b"}}, "b"),
        ({"id": "", "attributes": {"id": 5}}, "5"),
        ({"id": None}, None),
        ({"id": ""}, None),
        ({"id": True}, None),
        ({"id": 1.5}, None),
        ({"id": ["a"]}, None),
        ({"attributes": ["id"]}, None),
        ({}, None),
    ],
)
def test_the_id_of_a_row(row: dict[str, Any], found: str | None) -> None:
    assert row_id(row) == found


def sent(headers: dict[str, str], elapsed: float) -> datetime:
    return Response(200, headers, b"", elapsed).requested_at


def test_only_2xx_is_ok() -> None:
    assert [status for status in range(100, 600) if Response(status, {}, b"", 0.0).ok] == list(
        range(200, 300)
    )


def test_a_request_was_sent_as_long_before_the_servers_date_as_the_response_took() -> None:
    date = datetime(2026, 5, 10, 14, 23, tzinfo=UTC)
    headers = {"Date": format_datetime(date, usegmt=True)}
    assert sent(headers, 0.0) == date
    # The date has whole seconds, so a part of a second counts as one.
    assert sent(headers, 2.1) == date - timedelta(seconds=3)


@given(st.integers(0, 10**10 - 1), st.floats(0, 60))
def test_the_answer_of_a_cache_is_as_much_older_as_it_says(age: int, elapsed: float) -> None:
    headers = {"Date": "Sun, 10 May 2026 14:23:00 GMT"}
    older = sent(headers, elapsed) - sent({**headers, "Age": str(age)}, elapsed)
    assert older == min(timedelta(seconds=age), timedelta(days=30))


@given(
    st.text().filter(lambda text: not text.strip().isdecimal())
    | st.sampled_from(["-5", "1e3", "9" * 11, "٣"])
)
def test_an_age_that_is_none_says_nothing(age: str) -> None:
    headers = {"Date": "Sun, 10 May 2026 14:23:00 GMT"}
    assert sent({**headers, "Age": age}, 1.0) == sent(headers, 1.0)


@pytest.mark.parametrize("headers", [{}, {"Date": "today"}])
def test_without_a_date_of_the_server_our_clock_says_when_a_request_was_sent(headers: dict[str, str]) -> None:
    before = datetime.now(UTC)
    requested_at = sent(headers, 0.5)
    assert before - timedelta(seconds=2) <= requested_at <= datetime.now(UTC)
    assert requested_at.microsecond == 0


@pytest.mark.parametrize(
    ("body", "envelope"),
    [
        (
            b'{"error":{"code":"forbidden","message":"no scope","request_id":"req_1"}}',
            ("forbidden", "no scope", "req_1"),
        ),
        (b'{"error":{"code":5,"message":null}}', ("5", "", "")),
        (b'{"error":{}}', ("", "", "")),
        (b'{"error":"no"}', ("", "no", "")),
        (b'{"errors":[{"code":"forbidden"}]}', ("forbidden", "", "")),
        (b'{"error":null}', ("", "", "")),
        (b"[]", ("", "", "")),
        (b"{}", ("", "", "")),
        (b"<html>", ("", "", "")),
        (b"", ("", "", "")),
    ],
)
def test_the_envelope_of_an_error(body: bytes, envelope: tuple[str, str, str]) -> None:
    assert Response(403, {}, body, 0.0).failure()[1:4] == envelope


def test_no_representation_shows_what_was_sent() -> None:
    assert "s3cret" not in repr(Response(200, {}, b"", 0.0, sent=("s3cret",)))
