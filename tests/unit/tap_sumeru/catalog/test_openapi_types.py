"""Types of an OpenAPI document: each way to write one, what is cut, and what is no column."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.openapi_orders import orders, spec
from tap_sumeru.records.type_checks import converter_for

Json = dict[str, Any]

STRING, OBJECT = {"type": "string"}, {"type": "object", "properties": {"a": {"type": "string"}}}


def type_of(schema: Any, **schemas: Any) -> Any:
    """Return type and format of a new column, None if there is no column."""
    column = orders(spec({"field": schema}, schemas)).columns.get("field")
    return column and (column["type"][0], column.get("format"))


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
