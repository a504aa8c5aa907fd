"""Type checks: which values each type of a schema accepts, and which it rejects."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sumeru_api.json_values import decode
from tap_sumeru.records.type_checks import TypeMismatch, converter_for

LARGEST = 2**63 - 1
DECIMAL = {"type": "string", "format": "singer.decimal"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, ""),
        ({"type": ["string", "null"]}, None),
        ({"type": ["null", "string"]}, "a"),
        ({"type": ["string", "integer", "null"]}, None),
        ({"type": "string", "format": "date"}, "2026-05-10"),
        ({"type": "string", "format": "email"}, "no address"),
        (DECIMAL, "487.20"),
        (DECIMAL, "-1E-400"),
        ({"type": "integer"}, LARGEST),
        ({"type": "integer"}, -LARGEST),
        ({"type": "integer"}, 0),
        ({"type": "number"}, LARGEST),
        ({"type": "number"}, 5),
        ({"type": "boolean"}, False),
        ({"type": "array"}, [1, "a", None]),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"type": "object"}, {"a": 1}),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": "x", "b": 1}),
        ({}, {"a": [None]}),
    ],
)
def test_a_value_of_the_right_type_is_unchanged(schema: dict[str, Any], value: object) -> None:
    checked = converter_for(schema)(value)
    assert checked == value
    assert type(checked) is type(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, None),
        ({"type": "string"}, 5),
        ({"type": ["string", "integer"]}, None),
        ({"type": ["string", "integer", "null"]}, 1.5),
        ({"type": "string", "format": "date"}, "2026-5-10"),
        ({"type": "string", "format": "date"}, "20260510"),
        ({"type": "string", "format": "date"}, "2026-02-30"),
        ({"type": "string", "format": "date"}, "2026-05-10T00:00:00Z"),
        ({"type": "string", "format": "date"}, 20260510),
        ({"type": "string", "format": "date-time"}, "soon"),
        ({"type": "string", "format": "date-time"}, 5),
        *((DECIMAL, value) for value in (" 487.20", "", "a lot", "true", "1,5", "\ud83d", 487, None, ["1"])),
        ({"type": "integer"}, LARGEST + 1),
        ({"type": "integer"}, -LARGEST - 2),
        ({"type": "integer"}, True),
        ({"type": "integer"}, "5"),
        ({"type": "number"}, LARGEST + 1),
        ({"type": "number"}, False),
        ({"type": "number"}, "5.0"),
        ({"type": "boolean"}, 1),
        ({"type": "boolean"}, None),
        ({"type": "array"}, {}),
        ({"type": "array", "items": {"type": "integer"}}, [1, "a"]),
        ({"type": "object"}, []),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": 5}),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": None}),
    ],
)
def test_a_value_of_another_type_is_a_mismatch(schema: dict[str, Any], value: object) -> None:
    with pytest.raises(TypeMismatch):
        converter_for(schema)(value)


@pytest.mark.parametrize(
    "text", ["487.20", "1e5", "1E5", "-0.0", "0.0000001", "1e999999999999999999999", "1E-400"]
)
def test_a_number_keeps_its_digits(text: str) -> None:
    number = converter_for({"type": "number"})(decode(text.encode()))
    assert msgspec.json.Encoder(decimal_format="number").encode(number).decode() == text


def test_an_integer_of_thousands_of_digits_is_a_mismatch() -> None:
    with pytest.raises(TypeMismatch):
        converter_for({"type": "number"})(decode(b"9" * 5000))


def test_a_nested_timestamp_is_normalised_to_utc() -> None:
    stamp = {"type": ["null", "string"], "format": "date-time"}
    nested = converter_for({"type": "array", "items": {"type": "object", "properties": {"at": stamp}}})
    assert nested([{"at": "2026-05-10T14:23:00+02:00"}, {"at": None}, {}]) == [
        {"at": "2026-05-10T12:23:00Z"},
        {"at": None},
        {},
    ]


def test_a_type_that_the_schema_leaves_open_accepts_anything() -> None:
    assert converter_for({})([1, "a"]) == [1, "a"]
    either = converter_for({"type": ["string", "integer"]})
    assert (either("a"), either(1)) == ("a", 1)
    for value in (None, 1.5):
        with pytest.raises(TypeMismatch):
            either(value)
