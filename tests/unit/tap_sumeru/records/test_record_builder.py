"""The reference path: a row becomes a record, flat and typed, and nothing of it is lost."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sumeru_api.json_values import decode
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.records.record_builder import BuiltRecord, RecordBuilder, RowContext


def builder(stream: str, *deselected: str, protected: frozenset[str] = frozenset()) -> RecordBuilder:
    spec, properties = STREAMS[stream], stream_schemas.load(stream)["properties"]
    selected = tuple(name for name in properties if name not in deselected)
    selection = StreamSelection(stream, properties, selected, protected=protected)
    return RecordBuilder(spec, selection, spec.replication_key, spec.include)


def build(
    one: RecordBuilder, row: dict[str, Any], parent: str | None = None, *, natural_key: bool = True
) -> BuiltRecord:
    return one.build(row, RowContext("acme", parent, natural_key), (), Counter())


def record_of(row: dict[str, Any], stream: str = "customers", parent: str | None = None) -> dict[str, Any]:
    return build(builder(stream), row, parent=parent).record


def enveloped(**attributes: Any) -> dict[str, Any]:
    return {"id": "cus_1", "type": "customer", "attributes": attributes}


def test_the_documented_resource() -> None:
    row = decode(
        b'{"id":"cus_abc123","type":"customer","attributes":{"email":"jane@example.com","lifecycle_stage":"loyal",'
        b'"total_spent":487.20},"relationships":{"orders":{"links":{"related":"/api/v1/customers/cus_abc123/orders"}}}}'
    )
    record = record_of(row)
    assert list(record) == list(stream_schemas.load("customers")["properties"])
    assert record["shop"] == "acme"
    assert record["id"] == "cus_abc123"
    assert str(record["total_spent"]) == "487.20"
    assert record["relationships"]["orders"]["links"]["related"] == "/api/v1/customers/cus_abc123/orders"
    assert record["phone"] is None
    assert record["extra"] is None


def test_a_flat_row_gives_the_same_record() -> None:
    attributes = {"email": "jane@example.com", "total_spent": Decimal("487.20")}
    flat = {"id": "cus_1", "type": "customer", "relationships": {}, **attributes}
    assert record_of(flat) == record_of({**enveloped(**attributes), "relationships": {}})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email", 5),
        ("email", ["a"]),
        ("total_spent", "487.20"),
        ("total_spent", True),
        ("total_spent", 10**40),
        ("orders_count", Decimal("1.0")),
        ("orders_count", 2**63),
        ("orders_count", "3"),
        ("accepts_email", "yes"),
        ("accepts_email", 1),
        ("tags", "vip"),
        ("tags", [1]),
        ("address", []),
        ("address", {"city": 5}),
        ("created_at", "soon"),
        ("created_at", 1715346000),
    ],
)
def test_a_value_of_an_unexpected_type_is_kept_in_extra(name: str, value: object) -> None:
    mismatches: Counter[str] = Counter()
    record = builder("customers").build(enveloped(**{name: value}), RowContext("acme"), (), mismatches).record
    assert record[name] is None
    assert record["extra"] == {name: value}
    assert mismatches == {name: 1}


def test_minus_zero_is_an_integer() -> None:
    row = decode(b'{"id":"cus_1","attributes":{"orders_count":-0}}')
    assert str(record_of(row)["orders_count"]) == "-0"


def test_an_unknown_field_is_kept_in_extra_and_so_are_unknown_members() -> None:
    record = record_of({**enveloped(loyalty_tier="gold"), "links": {"self": "/x"}, "meta": None})
    assert record["extra"] == {"loyalty_tier": "gold", "links": {"self": "/x"}, "meta": None}


def test_attributes_named_like_the_taps_own_columns_are_kept_in_extra() -> None:
    record = record_of(enveloped(shop="x", extra=1, relationships=[2], id="other", email="e"))
    assert record["extra"] == {"shop": "x", "extra": 1, "relationships": [2], "id": "other"}
    assert (record["shop"], record["id"], record["email"], record["relationships"]) == (
        "acme",
        "cus_1",
        "e",
        None,
    )
    assert record_of(enveloped(id="cus_1"))["extra"] is None


def test_every_mismatch_is_counted() -> None:
    one, mismatches = builder("customers"), Counter({"email": 10})
    for tags in ("vip", ["vip"], 5, "new"):
        one.build(enveloped(tags=tags, email=5), RowContext("acme"), (), mismatches)
    assert mismatches == {"tags": 3, "email": 14}


def test_relationships_that_are_not_an_object_are_kept_in_extra() -> None:
    odds: list[object] = [[], "x", 5]
    for odd in odds:
        record = record_of({**enveloped(), "relationships": odd})
        assert (record["relationships"], record["extra"]) == (None, {"relationships": odd})
    record = record_of({**enveloped(), "relationships": None})
    assert (record["relationships"], record["extra"]) == (None, None)


def test_nothing_of_a_deselected_column_is_kept() -> None:
    one = builder("customers", "email", "total_spent")
    record = build(one, enveloped(email=["jane@example.com"], total_spent="x")).record
    assert "email" not in record
    assert record["extra"] is None


def test_a_mismatch_of_a_protected_column_is_counted_but_not_kept() -> None:
    one, mismatches = builder("customers", protected=frozenset({"email"})), Counter[str]()
    row = enveloped(email=["jane@example.com"], tags="vip", new=1)
    record = one.build(row, RowContext("acme"), (), mismatches).record
    assert (record["email"], record["extra"]) == (None, {"tags": "vip", "new": 1})
    assert mismatches == {"email": 1, "tags": 1}


def test_nothing_is_kept_for_extra_if_it_is_deselected() -> None:
    record = build(builder("customers", "extra"), enveloped(email=5, new=1)).record
    assert "extra" not in record
    assert record["email"] is None


def test_nested_timestamps_are_normalised_and_unknown_members_kept() -> None:
    row = {"id": "ord_1", "attributes": {"refunds": [{"created_at": "2026-05-10T14:23:00+02:00", "new": 1}]}}
    assert record_of(row, "orders")["refunds"] == [{"created_at": "2026-05-10T12:23:00Z", "new": 1}]


@pytest.mark.parametrize(
    ("stream", "row", "id_"),
    [
        ("customers", {"id": 17, "attributes": {}}, "17"),
        ("customers", {"id": 10**40, "attributes": {}}, str(10**40)),
        ("customers", {"id": Decimal("1.50"), "attributes": {}}, "1.50"),
        ("customers", {"attributes": {"id": "cus_9"}}, "cus_9"),
        ("attribution", {"order_id": "ord_1", "model": "linear"}, "ord_1:linear"),
        ("inventory", {"product_id": "p", "variant_id": "v", "location_id": "l"}, "p:v:l"),
        ("customers", {"attributes": {"id": 9}}, "9"),
        ("usage", {"date": "2026-05-10", "emails_sent": 5}, "2026-05-10"),
        ("enrollments", {"customer_id": "cus_1"}, "cus_1"),
        ("usage", {"id": "", "date": "2026-05-10"}, "2026-05-10"),
        ("inventory", {"product_id": 1, "variant_id": "v", "location_id": 2}, "1:v:2"),
    ],
)
def test_ids(stream: str, row: dict[str, Any], id_: str) -> None:
    assert record_of(row, stream)["id"] == id_


@pytest.mark.parametrize("bad", [None, "", True, [], {}])
def test_a_row_without_any_key_gets_one_from_its_content(bad: object) -> None:
    one, same, other = (record_of({"id": bad, "attributes": {"email": e}})["id"] for e in ("a", "a", "b"))
    assert one.startswith("hash_")
    assert one == same != other


def test_the_id_made_from_a_rows_content_ignores_the_order_of_its_members() -> None:
    one, other = {"email": "a", "tags": ["x", "y"]}, {"tags": ["x", "y"], "email": "a"}
    assert record_of({"attributes": one})["id"] == record_of({"attributes": other})["id"]
    assert (
        record_of({"attributes": one})["id"] != record_of({"attributes": {**one, "tags": ["y", "x"]}})["id"]
    )


@pytest.mark.parametrize("part", [None, "", [], {}, Decimal("1.5")])
def test_a_natural_key_that_lacks_a_part_is_not_used(part: object) -> None:
    record = record_of({"product_id": "p", "variant_id": part, "location_id": "l"}, "inventory")
    assert re.fullmatch("hash_[0-9a-f]{32}", record["id"])


def test_a_natural_key_that_is_not_unique_is_not_used() -> None:
    one, rows = builder("usage"), [{"date": "2026-05-10", "channel": name} for name in ("email", "sms")]
    built = [build(one, row, natural_key=False) for row in (*rows, rows[0])]
    ids = [each.record["id"] for each in built]
    assert all(re.fullmatch("hash_[0-9a-f]{32}", each) for each in ids)
    assert ids[0] == ids[2] != ids[1]
    assert [each.made_id for each in built] == [None] * 3


def test_a_row_with_a_made_id_tells_its_content_from_that_of_others() -> None:
    one, rows = builder("usage"), [{"date": "2026-05-10", "channel": name} for name in ("email", "sms")]
    made = [build(one, row).made_id for row in (*rows, dict(reversed(rows[0].items())))]
    assert made[0] == made[2] != made[1]
    assert [each and each[0] for each in made] == ["2026-05-10"] * 3
    assert build(one, {"id": "u1", **rows[0]}).made_id is None


def test_the_same_content_under_two_parents_has_two_ids() -> None:
    row = {"attributes": {"status": "active"}}
    one, other = (record_of(row, "enrollments", parent)["id"] for parent in ("jrn_1", "jrn_2"))
    assert one != other


def test_an_id_that_cannot_be_one_is_kept_in_extra() -> None:
    for odd in (True, [1], {"a": 1}):
        assert record_of({**enveloped(), "id": odd})["extra"] == {"id": odd}
    for nothing in (None, ""):
        assert record_of({**enveloped(), "id": nothing})["extra"] is None


def test_the_id_of_a_flat_row_is_not_an_attribute() -> None:
    for nothing_lost in (17, None, ""):
        assert record_of({"id": nothing_lost, "email": "jane@example.com"})["extra"] is None
    assert record_of({"id": True, "email": "jane@example.com"})["extra"] == {"id": True}


def test_a_child_has_the_id_of_its_parent() -> None:
    flat = record_of({"id": "enr_1", "journey_id": "jrn_1"}, "enrollments", "jrn_1")
    assert (flat["journey_id"], flat["extra"]) == ("jrn_1", None)
    without = record_of({"id": "enr_1", "attributes": {"journey_id": None}}, "enrollments", "jrn_1")
    assert (without["journey_id"], without["extra"]) == ("jrn_1", None)
    assert record_of({"id": "enr_1", "attributes": {}}, "enrollments", "jrn_1")["journey_id"] == "jrn_1"
    record = record_of({"id": "enr_1", "attributes": {"journey_id": "jrn_2"}}, "enrollments", "jrn_1")
    assert (record["journey_id"], record["extra"]) == ("jrn_1", {"journey_id": "jrn_2"})


def test_a_built_record_has_the_replication_key_and_the_attributes_as_sent() -> None:
    sent = {"updated_at": "2026-05-10T14:23:00+02:00", "email": 5, "new": 1}
    built = build(builder("customers", "email"), enveloped(**sent))
    assert built.timestamp == datetime(2026, 5, 10, 12, 23, tzinfo=UTC)
    assert built.attributes == sent


@pytest.mark.parametrize("value", [None, 5, "soon"])
def test_an_unreadable_replication_key_is_none(value: object) -> None:
    one = builder("customers")
    assert build(one, enveloped(updated_at=value)).timestamp is None
    assert build(one, enveloped()).timestamp is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = (
    st.sampled_from([*stream_schemas.load("orders")["properties"], "type", "attributes", "unknown"])
    | st.text()
)


@given(st.dictionaries(NAMES, JSON, max_size=12), st.booleans())
def test_any_row_gives_a_valid_record_and_nothing_is_lost(content: dict[str, Any], flat: bool) -> None:
    row = content if flat else {"id": "ord_1", "attributes": content}
    record = record_of(row, "orders")
    plain = msgspec.json.decode(msgspec.json.Encoder(decimal_format="number").encode(record))
    Draft202012Validator(stream_schemas.load("orders")).validate(plain)
    kept = {**record, **(record["extra"] or {})}
    attributes = row.get("attributes")
    if not isinstance(attributes, dict) or (flat and kept.get("attributes") == attributes):
        attributes = row
    for name, value in attributes.items():
        if value is None or name in {"id", "type"}:
            continue
        assert name in kept
        if not isinstance(value, str | list | dict):
            assert kept[name] == value
