"""Encoding: numbers go out exactly as they came, directly and through the SDK's stream maps."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.json_values import decode
from tap_sumeru.output.encoding import encode, encode_lines, lines_of, plain_record

NUMBERS = [
    "487.20",
    "1e-7",
    "1E+400",
    "-0.0",
    "-0",
    "9" * 40,
    "12345678901234567.25",
    "1e99999999999999999999",
]


def nested(depth: int, inner: str) -> str:
    return '{"a":[' * depth + inner + "]}" * depth


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("depth", [0, 1, 40, 60, 250])
def test_a_number_keeps_its_digits_at_any_depth(number: str, depth: int) -> None:
    text = f'{{"value":{nested(depth, number)}}}'.encode()
    record = decode(text)
    assert encode(record) == text
    assert encode(plain_record(record)) == text


def test_a_stream_map_can_calculate_with_numbers() -> None:
    plain = plain_record(decode(b'{"price":487.20,"tax":1e-7}'))
    assert plain["price"] * 2 == Decimal("974.40")
    assert plain["price"] + plain["tax"] > 487
    assert encode({"double": plain["price"] * 2}) == b'{"double":974.40}'


def test_a_plain_record_is_a_copy() -> None:
    record: dict[str, Any] = decode(b'{"items":[{"price":1.50}],"tags":["a"]}')
    plain = plain_record(record)
    plain["items"][0]["price"] = None
    plain["tags"].append("b")
    assert encode(record) == b'{"items":[{"price":1.50}],"tags":["a"]}'


@given(st.lists(st.dictionaries(st.text(), st.text() | st.decimals(allow_nan=False, allow_infinity=False))))
def test_lines_hold_one_record_each(records: list[dict[str, Any]]) -> None:
    lines = lines_of(records)
    assert lines == [encode(record) for record in records]
    assert encode_lines(records) == b"".join(line + b"\n" for line in lines)
    assert all(b"\n" not in line for line in lines)


def test_raw_values_are_written_as_they_are() -> None:
    assert encode({"raw": msgspec.Raw(b"1.0")}) == b'{"raw":1.0}'
