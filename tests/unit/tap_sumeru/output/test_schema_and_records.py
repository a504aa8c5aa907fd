"""SCHEMA and RECORD agree under every option of the SDK: the same keys, and values of the declared types."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from singer_sdk.exceptions import StreamMapConfigError

from sumeru_api.errors import UnexpectedResponse
from sumeru_api.json_values import UndecodableError, decode
from sumeru_api.responses import read_page
from support.random_pages import RandomPages
from support.written_pages import discovered, make_stream, page_of, write_pages
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from support.written_pages import Written

Json = dict[str, Any]
TYPES: list[Json] = [
    {"type": "string"},
    {"type": ["string", "null"], "format": "date-time"},
    {"type": ["null", "number"]},
    {"type": "integer"},
    {"type": "boolean"},
    {"type": ["string", "integer"]},
    {"type": "array", "items": {"type": "string"}},
    {"type": "object", "properties": {"city": {"type": "integer"}, "a": {"type": "object"}}},
    {"anyOf": [{"type": "object", "properties": {"q": {"type": "string"}}}, {"type": "null"}]},
]
KEYS = {"shop": "shop", "id": "id"}
FLAT: Json = {"flattening_enabled": True}


def assert_agrees(written: Written) -> None:
    """Each record has the keys of its schema, and each value has the type of its column."""
    for stream, record in written.records:
        schema = written.schemas[stream]
        assert record.keys() == schema["properties"].keys()
        Draft7Validator(schema).validate(json.loads(json.dumps(record, default=float)))
    for stream, keys in written.keys.items():
        assert set(keys) <= written.schemas[stream]["properties"].keys()


def random_options(random: Random, stream: str) -> Json:
    """Return options of the SDK, drawn at random."""
    options: Json = {}
    if random.random() < 0.7:
        options = {**FLAT, "flattening_max_depth": random.randrange(4)}
        if random.random() < 0.3:
            options["flattening_max_key_length"] = random.choice([8, 12, 20, 60])
        if random.random() < 0.3:
            options["flattening_separator"] = random.choice(["_", ".", "___"])
    properties = stream_schemas.load(stream)["properties"]
    names = [name for name in properties if name not in KEYS]
    rules: Json = dict.fromkeys(random.sample(names, random.randrange(3)))
    changed = random.choice(names)
    rules[changed] = f"json.dumps(_.get('{changed}'), default=str)"
    rules["added"] = random.choice(["'text'", "str(id)", "int(1)", "bool(id)"])
    if random.random() < 0.3:
        rules |= {**KEYS, "__else__": None}
    if random.random() < 0.2:
        rules["__filter__"] = "id != 'one'"
    forms = [
        {},
        {},
        {stream: rules},
        {"*": rules},
        {stream: {**rules, "__alias__": "other"}},
        {"other": {**rules, "__source__": stream}},
        {stream: {**rules, "__key_properties__": ["id"]}},
    ]
    return {**options, "stream_maps": random.choice(forms)}


def random_catalog(random: Random, stream: str) -> Json:
    """Return a catalog that deselects, retypes, adds and lacks columns at random."""
    catalog, entry = discovered(stream)
    properties = entry["schema"]["properties"]
    fixed = {*KEYS, "extra", "relationships", "journey_id", STREAMS[stream].replication_key}
    for name in random.sample([*properties, "new", "meta"], 4 if random.random() < 0.4 else 0):
        if name not in fixed:
            properties[name] = random.choice(TYPES)
    for name in random.sample(sorted(properties.keys() - fixed), random.choice([0, 0, 2])):
        del properties[name]
    for item in entry["metadata"]:
        if item["breadcrumb"] and item["metadata"].get("inclusion") != "automatic" and random.random() < 0.15:
            item["metadata"]["selected"] = False
    return catalog


@pytest.mark.parametrize("stream", STREAMS)
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_records_have_the_keys_and_types_of_their_schema(stream: str, seed: int) -> None:
    """See meltano/sdk#2178: a null object that is flattened kept a key that its schema lacks."""
    random, pages = Random(seed), RandomPages(stream, seed)  # noqa: S311 - for test data
    pages.bodies = [body for body in pages.bodies if _is_page(body)]
    options, catalog = random_options(random, stream), random_catalog(random, stream)
    try:
        written = write_pages(stream, pages.bodies, catalog, parent=pages.parent, **options)
    except (SettingsError, StreamMapConfigError):
        return  # names that are too short to tell columns apart, or a map without a key: refused at the start
    assert_agrees(written)


def _is_page(body: bytes) -> bool:
    """Return whether a body is read as a page."""
    try:
        return bool(read_page(decode(body)))
    except (UnexpectedResponse, UndecodableError):
        return False


ADDRESS = {"city": "Lyon", "door": "3", "geo": {"lat": "45.10"}}


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_flattening_keeps_what_the_schema_does_not_know(depth: int) -> None:
    attributes = {
        "new": {"a": [1]},
        "note": [5],
        "shipping_address": ADDRESS,
        "updated_at": "2026-05-10T00:00:00Z",
    }
    one = {"id": "one", "attributes": attributes, "relationships": {"customer": {"data": {"id": "cus_1"}}}}
    written = write_pages("orders", [page_of(one)], **FLAT, flattening_max_depth=depth)
    assert_agrees(written)
    record = written.record()
    assert record["shipping_address__city"] == "Lyon"
    assert json.loads(record["relationships"]) == one["relationships"]
    assert json.loads(record["extra"]) == {
        "new": {"a": [1]},
        "note": [5],
        "shipping_address": {"door": "3", "geo": {"lat": "45.10"}},
    }
    assert '"45.10"' in record["extra"]


def test_a_stream_map_keeps_the_members_that_a_schema_does_not_know() -> None:
    one = {"id": "one", "attributes": {"shipping_address": ADDRESS}}
    for maps in ({}, {"orders": {"note": None}}):
        assert write_pages("orders", [page_of(one)], stream_maps=maps).record()["shipping_address"] == ADDRESS


def test_a_masked_object_that_is_flattened_leaves_nothing_in_extra() -> None:
    one = {"id": "one", "attributes": {"shipping_address": ADDRESS}}
    maps = {"orders": {"shipping_address": None}}
    written = write_pages("orders", [page_of(one)], **FLAT, flattening_max_depth=1, stream_maps=maps)
    assert_agrees(written)
    assert "Lyon" not in written.text
    assert "door" not in written.text


@pytest.mark.parametrize(
    ("stream", "length", "message"),
    [("usage", 4, "would shorten `shop`, a key of usage"), ("orders", 8, "two columns of orders would have")],
)
def test_names_that_flattening_makes_useless_are_an_error_at_the_start(
    stream: str, length: int, message: str
) -> None:
    catalog, _ = discovered(stream)
    with pytest.raises(SettingsError, match=f"flattening_max_key_length: {message}"):
        make_stream(stream, catalog, **FLAT, flattening_max_depth=1, flattening_max_key_length=length)
