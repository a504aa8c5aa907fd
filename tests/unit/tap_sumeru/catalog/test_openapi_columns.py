"""Columns from an OpenAPI document: types, where rows are described, marks, keys and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.openapi_changes import changed
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.learned_columns import MAX_LEARNED
from tap_sumeru.catalog.openapi_columns import OpenApiColumns, openapi_columns, retyped
from tap_sumeru.catalog.overrides import apply_schema
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.errors import CatalogError
from tap_sumeru.records.type_checks import converter_for

if TYPE_CHECKING:
    from random import Random

Json = dict[str, Any]

PATH = "/api/v1/orders"
ID = {"id": {"type": "string"}}


def spec(
    fields: Json, schemas: Json | None = None, path: str = PATH, *, flat: bool = False, **more: Any
) -> Json:
    """Return a document in which the orders have some fields."""
    attributes = {"type": "object", "properties": fields}
    row = {"type": "object", "properties": {**ID, "attributes": attributes}}
    row = {"properties": {**ID, **fields}} if flat else row
    page = {"type": "object", "properties": {"data": {"type": "array", "items": row}}}
    response = {"description": "A page.", "content": {"application/json": {"schema": page}}}
    paths = {path: {"get": {"responses": {"200": response}}}}
    return {"openapi": "3.0.3", "paths": paths, "components": {"schemas": schemas or {}}, **more}


def orders(document: Json, key: str = "updated_at") -> OpenApiColumns:
    known = stream_schemas.load("orders")["properties"]
    found = openapi_columns(document, STREAMS["orders"], known, key)
    assert found is not None
    return found


def type_of(schema: Any, **schemas: Any) -> Any:
    """Return type and format of a new column, None if there is no column."""
    column = orders(spec({"field": schema}, schemas)).columns.get("field")
    return column and (column["type"][0], column.get("format"))


STRING, OBJECT = {"type": "string"}, {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "uuid", "maxLength": 3, "pattern": "^a"}, ("string", None)),
        ({"type": "string", "format": "date-time", "nullable": True}, ("string", "date-time")),
        ({"type": ["null", "string"], "format": "date"}, ("string", "date")),
        ({"type": "number", "multipleOf": 0.01, "minimum": 0}, ("number", None)),
        ({"type": "integer", "format": "int64", "maximum": 9}, ("integer", None)),
        ({"type": ["integer", "number"]}, ("number", None)),
        ({"enum": ["a", "b", None]}, ("string", None)),
        ({"enum": [1, 2.5]}, ("number", None)),
        ({"const": True}, ("boolean", None)),
        ({"type": "string", "enum": ["a"]}, ("string", None)),
        ({"properties": {"a": STRING}}, ("object", None)),
        ({"additionalProperties": STRING}, ("object", None)),
        ({"items": STRING}, ("array", None)),
        ({"$ref": "#/components/schemas/Name"}, ("string", None)),
        ({"$ref": "#/components/schemas/A~1b%20c"}, ("string", "date")),
        ({"allOf": [{"$ref": "#/components/schemas/Name"}], "nullable": True}, ("string", None)),
        ({"allOf": [{"type": "string"}, {"format": "date-time"}]}, ("string", "date-time")),
        ({"allOf": [{"type": "number"}, {"type": "integer"}]}, ("integer", None)),
        ({"oneOf": [{"type": "null"}, {"type": "string", "format": "date"}]}, ("string", "date")),
        ({"anyOf": [STRING, {"type": "string", "format": "date"}]}, ("string", None)),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, ("number", None)),
        ({"oneOf": [OBJECT, {"enum": [None]}]}, ("object", None)),
        ({"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, ("object", None)),
        ({"oneOf": [STRING, {"type": "integer"}]}, None),
        ({"type": ["string", "integer"]}, None),
        ({"allOf": [STRING, {"type": "integer"}]}, None),
        ({"type": "file"}, None),
        ({"type": "null"}, None),
        ({"$ref": "#/components/schemas/Missing"}, None),
        ({"$ref": "other.json#/Name"}, None),
        ({"$ref": 5}, None),
        ({"description": "Anything"}, None),
        ({}, None),
        (True, None),
        (None, None),
    ],
)
def test_each_way_to_write_a_type(schema: Any, expected: Any) -> None:
    schemas = {"Name": STRING, "A/b c": {"type": "string", "format": "date"}}
    assert type_of(schema, **schemas) == expected


def test_members_and_items_are_declared_and_objects_stay_open() -> None:
    line = {"type": "object", "properties": {"sku": STRING, "price": {"type": "number"}}}
    column = orders(spec({"lines": {"type": "array", "items": line}})).columns["lines"]
    members = {"sku": {"type": ["string", "null"]}, "price": {"type": ["number", "null"]}}
    assert column["items"] == {"type": ["object", "null"], "properties": members}


@pytest.mark.parametrize("member", [{}, {"oneOf": [STRING, {"type": "integer"}]}])
@pytest.mark.parametrize("name", ["b", "b c"])
def test_an_object_whose_members_cannot_all_be_declared_is_open(member: Json, name: str) -> None:
    schema = {"type": "object", "properties": {"email": STRING, name: member}}
    column = orders(spec({"field": schema})).columns["field"]
    assert column["additionalProperties"] is True
    assert column["x-pii"] == "suspected"
    assert "properties" not in column


def test_a_cycle_is_cut_to_an_open_object() -> None:
    """meltano/sdk#3009: circular references recursed without end."""
    node = {"type": "object", "properties": {"a": STRING, "next": {"$ref": "#/components/schemas/Node"}}}
    column = orders(spec({"field": {"$ref": "#/components/schemas/Node"}}, {"Node": node})).columns["field"]
    open_object = {"type": ["object", "null"], "additionalProperties": True}
    assert column["properties"] == {"a": {"type": ["string", "null"]}, "next": open_object}
    assert type_of({"$ref": "#/components/schemas/A"}, A={"allOf": [{"$ref": "#/components/schemas/A"}]})
    deep: Json = STRING
    for _ in range(300):
        deep = {"type": "array", "items": deep}
    assert type_of(deep) == ("array", None)


