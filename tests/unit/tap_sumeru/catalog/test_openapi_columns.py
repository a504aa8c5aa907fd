"""Columns from an OpenAPI document: where rows are described, marks, keys and names."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.openapi_changes import changed
from support.openapi_orders import ID, PATH, orders, spec
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.learned_columns import MAX_LEARNED
from tap_sumeru.catalog.openapi_columns import openapi_columns, retyped
from tap_sumeru.catalog.overrides import apply_schema
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.errors import CatalogError

if TYPE_CHECKING:
    from random import Random

Json = dict[str, Any]

STRING = {"type": "string"}


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
        "order_number": {"type": "string", "format": "phone"},
        "contactPhone": STRING,
        "notified": {"oneOf": [{"type": "string", "format": "email"}, {"type": "null"}]},
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
        "notified": "suspected",
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


JUNK: list[Any] = [
    None,
    5,
    "x",
    [],
    {},
    True,
    {"$ref": "#"},
    {"$ref": "#/paths"},
    {"$ref": "#x"},
    {"$id": 5},
    [{}],
]


def places(node: Any) -> list[tuple[Any, Any]]:
    """Return each container within a JSON value, with each of its keys."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    return [(node, key) for key in keys] + [place for key in keys for place in places(node[key])]


@given(random=st.randoms(use_true_random=False), count=st.integers(1, 30))
@settings(deadline=None)
def test_no_part_of_a_document_that_has_another_form_ends_a_discovery(random: Random, count: int) -> None:
    line = {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}
    lines = {"Line": {"allOf": [{"properties": {"sku": STRING}}, {"properties": {"lines": line}}]}}
    document = copy.deepcopy(spec({"status": STRING, "lines": line}, lines, servers=[{"url": "/"}]))
    for _ in range(count):
        node, key = random.choice(places(document))
        node[key] = copy.deepcopy(random.choice(JUNK))
        if not places(document):
            return
    known = stream_schemas.load("orders")["properties"]
    found = openapi_columns(document, STREAMS["orders"], known, "updated_at")
    assert (
        found is None
        or "x-provenance" in stream_schemas.load("orders", found.columns)["properties"]["status"]
    )
