"""`pages`: an answer is decoded exactly, and paging that contradicts itself is an error."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.errors import UnexpectedResponse
from sumeru_api.json_values import UndecodableError, decode
from sumeru_api.pagination import CursorHistory
from sumeru_api.responses import read_page, read_resource

_write = msgspec.json.Encoder(decimal_format="number").encode


@pytest.mark.parametrize(
    "text",
    [
        "487.20",
        "1e-7",
        "0.00000001",
        "-0.0",
        "1E+30",
        "12345678901234567.25",
        "9" * 40,
        "9" * 5000,
        "1e99999999999999999999",
    ],
)
def test_a_number_is_written_with_the_letters_it_was_read_with(text: str) -> None:
    assert _write(decode(text.encode())) == text.encode()


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers())
def test_no_number_changes(number: Decimal, integer: int) -> None:
    for text in (str(number), str(integer)):
        assert _write(decode(text.encode())).decode() == text


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    body = rb'{"\ud83d": ["a\ud83d", "\ud83d\ude00", 487.20, null]}'
    assert decode(body) == {"�": ["a�", "😀", Decimal("487.20"), None]}


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert decode(b'{"a": "\xff"}') == {"a": "�"}


@pytest.mark.parametrize("text", ["-0", "9" * 5000, r'"\ud83d"', '"\1"'])
def test_what_strict_decoders_refuse_spoils_nothing_beside_it(text: str) -> None:
    deep = '{"a":[' * 250 + "1e-7" + "]}" * 250
    beside = f'[{deep},487.20,-0,-0.0,1e400,"\\\\ud83d"]'
    assert _write(decode(f"[{text},{beside}]".encode())[1]).decode() == beside


def test_a_mark_of_byte_order_is_passed_over() -> None:
    assert decode(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data": [', b"[" * 100_000])
def test_what_is_no_json_is_told(body: bytes) -> None:
    with pytest.raises(UndecodableError):
        decode(body)


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
def test_where_the_next_page_is(pagination: dict[str, Any] | None, cursor: str | None) -> None:
    assert read_page({"data": [], "pagination": pagination}).next_cursor == cursor


@pytest.mark.parametrize("data", [[], {}, [{}]])
def test_data_may_be_a_list_or_one_object(data: object) -> None:
    assert len(read_page({"data": data}).rows) == (0 if data == [] else 1)


def test_no_data_is_an_empty_list_only_if_paging_says_so_too() -> None:
    assert read_page({"data": None, "pagination": {"has_next": False}}).rows == []
    with pytest.raises(UnexpectedResponse):
        read_page({"data": None})


@pytest.mark.parametrize(
    "answer",
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
def test_an_answer_that_breaks_the_rules_is_an_error(answer: object) -> None:
    with pytest.raises(UnexpectedResponse):
        read_page(answer)


def test_one_resource() -> None:
    assert read_resource({"data": {"id": "a"}}) == {"id": "a"}
    with pytest.raises(UnexpectedResponse):
        read_resource({"data": []})


@pytest.mark.parametrize(
    ("before", "circle"), [(0, 1), (5, 3), (1, 1999), (2500, 1), (3000, 5000), (100, 9000)]
)
def test_a_list_that_runs_in_a_circle_is_noticed(before: int, circle: int) -> None:
    trail = CursorHistory()
    assert not any(trail.repeats(f"b{i}") for i in range(before))
    assert not any(trail.repeats(f"c{i}") for i in range(circle))
    rounds = next(i for i in range(4 * (before + circle)) if trail.repeats(f"c{i % circle}"))
    assert rounds < 1 or before + circle > 2000