def test_a_schema_that_doubles_with_each_level_is_cut() -> None:
    levels = {
        f"L{i}": {
            "type": "object",
            "properties": {side: {"$ref": f"#/components/schemas/L{i + 1}"} for side in "ab"},
        }
        for i in range(40)
    }
    column = orders(spec({"field": {"$ref": "#/components/schemas/L0"}, "other": STRING}, levels)).columns
    assert column["field"]["additionalProperties"] is True
    assert column["other"]["type"] == ["string", "null"]


@pytest.mark.parametrize(
    "document",
    [
        spec({"field": STRING}, flat=True),
        spec({"field": STRING}, path="/orders", servers=[{"url": "https://api.sumeru.systems/api/v1/"}]),
        spec({"field": STRING}, path="/v1/orders/", servers=[{"url": "/api"}]),
        spec({"field": STRING}, path="/orders"),
        spec(
            {"field": STRING},
            path="/orders",
            servers=[{"url": "https://{host}/{base}", "variables": {"base": {"default": "api/v1"}}}],
        ),
        {
            **spec({"other": STRING}, path="/orders"),
            "paths": {**spec({"other": STRING}, path="/orders")["paths"], **spec({"field": STRING})["paths"]},
        },
    ],
)
def test_each_way_to_describe_the_rows(document: Json) -> None:
    assert orders(document).columns.keys() == {"field"}


def test_references_lead_to_path_response_page_and_row() -> None:
    document = spec({"field": STRING})
    item = document["paths"][PATH]
    response = item["get"]["responses"]["200"]
    media = response["content"].pop("application/json")
    response["content"]["application/vnd.api+json; charset=utf-8"] = media
    data = media["schema"]["properties"].pop("data")
    more = {"Row": data["items"], "Page": media["schema"]}
    data["items"] = {"$ref": "#/components/schemas/Row"}
    media["schema"] = {"allOf": [{"$ref": "#/components/schemas/Page"}, {"properties": {"data": data}}]}
    document["components"] |= {"schemas": more, "responses": {"Ok": response}, "pathItems": {"Orders": item}}
    item["get"]["responses"] = {"200": {"$ref": "#/components/responses/Ok"}}
    document["paths"] = {PATH: {"$ref": "#/components/pathItems/Orders"}}
    assert orders(document).columns.keys() == {"field"}


def test_a_parameter_of_the_path_may_have_any_name_and_data_may_be_one_object() -> None:
    row = {"type": "object", "properties": {**ID, "tier": STRING}}
    page = {"type": "object", "properties": {"data": row}}
    get = {"get": {"responses": {"200": {"content": {"application/json": {"schema": page}}}}}}
    document = {"openapi": "3.1.0", "paths": {"/api/v1/journeys/{whatever}/enrollments": get}}
    known = stream_schemas.load("enrollments")["properties"]
    found = openapi_columns(document, STREAMS["enrollments"], known, "updated_at")
    assert found is not None
    assert found.columns.keys() == {"tier"}


@pytest.mark.parametrize(
    "document",
    [
        {"openapi": "3.0.0", "paths": {}},
        spec({"field": STRING}, path="/api/v2/orders"),
        spec({"field": STRING}, path="/orders", servers=[]) | {"paths": {"/orders": {"post": {}}}},
        spec({}),
        {"openapi": "3.0.0", "paths": {PATH: {"get": {"responses": {"200": {"description": "No body"}}}}}},
        {"openapi": "3.0.0", "paths": {PATH: {"get": {"responses": []}}}},
        {"openapi": "3.0.0", "paths": {PATH: 5}},
    ],
)
def test_a_stream_that_is_not_described_has_no_columns(document: Json) -> None:
    known = stream_schemas.load("orders")["properties"]
    assert openapi_columns(document, STREAMS["orders"], known, "updated_at") is None


