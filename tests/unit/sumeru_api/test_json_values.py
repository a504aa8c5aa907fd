"""JSON is decoded exactly: numbers keep every digit, and nothing that strict decoders refuse loses a page."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.json_values import UndecodableError, decode, scalars

_encode = msgspec.json.Encoder(decimal_format="number").encode


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
def test_a_number_is_written_exactly_as_it_was_read(text: str) -> None:
    assert _encode(decode(text.encode())) == text.encode()


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers())
def test_no_number_changes(number: Decimal, integer: int) -> None:
    for text in (str(number), str(integer)):
        assert _encode(decode(text.encode())).decode() == text


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    body = rb'{"\ud83d": ["a\ud83d", "\ud83d\ude00", 487.20, null]}'
    assert decode(body) == {"�": ["a�", "😀", Decimal("487.20"), None]}


def test_invalid_utf8_is_replaced() -> None:
    assert decode(b'{"a": "\xff"}') == {"a": "�"}


@pytest.mark.parametrize("text", ["-0", "9" * 5000, r'"\ud83d"', '"\1"'])
def test_what_strict_decoders_refuse_leaves_the_rest_unchanged(text: str) -> None:
    deep = '{"a":[' * 250 + "1e-7" + "]}" * 250
    beside = f'[{deep},487.20,-0,-0.0,1e400,"\\\\ud83d"]'
    assert _encode(decode(f"[{text},{beside}]".encode())[1]).decode() == beside


def test_a_byte_order_mark_is_ignored() -> None:
    assert decode(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data": [', b"[" * 100_000])
def test_what_is_not_json_cannot_be_decoded(body: bytes) -> None:
    with pytest.raises(UndecodableError):
        decode(body)


_PLAIN = st.one_of(st.text(), st.integers(), st.booleans(), st.none())


@given(st.recursive(_PLAIN, lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner))))
def test_every_text_and_number_of_a_body_is_found(content: Any) -> None:
    found = scalars(json.dumps(content).encode())

    def check(value: object) -> int:
        if isinstance(value, (list, dict)):
            return sum(map(check, value.values() if isinstance(value, dict) else value))
        if value is None or isinstance(value, bool):
            return 0
        assert str(value) in found
        return 1

    assert check(content) == len(found)


def test_a_body_that_is_no_json_has_no_values() -> None:
    assert scalars(b"") == scalars(b'{"a": ') == []
    assert scalars(b'{"a": 1e999999999999999999999}') == ["1e999999999999999999999"]
