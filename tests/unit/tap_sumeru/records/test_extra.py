"""What a row holds beside its columns: no value replaces another, no protected value is kept."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.included import Included
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.records.extra import keep, without
from tap_sumeru.records.record_builder import RecordBuilder, RowContext

NAMES = st.sampled_from(
    [*stream_schemas.load("enrollments")["properties"], "type", "attributes", "tier", "_tier", "_id", "meta"]
)


def record_of(row: dict[str, Any], *, hidden: frozenset[str] = frozenset(), **context: Any) -> dict[str, Any]:
    """Return the record of a row of enrollments; hidden columns are deselected."""
    spec, properties = STREAMS["enrollments"], stream_schemas.load("enrollments")["properties"]
    columns = tuple(name for name in properties if name not in hidden)
    selection = StreamSelection(spec.name, properties, columns, protected=hidden)
    builder = RecordBuilder(spec, selection, spec.replication_key)
    linked = {"type": "note", "id": "note_1", "attributes": {"text": "linked"}}
    return builder.build(row, RowContext("acme", **context), (Included([linked]),), Counter()).record


class Marks:
    """Makes every value of a row another text, and knows the name under which it stands."""

    def __init__(self) -> None:
        self.names: dict[str, tuple[str, ...]] = {}

    def value(self, path: tuple[str, ...], shape: int) -> Any:
        """Return a value: a text, a list, or an object with a text under a name of its own."""
        if shape == 0:
            mark = f"mark-{len(self.names)}-"
            self.names[mark] = path
            return mark
        if shape == 1:
            return [self.value(path, 0)]
        name = ("tier", "status", "email")[shape % 3]
        return {name: self.value((*path, name), 0)}

    def members(self, shapes: dict[str, int]) -> dict[str, Any]:
        """Return an object with these names."""
        return {name: self.value((name,), shape) for name, shape in shapes.items()}


SHAPES = st.dictionaries(NAMES, st.integers(0, 4), max_size=8)
LINK = {"tier": {"data": {"type": "note", "id": "note_1"}}}


@given(
    inside=st.none() | SHAPES,
    beside=SHAPES,
    hidden=st.frozensets(st.sampled_from(["status", "tier", "_tier", "email", "meta"])),
    link=st.booleans(),
    parent=st.sampled_from([None, "jrn_1"]),
    own_ids=st.booleans(),
)
def test_every_value_of_a_row_is_in_its_record_unless_it_is_protected(
    inside: dict[str, int] | None,
    beside: dict[str, int],
    hidden: frozenset[str],
    link: bool,
    parent: str | None,
    own_ids: bool,
) -> None:
    marks = Marks()
    row = marks.members({name: shape for name, shape in beside.items() if name != "type" or inside is None})
    if inside is not None:
        row["attributes"] = marks.members(inside)
    if link:
        row["relationships"] = LINK
    in_row = json.dumps(row)
    text = json.dumps(record_of(row, hidden=hidden, parent=parent, own_ids=own_ids))
    for mark, path in marks.names.items():
        if mark in in_row:  # not replaced above
            assert (mark in text) == hidden.isdisjoint(path), (mark, path, row)


def test_a_member_beside_the_attributes_of_the_same_name_is_kept_apart() -> None:
    row = {"id": "enr_1", "attributes": {"status": "active", "tier": 1}, "status": "paused", "tier": 2}
    record = record_of(row)
    assert (record["status"], record["extra"]) == ("active", {"status": "paused", "tier": 1, "_tier": 2})
    assert record_of(row, hidden=frozenset({"status", "tier"}))["extra"] is None
    same = {"id": "enr_1", "attributes": {"status": "active", "tier": 1.5}, "status": "active", "tier": 1.5}
    assert record_of(same)["extra"] == {"tier": 1.5}


def test_attributes_may_be_an_attribute_of_a_flat_row() -> None:
    row = {"id": "enr_1", "status": "active", "journey_id": "jrn_1", "attributes": {"status": "red"}}
    record = record_of(row)
    assert (record["status"], record["journey_id"]) == ("active", "jrn_1")
    assert record["extra"] == {"attributes": {"status": "red"}}
    enveloped = {"id": "enr_1", "attributes": {"status": "active", "journey_id": "jrn_1"}, "status": "red"}
    assert record_of(enveloped)["status"] == "active"


def test_an_object_in_extra_has_no_member_of_a_protected_column_at_any_depth() -> None:
    contact = {"email": "jane@canary.example", "city": "Bonn"}
    row = {"id": "enr_1", "attributes": {"customer": {"type": "customer", "contacts": [contact]}}}
    record = record_of(row, hidden=frozenset({"email", "type"}))
    assert record["extra"] == {"customer": {"type": "customer", "contacts": [{"city": "Bonn"}]}}
    assert "email" in contact, "the row itself is unchanged"


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth_is_no_obstacle(opening: str) -> None:
    value: Any = {"email": "jane@canary.example", "city": "Bonn"}
    for _ in range(20_000):
        value = [value] if opening == "[" else {"a": value}
    inner = without(value, frozenset({"email"}))
    while isinstance(inner, list) or "a" in inner:  # type: ignore[operator]  # as built above
        inner = inner[0] if isinstance(inner, list) else inner["a"]  # type: ignore[index]  # as above
    assert inner == {"city": "Bonn"}


@given(st.lists(st.tuples(st.sampled_from(["a", "_a", "__a", "b"]), st.integers()), max_size=12))
def test_names_that_are_taken_get_underscores(values: list[tuple[str, int]]) -> None:
    extra: dict[str, Any] = {}
    for name, value in values:
        keep(extra, name, value, frozenset({"b"}))
    assert list(extra.values()) == [value for name, value in values if name != "b"]
    assert {name.lstrip("_") for name in extra} <= {"a"}
