"""The table of streams and their schemas: what every target accepts, and where each column is known from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = {
    "customers": ("customers", "updated_at"),
    "orders": ("orders", "updated_at"),
    "attribution": ("attribution", "attributed_at"),
    "campaigns": ("campaigns", "updated_at"),
    "journeys": ("journeys", "updated_at"),
    "enrollments": ("journeys/{parent}/enrollments", "updated_at"),
    "products": ("products", "updated_at"),
    "inventory": ("inventory", "updated_at"),
    "usage": ("usage", "date"),
    "decision_intelligence_runs": ("decision-intelligence/runs", "created_at"),
    "seo_keywords": ("seo-intelligence/keywords", "updated_at"),
}


def test_the_table_of_streams() -> None:
    assert {name: (spec.path, spec.replication_key) for name, spec in STREAMS.items()} == TABLE


def nested(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for member in schema.get("properties", {}).values():
        yield from nested(member)
    if "items" in schema:
        yield from nested(schema["items"])


@pytest.mark.parametrize("stream", STREAMS)
def test_a_schema_has_no_keyword_that_breaks_a_target(stream: str) -> None:
    for part in nested(stream_schemas.load(stream)):
        assert not {"multipleOf", "minimum", "maximum", "default", "enum", "anyOf", "oneOf", "$ref"} & set(
            part
        )
        assert part.get("format") in (None, "date", "date-time")
        assert "number" not in part.get("items", {}).get("type", ())


@pytest.mark.parametrize("stream", STREAMS)
def test_every_column_has_a_description_and_a_provenance(stream: str) -> None:
    properties = stream_schemas.load(stream)["properties"]
    assert list(properties)[:2] == ["shop", "id"]
    assert list(properties)[-2:] == ["relationships", "extra"]
    assert STREAMS[stream].replication_key in properties
    for name, column in properties.items():
        assert column["description"].endswith("."), name
        assert column["x-provenance"] in {"documented", "assumed"}, name
        assert ("null" in column["type"]) == (name not in STREAMS[stream].primary_key), name
        if column["x-provenance"] == "assumed":
            assert "x-source" not in column


def test_a_child_has_the_id_of_its_parent_in_its_key() -> None:
    """Ids may be numbered per journey."""
    keys = {name: spec.primary_key for name, spec in STREAMS.items()}
    assert keys.pop("enrollments") == ("shop", "journey_id", "id")
    assert set(keys.values()) == {("shop", "id")}


def test_personal_data_is_marked() -> None:
    marked = {
        (stream, name)
        for stream in STREAMS
        for name, column in stream_schemas.load(stream)["properties"].items()
        if column.get("x-pii") and name != "extra"
    }
    assert {
        ("customers", name) for name in ("email", "phone", "first_name", "last_name", "address")
    } <= marked
    assert {("orders", name) for name in ("email", "shipping_address", "note")} <= marked


def test_writable_columns_are_marked_for_those_who_write_alone() -> None:
    marked = {
        (stream, name): column["x-writable"]
        for stream in STREAMS
        for name, column in stream_schemas.load(stream)["properties"].items()
        if "x-writable" in column
    }
    documented = {column for column, mark in marked.items() if mark == "documented"}
    assert documented == {("customers", "tags"), ("campaigns", "name"), ("campaigns", "audience_id")}
    assert set(marked.values()) == {"documented", "assumed"}
    assert not any(name.endswith("_id") for _, name in marked if name != "audience_id")
    for stream in STREAMS:
        for part in nested(stream_schemas.load_for_reading(stream)):
            assert "x-writable" not in part


def test_a_caller_owns_the_schema_it_loads() -> None:
    stream_schemas.load("orders")["properties"]["id"]["type"].append("null")
    assert stream_schemas.load("orders")["properties"]["id"]["type"] == ["string"]