def test_names_that_a_warehouse_might_change_stay_in_extra() -> None:
    names = ["a b", "_sdc_x", "Total_Price", "shop", "Twice", "twice", "fits"]
    found = orders(spec(dict.fromkeys(names, STRING)))
    assert found.columns.keys() == {"fits"}
    assert found.others == tuple(sorted(set(names) - {"fits"}))


def test_at_most_200_columns_are_added_and_built_in_ones_do_not_count() -> None:
    fields = {f"field_{i}": STRING for i in range(500)} | {"status": STRING}
    found = orders(spec(fields))
    assert len(found.columns) == MAX_LEARNED + 1
    assert "status" in found.columns


def test_marks_are_kept_and_new_personal_names_are_suspected() -> None:
    fields = {
        "email": {"type": "string"},
        "shipping_address": {"type": "string"},
        "order_number": STRING,
        "contactPhone": STRING,
        "buyer": {"type": "object", "properties": {"last_name": STRING, "vip": {"type": "boolean"}}},
        "line_items": {"type": "array", "items": {"type": "object", "properties": {"title": STRING}}},
        "tier": STRING,
    }
    columns = orders(spec(fields)).columns
    marks = {name: column.get("x-pii") for name, column in columns.items()}
    assert marks == {
        "email": True,
        "shipping_address": True,
        "order_number": None,
        "contactPhone": "suspected",
        "buyer": None,
        "line_items": None,
        "tier": None,
    }
    assert columns["buyer"]["properties"]["last_name"]["x-pii"] == "suspected"
    assert "x-pii" not in columns["buyer"]["properties"]["vip"]


@pytest.mark.parametrize("name", ["updated_at", "id"])
@pytest.mark.parametrize("type_", ["boolean", "object", "array"])
def test_a_key_of_an_impossible_type_is_an_error(name: str, type_: str) -> None:
    fields = {"field": STRING, name: {"type": type_}}
    with pytest.raises(
        CatalogError, match=rf"^openapi_file: orders\.{name}: is (a|the replication) key, and must"
    ):
        orders(spec(fields, flat=True))


@pytest.mark.parametrize(
    ("schema", "used"),
    [
        (STRING, True),
        ({"type": "string", "format": "date-time"}, True),
        ({"type": "string", "format": "date"}, False),
    ],
)
def test_the_replication_key_keeps_its_type(schema: Json, used: bool) -> None:
    found = orders(spec({"updated_at": schema}))
    assert ("updated_at" in found.others) == (not used)
    known = stream_schemas.load("orders", found.columns)["properties"]["updated_at"]
    assert (known["type"], known["format"]) == (["string", "null"], "date-time")


def test_the_parent_column_stays_a_string() -> None:
    document = spec({"journey_id": {"type": "integer"}}, path="/api/v1/journeys/{id}/enrollments")
    known = stream_schemas.load("enrollments")["properties"]
    found = openapi_columns(document, STREAMS["enrollments"], known, "updated_at")
    assert found is not None
    assert found.columns["journey_id"]["type"] == ["string"]


@given(random=st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_columns_follow_20_random_changes(random: Random) -> None:
    document, changes = changed(random)
    for stream, spec_ in STREAMS.items():
        known = stream_schemas.load(stream)["properties"]
        found = openapi_columns(document, spec_, known, spec_.replication_key)
        assert found is not None
        used = stream_schemas.load(stream, found.columns)
        own = [change for change in changes if change.stream == stream]
        for change in own:
            assert change.fits(used["properties"][change.name]), change
            assert used["properties"][change.name]["x-provenance"] == "openapi"
        new = {change.name for change in own if change.how != "retyped"}
        assert new == found.columns.keys() - known.keys() - {"orders", "attributions"}
        assert {*retyped(used["properties"], known)} <= {change.name for change in own}
        # A sync takes the catalog that a discovery has written.
        moments = {spec_.replication_key}
        schema = apply_schema(stream, stream_schemas.load(stream), used, moments=moments).schema
        assert schema["properties"].keys() == used["properties"].keys()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["string", "object", "#/components/schemas/A", "date"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "properties",
                    "items",
                    "$ref",
                    "allOf",
                    "anyOf",
                    "oneOf",
                    "format",
                    "enum",
                    "a",
                    "const",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(field=JSON, component=JSON)
@settings(deadline=None)
def test_any_schema_is_a_column_that_targets_read_or_none(field: Any, component: Any) -> None:
    found = orders(spec({"field": field, "known": STRING}, {"A": component}))
    assert "known" in found.columns
    for column in found.columns.values():
        assert column["type"][0] in ("string", "number", "integer", "boolean", "object", "array")
        assert column["type"][1:] == ["null"]
        assert column.get("format") in (None, "date", "date-time")
        converter_for(column)
