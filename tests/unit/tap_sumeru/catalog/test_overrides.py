"""What a catalog may change in a schema, and what is an error at the start."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.column_types import FORMATS, KINDS, column_type
from tap_sumeru.catalog.overrides import CatalogSchema, apply_schema
from tap_sumeru.errors import CatalogError

Json = dict[str, Any]
MOMENT = {"type": ["string", "null"], "format": "date-time"}


def applied(given_columns: Json, *, stream: str = "orders", without: tuple[str, ...] = ()) -> CatalogSchema:
    """Return the schema of a stream from a catalog that was changed after the discovery."""
    own = stream_schemas.load(stream)
    columns = {name: one for name, one in own["properties"].items() if name not in without}
    parent = "journey_id" if stream == "enrollments" else ""
    return apply_schema(
        stream,
        stream_schemas.load(stream),
        {"type": "object", "properties": {**columns, **given_columns}},
        moments={"date" if stream == "usage" else "updated_at"},
        parent_column=parent,
    )


@pytest.mark.parametrize("stream", ["orders", "customers", "usage", "enrollments", "attribution"])
def test_a_discovered_catalog_changes_nothing(stream: str) -> None:
    schema = applied({}, stream=stream)
    assert schema == CatalogSchema(stream_schemas.load(stream))
    assert list(schema.notes(stream)) == []


@pytest.mark.parametrize("given_schema", [{}, {"type": "object"}, {"properties": {}}])
def test_a_catalog_without_columns_uses_the_schema_of_the_tap(given_schema: Json) -> None:
    own = stream_schemas.load("orders")
    assert apply_schema("orders", own, given_schema, moments={"updated_at"}).schema is own


def test_a_column_is_added_and_a_type_is_set() -> None:
    schema = applied({"total_price": {"type": ["string", "null"]}, "gift": {"type": "boolean"}})
    properties = schema.schema["properties"]
    assert schema.retyped == {"total_price", "gift"}
    assert properties["total_price"]["type"] == ["string", "null"]
    assert properties["total_price"]["description"]
    assert properties["gift"] == {"type": ["boolean", "null"]}
    assert list(properties)[:2] == ["shop", "id"]
    assert list(properties)[-2:] == ["relationships", "extra"]
    ((_, note),) = schema.notes("orders")
    assert note == "orders: the catalog sets the type of `total_price`, `gift`; null is allowed in each."


def test_a_column_that_was_written_anew_is_converted_even_to_the_type_that_it_had() -> None:
    schema = applied(
        {"total_price": {"type": ["null", "number"]}, "updated_at": MOMENT, "id": {"type": "string"}}
    )
    assert schema.retyped == {"total_price"}


def test_a_personal_column_stays_marked() -> None:
    """Meltano replaces the schema of a column as a whole."""
    assert applied({"email": {"type": "object"}}).schema["properties"]["email"]["x-pii"] is True


@pytest.mark.parametrize(
    ("given_type", "simple"),
    [
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, {"type": ["number", "null"]}),
        ({"anyOf": [{"type": "integer"}, {"type": ["number", "null"]}]}, {"type": ["number", "null"]}),
        (
            {"oneOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]},
            {"type": ["string", "null"]},
        ),
        (
            {"anyOf": [{"type": "null"}, {"type": "string", "format": "date"}]},
            {"type": ["string", "null"], "format": "date"},
        ),
        ({"type": "object", "properties": {}}, {"type": ["object", "null"]}),
        ({"type": ["null", "array"], "items": {}}, {"type": ["array", "null"]}),
        ({"type": "integer", "format": "int64"}, {"type": ["integer", "null"], "format": "int64"}),
    ],
)
def test_a_type_is_written_in_its_simplest_form(given_type: Json, simple: Json) -> None:
    assert column_type("catalog: orders.new", given_type) == simple


IMPOSSIBLE: list[tuple[str, Json, str]] = [
    ("total_price", {"type": "money"}, "unknown type money"),
    ("total_price", {"type": ["decimal", "null"]}, "unknown type decimal"),
    ("total_price", {"type": 5}, "`type` must be"),
    ("total_price", {"type": "null"}, "has no type"),
    ("total_price", {}, "has no type"),
    ("note", {"type": "string", "format": "uuid"}, "the format uuid is not supported"),
    ("note", {"type": "string", "format": "time"}, "the format time is not supported"),
    ("note", {"type": "string", "maxLength": 10}, "`maxLength` is not supported"),
    ("note", {"type": "string", "enum": ["a"]}, "`enum` is not supported"),
    ("note", {"anyOf": [{"type": "string"}, {"type": "number"}]}, "must have one type in common"),
    ("note", {"anyOf": [{"type": "string"}, {"type": "object"}]}, "must have one type in common"),
    ("note", {"anyOf": [{"type": "null"}]}, "must have one type in common"),
    ("note", {"anyOf": "text"}, "`anyOf` must be a list"),
    ("note", {"type": "string", "anyOf": [{"type": "string"}]}, "more than one of"),
    ("line_items", {"type": "array", "items": {"type": "money"}}, "unknown type money"),
    ("shipping_address", {"type": "object", "properties": {"city": {"type": "x"}}}, "unknown type x"),
    ("shipping_address", {"type": "object", "additionalProperties": False}, "must be true"),
    ("shipping_address", {"type": ["object", "string"], "properties": {"a": {"type": "string"}}}, "another"),
    ("shop", {"type": "integer"}, "is a key, and must be a string"),
    ("id", {"type": ["integer", "string"]}, "is a key, and must be a string"),
    ("id", {"type": "string", "format": "date-time"}, "is a key, and must be a string"),
    ("extra", {"type": "string"}, "must be an object without `properties`"),
    ("relationships", {"type": "array"}, "must be an object without `properties`"),
    ("extra", {"type": "object", "properties": {"a": {"type": "string"}}}, "must be an object without"),
    ("updated_at", {"type": "string"}, "is the replication key"),
    ("updated_at", {"type": "integer"}, "is the replication key"),
    ("total_*", {"type": "string"}, "is not the name of a column"),
    ('a"b', {"type": "string"}, "is not the name of a column"),
    ("", {"type": "string"}, "is not the name of a column"),
]


@pytest.mark.parametrize(("name", "column", "message"), IMPOSSIBLE, ids=str)
def test_a_type_that_cannot_be_honoured_is_an_error_that_names_the_column(
    name: str, column: Json, message: str
) -> None:
    with pytest.raises(CatalogError) as caught:
        applied({name: column})
    assert str(caught.value).startswith(f"catalog: orders.{name}")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("stream", "name", "column"),
    [
        ("enrollments", "journey_id", {"type": "integer"}),
        ("usage", "date", {"type": "string", "format": "date-time"}),
    ],
)
def test_other_keys_keep_their_type(stream: str, name: str, column: Json) -> None:
    with pytest.raises(CatalogError, match=f"catalog: {stream}.{name}: is "):
        applied({name: column}, stream=stream)


def test_a_replication_key_can_be_added() -> None:
    own, column = stream_schemas.load("orders"), {"type": "string", "format": "date-time"}
    columns = {"properties": {**own["properties"], "modified_on": column}}
    schema = apply_schema("orders", own, columns, moments={"modified_on"}).schema
    assert schema["properties"]["modified_on"]["format"] == "date-time"
    columns["properties"]["modified_on"] = {"type": "integer"}
    with pytest.raises(CatalogError, match=r"orders\.modified_on: is the replication key"):
        apply_schema("orders", own, columns, moments={"modified_on"})


def test_columns_that_the_tap_needs_are_restored_and_others_are_named() -> None:
    schema = applied({}, without=("extra", "updated_at", "id", "note", "tags"))
    assert list(schema.schema["properties"])[:2] == ["shop", "id"]
    assert list(schema.schema["properties"])[-2:] == ["relationships", "extra"]
    restored, missing = (text for _, text in schema.notes("orders"))
    assert restored.startswith("orders: the catalog lacks `id`, `updated_at`, `extra`, which the tap needs")
    assert missing.startswith(
        "orders: the catalog does not know `note`, `tags`; such values go into `extra`, "
        "unless that is left out."
    )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([*KINDS, *FORMATS, "null", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "format", "properties", "items", "anyOf", "enum", "a"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(KINDS) | ANYTHING}, optional={"items": ANYTHING, "properties": ANYTHING}
    )
    | st.dictionaries(st.sampled_from(["type", "format", "anyOf", "oneOf"]), ANYTHING)
)
def test_any_schema_of_a_column_is_simple_or_an_error(schema: Json) -> None:
    try:
        column = column_type("catalog: orders.new", schema)
    except CatalogError:
        return
    assert set(column["type"]) <= {*KINDS, "null"}
    assert "null" in column["type"]
    assert len(column["type"]) > 1
    assert "anyOf" not in column
