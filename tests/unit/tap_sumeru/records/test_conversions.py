"""Values of one type in a column to which the catalog has given another."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.json_values import decode
from support.random_pages import SCALARS
from tap_sumeru.catalog.column_types import column_type
from tap_sumeru.records.conversions import converting
from tap_sumeru.records.type_checks import TypeMismatch

Json = dict[str, Any]
_encode = msgspec.json.Encoder(decimal_format="number").encode
MISMATCH = "mismatch"


def converted(schema: Json, text: str) -> str:
    """Return what is written for a value that the API sends as this text."""
    try:
        return _encode(converting(column_type("catalog: orders.new", schema))(decode(text.encode()))).decode()
    except TypeMismatch:
        return MISMATCH


CONVERSIONS = [
    ("string", "487.20", '"487.20"'),
    ("string", "1e5", '"1e5"'),
    ("string", "12345678901234567890", '"12345678901234567890"'),
    ("string", "true", '"true"'),
    ("string", '{"a":[1.50,null]}', '"{\\"a\\":[1.50,null]}"'),
    ("string", '"text"', '"text"'),
    ("number", '"487.20"', "487.20"),
    ("number", '"1e-7"', "1e-7"),
    ("number", '"7"', "7"),
    ("number", '"12345678901234567890"', MISMATCH),
    ("number", '"1,234.50"', MISMATCH),
    ("number", '"soon"', MISMATCH),
    ("number", '""', MISMATCH),
    ("number", '"null"', MISMATCH),
    ("number", '"NaN"', MISMATCH),
    ("number", '"007"', MISMATCH),
    ("number", "true", MISMATCH),
    ("integer", '"42"', "42"),
    ("integer", "5.0", "5"),
    ("integer", "5.00e0", "5"),
    ("integer", "5.5", MISMATCH),
    ("integer", "1e99999999999999999999", MISMATCH),
    ("integer", '"1e400"', MISMATCH),
    ("integer", "9223372036854775808", MISMATCH),
    ("boolean", '"true"', "true"),
    ("boolean", "0", "false"),
    ("boolean", '"1"', "true"),
    ("boolean", "2", MISMATCH),
    ("boolean", '"yes"', MISMATCH),
    ("object", "[]", MISMATCH),
    ("array", "{}", MISMATCH),
    ("array", "null", "null"),
    ("string", "null", "null"),
]


@pytest.mark.parametrize(("kind", "text", "expected"), CONVERSIONS)
def test_a_value_is_converted_or_refused(kind: str, text: str, expected: str) -> None:
    assert converted({"type": kind}, text) == expected


FORMATTED = [
    ("date-time", '"2026-05-10 14:23:00+02:00"', '"2026-05-10T12:23:00Z"'),
    ("date-time", "1778416980", MISMATCH),
    ("date", '"2026-05-10"', '"2026-05-10"'),
    ("date", '"2026-05-10T00:00:00Z"', MISMATCH),
    ("singer.decimal", "487.20", '"487.20"'),
    ("singer.decimal", '"487.20"', '"487.20"'),
    ("singer.decimal", '"a lot"', MISMATCH),
    ("singer.decimal", "true", MISMATCH),
]


@pytest.mark.parametrize(("form", "text", "expected"), FORMATTED)
def test_a_string_has_its_format(form: str, text: str, expected: str) -> None:
    assert converted({"type": "string", "format": form}, text) == expected


def test_a_value_keeps_a_type_that_is_among_several() -> None:
    assert converted({"type": ["string", "number"]}, "487.20") == "487.20"
    assert converted({"type": ["number", "string"]}, '"487.20"') == '"487.20"'


def test_members_and_items_are_converted_too() -> None:
    item = {"type": "object", "properties": {"price": {"type": "string"}, "count": {"type": "integer"}}}
    text = '[{"price":487.20,"count":"2","new":1.50},{}]'
    expected = '[{"price":"487.20","count":2,"new":1.50},{}]'
    assert converted({"type": "array", "items": item}, text) == expected
    assert converted({"type": "array", "items": item}, '[{"count":"two"}]') == MISMATCH


@given(
    kind=st.sampled_from(["string", "number", "integer", "boolean", "object", "array"]),
    text=st.sampled_from(SCALARS),
    quoted=st.booleans(),
)
def test_a_converted_value_has_the_type_and_stays_when_it_is_converted_again(
    kind: str, text: str, quoted: bool
) -> None:
    once = converted({"type": kind}, _encode(text).decode() if quoted else text)
    if once == MISMATCH:
        return
    assert once == "null" or converted({"type": kind}, once) == once
    if kind == "string" and text in ("487.20", "0.1234567890123456789012") and not quoted:
        assert once == f'"{text}"'
