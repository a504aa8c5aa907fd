"""Types of settings that are given as text, and what filters can be sent."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.config.filters import read_filters
from tap_sumeru.config.given_values import given_values
from tap_sumeru.config.json_text import decode, is_blank
from tap_sumeru.config.schema import CONFIG_SCHEMA
from tap_sumeru.errors import SettingsError

SCHEMA = {
    "properties": {
        "text": {"type": ["string", "null"]},
        "whole": {"type": ["integer", "null"]},
        "flag": {"type": ["boolean", "null"]},
        "list": {
            "type": ["array", "null"],
            "items": {"type": "object", "properties": {"n": {"type": "integer"}}},
        },
        "any": {"anyOf": [{"type": "object"}, {"type": "null"}]},
    }
}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"text": "5", "whole": "5", "flag": "Yes", "any": '{"a": 0.5}'},
         {"text": "5", "whole": 5, "flag": True, "any": {"a": Decimal("0.5")}}),
        ({"flag": "0", "whole": " -3\n", "list": '[{"n": "1"}, {"n": 2}, {"n": ""}]'},
         {"flag": False, "whole": -3, "list": [{"n": 1}, {"n": 2}, {}]}),
        ({"text": "", "whole": " ", "flag": None, "list": "", "any": "\t", "other": ""}, {}),
        ({"other": "kept", "whole": 1.5}, {"other": "kept", "whole": 1.5}),
    ],
)  # fmt: skip
def test_text_gets_the_type_of_its_setting(config: dict[str, Any], expected: dict[str, Any]) -> None:
    assert given_values(config, SCHEMA) == expected
    assert given_values(expected, SCHEMA) == expected, "a second time changes nothing"


@given(st.dictionaries(st.sampled_from(sorted(CONFIG_SCHEMA["properties"])), st.text()))
def test_any_text_is_converted_or_named(config: dict[str, str]) -> None:
    try:
        given_values(config, CONFIG_SCHEMA, "TAP_SUMERU_")
    except SettingsError as error:
        name = str(error).partition(":")[0].removeprefix("TAP_SUMERU_").partition("[")[0].partition(".")[0]
        assert name.lower() in config


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("loyal", "loyal"), ("", ""), (0.5, "0.5"), (Decimal("0.50"), "0.50"), (Decimal("1E+3"), "1000"),
        (3, "3"), (10**30, str(10**30)), (True, "true"), (False, "false"),
    ],
)  # fmt: skip
def test_a_filter_is_sent_as_text(value: object, sent: str) -> None:
    assert read_filters({"x": value}, "filters", ()) == (("x", sent),)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"x": None}, r"^filters\.x: must be a string, a number or a boolean\.$"),
        ({"x": ["a", "b"]}, r"^filters\.x: must be a string"),
        ({"x": {"gte": 1}}, r"^filters\.x: must be a string"),
        ({"x": float("inf")}, r"^filters\.x: must be a string"),
        ({"": "a"}, r"^filters\.: must be the name of an attribute"),
        ({"filter[x]": "a"}, r"^filters\.filter\[x\]: must be the name of an attribute, without brackets"),
        ({"date_from": "2026-01-01"}, r"^filters\.date_from: the tap sets this filter\. Use start_date"),
    ],
)
def test_a_filter_that_cannot_be_sent_is_named(filters: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_filters(filters, "filters", ("filter[date_from]", "filter[date_to]"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@given(content=st.dictionaries(st.text("aé€𝄞"), st.text("aé€𝄞") | st.integers() | st.none()))
def test_json_is_read_in_any_encoding(encoding: str, content: dict[str, Any]) -> None:
    assert decode(json.dumps(content, ensure_ascii=False).encode(encoding)) == content
    assert is_blank(" \n".encode(encoding))
    assert not is_blank(json.dumps(content).encode(encoding))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "NaN", '"\\ud800"', '{"\\uD800": 1}', "9" * 5000])
def test_what_is_no_json_or_cannot_be_written_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it has no text
        decode(text)
