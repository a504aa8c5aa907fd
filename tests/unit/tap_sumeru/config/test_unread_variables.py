"""Variables that a run does not read: warned of if meant, and never if Meltano has set them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.config.given_values import given_values, nested
from tap_sumeru.config.schema import CONFIG_SCHEMA
from tap_sumeru.config.unread_variables import check_dropped_nulls, unread_variables
from tap_sumeru.errors import SettingsError

PREFIX = "TAP_SUMERU_"
SCHEMA = {
    "properties": {**CONFIG_SCHEMA["properties"], "stream_maps": {"type": ["object", "null"]}},
}
NAMES = st.text("abcxyz_", min_size=1, max_size=5)
TREES = st.recursive(
    st.integers() | st.booleans() | st.none(),
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    max_leaves=8,
).filter(lambda tree: isinstance(tree, dict))


def warned(config: dict[str, Any], **variables: str) -> list[str]:
    environment = {PREFIX + name: value for name, value in variables.items()}
    return list(unread_variables(environment, config, SCHEMA, PREFIX))


def flat(tree: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Return an object as Meltano writes it into a variable."""
    made: dict[str, Any] = {}
    for name, value in tree.items():
        made |= flat(value, f"{path}{name}.") if isinstance(value, dict) else {path + name: value}
    return made


def test_a_setting_that_only_the_environment_has_is_warned_of() -> None:
    (line,) = warned({"api_token": "x"}, START_DATE="2026-01-01")
    assert line.startswith("TAP_SUMERU_START_DATE: is set, but variables are read with --config=ENV only.")
    assert warned({"start_date": "2025-01-01"}, START_DATE="2026-01-01") == []


def test_a_misspelt_one_is_warned_of() -> None:
    assert warned({}, CONCURENCY="3") == [
        "TAP_SUMERU_CONCURENCY: unknown setting. Did you mean TAP_SUMERU_CONCURRENCY?"
    ]


@pytest.mark.parametrize(
    "variables",
    [
        {"START_DATE": " "},
        {"SHOPS": "[]", "STREAM_MAPS": "{}"},
        {"LOGLEVEL": "INFO", "_SELECT": "[]"},
        {"STREAM_OPTIONS_ORDERS_DETAILS": "true", "STREAM_MAPS_ORDERS": "x", "FOR_SOMETHING_ELSE": "x"},
    ],
    ids=["empty", "empty JSON", "Meltano's own", "members of objects"],
)
def test_nothing_else_is(variables: dict[str, str]) -> None:
    assert warned({}, **variables) == []


@given(TREES)
def test_an_object_that_meltano_has_flattened_is_whole_again(tree: dict[str, Any]) -> None:
    assert nested(flat(tree)) == tree
    assert given_values({"stream_maps": json.dumps(flat(tree))}, SCHEMA) == {"stream_maps": tree}


@pytest.mark.parametrize(
    ("config", "lost"),
    [
        ({}, True),
        ({"stream_maps": {"customers": {"phone": "md5(phone)"}}}, True),
        ({"stream_maps": {"customers": {"email": "__NULL__"}}}, False),
        ({"stream_maps": {"customers": {"email": None}}}, False),
    ],
)
def test_a_null_that_meltano_has_dropped_is_an_error(config: dict[str, Any], *, lost: bool) -> None:
    environment = {
        "TAP_SUMERU_STREAM_MAPS": '{"customers.email": null, "customers.phone": "x", "orders": null}'
    }
    if not lost:
        check_dropped_nulls(environment, config, PREFIX)
        return
    with pytest.raises(SettingsError, match=r"^stream_maps\.customers\.email: Meltano drops this null\."):
        check_dropped_nulls(environment, config, PREFIX)


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"customers": {"email": null}}', '{"a.b.c": null}'])
def test_any_other_variable_is_accepted(text: str) -> None:
    check_dropped_nulls({"TAP_SUMERU_STREAM_MAPS": text}, {}, PREFIX)
