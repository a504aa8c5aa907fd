"""Responses: the envelopes of a list, of one resource and of an error; what breaks the rules is an error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from sumeru_api.errors import UnexpectedResponse
from sumeru_api.responses import Response, read_page, read_resource, row_id


@pytest.mark.parametrize("data", [[], {}, [{}]])
def test_data_is_a_list_or_one_object(data: object) -> None:
    assert len(read_page({"data": data}).rows) == (0 if data == [] else 1)


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
    assert read_resource({"data": {"id": "a"}}) == {"id": "a"}
    with pytest.raises(UnexpectedResponse):
        read_resource({"data": []})


def test_included_resources_are_found_by_type_and_id() -> None:
    named, bare = {"type": "touchpoint", "id": 1}, {"id": "x"}
    page = read_page({"data": [], "included": [named, bare, {"type": "no id"}, "not an object"]})
    assert page.included == {("touchpoint", "1"): named, ("", "x"): bare}
    assert read_page({"data": [], "included": {"id": "x"}}).included == {}


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
        (b'{"error":"no"}', ("", "", "")),
        (b'{"error":null}', ("", "", "")),
        (b"[]", ("", "", "")),
        (b"{}", ("", "", "")),
        (b"<html>", ("", "", "")),
        (b"", ("", "", "")),
    ],
)
def test_the_envelope_of_an_error(body: bytes, envelope: tuple[str, str, str]) -> None:
    assert Response(403, {}, body, 0.0).error_envelope() == envelope


def test_no_representation_shows_what_was_sent() -> None:
    assert "s3cret" not in repr(Response(200, {}, b"", 0.0, sent=("s3cret",)))
