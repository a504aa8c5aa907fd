"""The setting `pii` beside stream maps of any form, flattening and drifted values, and the hash itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from simplejson import RawJSON
from singer_sdk.mapper import sha256

from support.written_pages import discovered, make_stream, page_of, write_pages
from tap_sumeru import pii
from tap_sumeru.output.messages import MessageWriter
from tap_sumeru.output.private_columns import hashed
from tap_sumeru.output.stream_writer import StreamWriter

Json = dict[str, Any]
CANARY = "jane@canary.example"
KEYS = {"shop": "shop", "id": "id"}
SALT: Json = {"stream_map_config": {"hash_seed": "a long random text"}}
PERSONAL = ["email", "phone", "first_name", "last_name", "shopify_customer_id"]
VALUES: list[Any] = [CANARY, [CANARY], {"value": CANARY}, [{"deep": [CANARY]}], None]
ADDRESSES: list[Any] = [{"city": CANARY}, {"unknown": CANARY}, CANARY, [CANARY], None]
HIDING: Json = {"email": "'x'", "tags": None, "orders_count": "str(orders_count)", "new": "'hidden'"}


def row(**attributes: Any) -> Json:
    return {"id": "one", "attributes": {"updated_at": "2026-05-10T00:00:00Z", **attributes}}


@st.composite
def harmless_maps(draw: st.DrawFn) -> Json:
    """Return stream maps of any form, of which none emits a personal value."""
    names = st.sampled_from(sorted(HIDING))
    definition = {name: HIDING[name] for name in draw(st.lists(names, max_size=2))}
    if draw(st.booleans()):
        definition |= {**KEYS, "__else__": draw(st.sampled_from([None, "__NULL__"]))}
    if draw(st.booleans()):
        definition["__filter__"] = "email != 'nobody'"
    everything = [] if "__else__" in definition else ["*"]  # or other streams would lose their keys
    key = draw(st.sampled_from(["customers", *everything, "cust*", "?ustomers", "[c]*"]))
    form = draw(st.sampled_from(["none", "plain", "alias", "source", "itself", "both", "removed"]))
    forms: dict[str, Json] = {
        "none": {},
        "plain": {key: definition},
        "alias": {key: {**definition, "__alias__": "people"}},
        "source": {"people": {**definition, "__source__": key}},
        "itself": {"customers": {**definition, "__source__": "customers"}},
        "both": {key: {"tags": None}, "people": {**definition, "__source__": "customers"}},
        "removed": {"customers": None, "people": {**definition, "__source__": "customers"}},
    }
    return {**forms[form], **({"__else__": None} if draw(st.booleans()) else {})}


@settings(max_examples=40)
@given(
    maps=harmless_maps(),
    how=st.sampled_from(["hash", "drop"]),
    depth=st.sampled_from([0, 0, 1, 2]),
    values=st.fixed_dictionaries(
        {name: st.sampled_from(VALUES) for name in PERSONAL}
        | {"address": st.sampled_from(ADDRESSES), "unknown": st.sampled_from(VALUES)}
    ),
)
@example({"customers": {"__source__": "customers"}}, "hash", 0, {"email": CANARY})
def test_no_map_of_any_form_lets_a_personal_value_through(
    maps: Json, how: str, depth: int, values: Json
) -> None:
    flat: Json = {"flattening_enabled": True, "flattening_max_depth": depth} if depth else {}
    page = page_of(row(**values), row(), row(email=CANARY))
    written = write_pages("customers", [page], pii=how, stream_maps=maps, **SALT, **flat)
    assert CANARY not in written.text
    for alias, record in written.records:
        # Two maps may write the same stream, each with a SCHEMA of its own.
        schemas = [schema["properties"] for name, schema in written.all_schemas if name == alias]
        properties = next(schema for schema in schemas if record.keys() <= schema.keys())
        for name in record.keys() & {*PERSONAL, "address"}:
            assert "string" in properties[name]["type"]
            assert isinstance(record[name], str | None)


@pytest.mark.parametrize("how", ["hash", "drop"])
@pytest.mark.parametrize("name", ["plain", "it's", "ü b", "class"])
def test_a_marked_column_of_any_name_and_type_is_covered(how: str, name: str) -> None:
    values: list[Any] = [CANARY, None, 12.5, 7, True, {"a": [CANARY, 1.50]}, [CANARY], "\ud800"]
    catalog, entry = discovered("customers")
    any_type = ["string", "number", "boolean", "object", "array", "null"]
    entry["schema"]["properties"][name] = {"type": any_type, "x-pii": True}
    written = write_pages(
        "customers", [page_of(row(**{name: one})) for one in values], catalog, pii=how, **SALT
    )
    assert CANARY not in written.text
    found = [record.get(name) for _, record in written.records]
    assert [one is None for one in found] == [how == "drop" or one is None for one in values]
    assert all(isinstance(one, str | None) for one in found)


def test_what_is_hidden_is_deselected_where_no_map_is_needed() -> None:
    """Stream maps take many times the CPU."""
    for how, name, direct in (
        ("drop", "customers", True),
        ("hash", "customers", False),
        ("hash", "usage", True),
    ):
        assert StreamWriter(make_stream(name, pii=how, **SALT), MessageWriter()).direct is direct


@given(text=st.text(), seed=st.text(min_size=1))
def test_the_hash_of_a_text_is_that_of_a_stream_map(text: str, seed: str) -> None:
    assert hashed(text, seed) == str(sha256(seed + text))


@given(st.dictionaries(st.text(), st.lists(st.integers() | st.text() | st.decimals(allow_nan=False))))
def test_the_hash_of_an_object_does_not_depend_on_the_order_of_its_members(value: Json) -> None:
    backwards = dict(reversed(value.items()))
    assert hashed(value, "seed") == hashed(backwards, "seed")
    assert hashed(value, "seed") != hashed({**value, "more": 1}, "seed")


def test_a_number_too_large_for_the_sdk_has_one_hash() -> None:
    assert hashed([RawJSON("1e999")], "seed") == hashed([RawJSON("1e999")], "seed")
    assert hashed([Decimal("1.50")], "seed") != hashed([Decimal("1.5")], "seed")


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("email", True),
        ("str(record)", True),
        ("_['email']", True),
        ("_.get('tags')", False),
        ("'x'", False),
        ("shop", False),
    ],
)
def test_columns_made_of_personal_ones_are_told(expression: str, told: bool) -> None:
    maps = {"customers": {"made": expression}}
    assert (make_stream("customers", pii="hash", stream_maps=maps, **SALT).private.own == ("made",)) is told


def test_columns_that_all_maps_decide_about_are_not_counted() -> None:
    maps = {
        "customers": {"email": "email"},
        "people": {"__source__": "customers", "email": None, "phone": "phone"},
    }
    private = make_stream("customers", pii="hash", stream_maps=maps, **SALT).private
    assert private.hidden == ("phone", "first_name", "last_name", "shopify_customer_id", "address")
    assert private.own == ("email", "phone")


def test_the_recipe_and_the_setting_know_the_same_columns() -> None:
    for name, columns in pii.stream_maps("drop").items():
        assert {*make_stream(name, pii="drop").private.hidden, "extra"} == columns.keys(), name
