"""Ids that are made: of rows that share their id, of hidden values, and the same in every release."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.records.record_builder import BuiltRecord, RecordBuilder, RowContext

HASH = re.compile("hash_[0-9a-f]{32}")


def build(
    stream: str, row: dict[str, Any], context: RowContext | None = None, **selected: Any
) -> BuiltRecord:
    spec, properties = STREAMS[stream], stream_schemas.load(stream)["properties"]
    selection = StreamSelection(stream, properties, tuple(properties), **selected)
    return RecordBuilder(spec, selection, spec.replication_key).build(
        row, context or RowContext("acme"), (), Counter()
    )


def stock(row_id: str | None, location: str, **more: Any) -> dict[str, Any]:
    return {"id": row_id, "product_id": "p", "variant_id": None, "location_id": location, **more}


SHARED = RowContext("acme", own_ids=False)


@pytest.mark.parametrize(
    ("row", "made", "kept"),
    [
        (stock("inv_1", "x"), "inv_1:p::x", "inv_1"),
        (stock("inv_1", "y"), "inv_1:p::y", "inv_1"),
        (stock(None, "x"), ":p::x", None),
    ],
)
def test_an_id_that_rows_share_is_one_part_of_the_made_id_and_is_kept(
    row: dict[str, Any], made: str, kept: str | None
) -> None:
    built = build("inventory", row, SHARED)
    assert built.record["id"] == made
    assert built.record["extra"] == (None if kept is None else {"id": kept})


@pytest.mark.parametrize(("row_id", "context"), [("inv_1", SHARED), ([5], None), (True, None)])
def test_an_id_that_is_not_used_is_kept_beside_that_of_the_attributes(
    row_id: object, context: RowContext | None
) -> None:
    row = {"id": row_id, "attributes": {"id": "own", "product_id": "p", "_id": 9}}
    built = build("inventory", row, context)
    assert built.record["extra"] == {"id": "own", "_id": 9, "__id": row_id}
    hidden = build("inventory", row, context, protected=frozenset({"id"}))
    assert hidden.record["extra"] == {"_id": 9}
    assert hidden.record["id"] == built.record["id"]
    if context:
        assert built.record["id"] == "own:p::"


def test_a_hidden_id_that_rows_share_still_tells_them_apart() -> None:
    built = build("inventory", stock("inv_1", "x"), SHARED, protected=frozenset({"id"}))
    assert (built.record["id"], built.record["extra"]) == ("inv_1:p::x", None)


def test_rows_that_share_their_id_and_their_natural_key_differ_in_content() -> None:
    rows = [stock("inv_1", "x", available=number) for number in (1, 2, 1)]
    one, other, again = (build("inventory", row, SHARED) for row in rows)
    assert one.made_id == again.made_id != other.made_id
    assert one.made_id is not None
    assert one.made_id[0] == one.record["id"] == other.record["id"]
    by_content = RowContext("acme", natural_key=False, own_ids=False)
    one, other, again = (build("inventory", row, by_content) for row in rows)
    assert HASH.fullmatch(one.record["id"])
    assert one.record["id"] == again.record["id"] != other.record["id"]
    assert (one.made_id, one.record["extra"]) == (None, {"id": "inv_1"})


@given(st.sets(st.tuples(st.sampled_from("ab"), st.sampled_from("pq"), st.sampled_from("xy"))))
def test_rows_of_different_keys_never_have_one_made_id(keys: set[tuple[str, str, str]]) -> None:
    rows = [{"id": one, "product_id": product, "location_id": place} for one, product, place in keys]
    assert len({build("inventory", row, SHARED).record["id"] for row in rows}) == len(keys)


def test_a_natural_key_of_hidden_values_does_not_show_them() -> None:
    days = ("2026-05-10", "2026-05-11", "2026-05-10")
    one, other, again = (
        build("usage", {"date": day}, protected=frozenset({"date"})).record["id"] for day in days
    )
    assert HASH.fullmatch(one)
    assert one == again != other
    assert build("usage", {"date": days[0]}, protected=frozenset({"sms_sent"})).record["id"] == days[0]


def test_a_made_id_is_the_same_in_every_release() -> None:
    """Another one would leave each of these rows in a warehouse twice."""
    row = {"attributes": {"email": "a"}}
    assert build("customers", row).record["id"] == "hash_2a2e742151a19ff973aa45ea0ff057b2"
    child = RowContext("acme", "jrn_1")
    assert (
        build("enrollments", {"status": "active"}, child).record["id"]
        == "hash_3cd48370bbf4cf01657f410ea47f72d3"
    )


def test_an_empty_id_is_none() -> None:
    assert build("customers", {"id": "", "attributes": {"id": "cus_9"}}).record["id"] == "cus_9"
    assert HASH.fullmatch(build("customers", {"attributes": {"id": ""}}).record["id"])


def test_a_value_of_a_column_of_another_type_is_converted() -> None:
    row = {"id": "cus_1", "orders_count": "3"}
    assert build("customers", row).record["extra"] == {"orders_count": "3"}
    assert build("customers", row, retyped=frozenset({"orders_count"})).record["orders_count"] == 3
