"""Columns learned from sampled values: types, names, and what looks personal."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.json_values import decode
from tap_sumeru.catalog.learned_columns import MAX_LEARNED, Samples, is_safe
from tap_sumeru.records.type_checks import converter_for

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4
)
NAMES = st.sampled_from(
    ["tier", "Tier", "vip", "a b", "_sdc_x", "id", "extra", "total_price", "x1", "🙂", "1x"]
)
ROWS = st.lists(st.dictionaries(NAMES, VALUES), max_size=8)


def columns(*rows: dict[str, Any], known: tuple[str, ...] = ()) -> dict[str, Any]:
    samples = Samples()
    for row in rows:
        samples.add(decode(json.dumps(row).encode()))
    return samples.columns(known)


def type_of(*values: object) -> tuple[list[str], str | None] | None:
    found = columns(*({"field": value} for value in values)).get("field")
    return None if found is None else (found["type"], found.get("format"))


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ((True, False), "boolean"),
        ((1, 2), "integer"),
        ((1, 2.5), "number"),
        ((2.5, None), "number"),
        (("a", "2026-05-10T00:00:00Z"), "string"),
        (("2026-05-10", "2026-05-11"), "string"),
        (([1], []), "array"),
        (({"a": 1}, {}), "object"),
    ],
)
def test_the_type_fits_all_values(values: tuple[object, ...], type_: str) -> None:
    assert type_of(*values) == ([type_, "null"], None)


def test_timestamps_become_date_times() -> None:
    assert type_of("2026-05-10T12:00:00Z", None, "2026-05-10 12:30") == (["string", "null"], "date-time")


@pytest.mark.parametrize("values", [(1, "a"), (True, 1), ([1], {"a": 1}), (None,), (10**30,), (1, 10**30)])
def test_values_of_no_single_type_stay_in_extra(values: tuple[object, ...]) -> None:
    assert type_of(*values) is None


@pytest.mark.parametrize(
    "name", ["a b", "1st", "naïve", "", "_sdc_batched_at", "x" * 64, "a-b", 'a"b', "shop"]
)
def test_names_that_a_warehouse_might_change_stay_in_extra(name: str) -> None:
    assert columns({name: 1}) == {}


def test_names_that_differ_in_case_only_stay_in_extra() -> None:
    assert columns({"Tier": 1, "tier": 2, "vip": 1, "Total": 1}, known=("total",)).keys() == {"vip"}


def test_at_most_200_columns_are_learned() -> None:
    assert len(columns({f"field_{i}": i for i in range(500)})) == MAX_LEARNED == 200


@pytest.mark.parametrize(
    "row",
    [
        {"contact_mail": "x"},
        {"billingEmail": "x"},
        {"note": "write to anna@example.com"},
        {"note": "+49 170 1234567"},
        {"first_name": "Anna"},
        {"recipient": {"street": "Main Road 1"}},
        {"people": [{"email": "a@example.com"}]},
    ],
)
def test_what_looks_personal_is_marked(row: dict[str, Any]) -> None:
    (column,) = columns(row).values()
    assert column["x-pii"] == "suspected"


@pytest.mark.parametrize("row", [{"tier": "gold"}, {"renewed_at": "2026-05-10T12:00:00Z"}, {"sku": "4711"}])
def test_what_does_not_look_personal_is_not_marked(row: dict[str, Any]) -> None:
    (column,) = columns(row).values()
    assert "x-pii" not in column


@given(ROWS)
def test_every_sampled_value_fits_its_column(rows: list[dict[str, Any]]) -> None:
    found = columns(*rows)
    for name, schema in found.items():
        assert is_safe(name)
        assert schema["x-provenance"] == "observed"
        convert = converter_for(schema)
        for row in rows:
            if row.get(name) is not None:
                convert(decode(json.dumps(row[name]).encode()))  # raises if the type is too narrow


@given(st.lists(st.dictionaries(NAMES, VALUES), max_size=3))
def test_the_order_of_the_rows_does_not_matter(rows: list[dict[str, Any]]) -> None:
    assert len({json.dumps(columns(*some)) for some in permutations(rows)}) <= 1
