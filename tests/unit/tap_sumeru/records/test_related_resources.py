"""Related resources: found wherever a response has them, and flat in the record."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.included import Included
from sumeru_api.responses import Page
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.records import RecordShaper
from tap_sumeru.records.record_builder import RecordBuilder, RowContext
from tap_sumeru.records.related import _flatten


def builder(stream: str, key: str) -> RecordBuilder:
    spec, properties = STREAMS[stream], stream_schemas.load(stream)["properties"]
    return RecordBuilder(spec, StreamSelection(stream, properties, tuple(properties)), key, ("touchpoints",))


TOUCH = {"id": "t1", "channel": "email", "occurred_at": "2026-05-10T14:23:00Z"}
ENVELOPED_TOUCH = {
    "id": "t1",
    "type": "touchpoint",
    "attributes": {k: v for k, v in TOUCH.items() if k != "id"},
}
REFERENCE = {"touchpoints": {"data": [{"type": "touchpoint", "id": "t1"}]}}


@pytest.mark.parametrize(
    ("row", "included"),
    [
        ({"attributes": {"touchpoints": [TOUCH]}}, []),
        ({"attributes": {"touchpoints": [ENVELOPED_TOUCH]}}, []),
        ({"attributes": {}, "touchpoints": [TOUCH]}, []),
        ({"touchpoints": [TOUCH]}, []),
        ({"attributes": {}, "relationships": {"touchpoints": {"data": [ENVELOPED_TOUCH]}}}, []),
        ({"attributes": {}, "relationships": REFERENCE}, [ENVELOPED_TOUCH]),
        (
            {"relationships": {"touchpoints": {"data": {"type": "touchpoint", "id": "t1"}}}},
            [ENVELOPED_TOUCH],
        ),
        ({"relationships": {"touchpoints": {"data": [{"id": "t1"}]}}}, [TOUCH]),
    ],
)
def test_related_resources_are_found_wherever_the_response_has_them(
    row: dict[str, Any], included: list[Any]
) -> None:
    (record,) = records(Page([{"id": "att_1", **row}], Included(included)))
    assert record["touchpoints"] == [TOUCH]
    assert record["extra"] is None


def records(page: Page, stream: str = "attribution") -> list[dict[str, Any]]:
    """Return the records of a page."""
    spec, properties = STREAMS[stream], stream_schemas.load(stream)["properties"]
    selection = StreamSelection(stream, properties, tuple(properties))
    return list(
        RecordShaper(spec, selection, spec.replication_key, spec.include).shape_page(page, "acme").records
    )


def test_a_resource_to_which_nothing_links_is_kept_in_extra_of_the_row_that_it_names() -> None:
    rows = [{"id": f"att_{number}", "attributes": {}} for number in range(3)]
    touch = {"type": "touchpoint", "id": "t1", "attributes": {"attribution_id": "att_1"}}
    found = records(Page(rows, Included([touch])))
    assert [one["extra"] for one in found] == [None, {"included": [touch]}, None]


def test_a_resource_with_a_field_of_a_masked_column_is_not_kept() -> None:
    spec, properties = STREAMS["orders"], stream_schemas.load("orders")["properties"]
    resources = [
        {"type": "customer", "id": "cus_1", "attributes": {"email": "jane@canary.example"}},
        {"type": "note", "id": "note_1", "attributes": {"text": "kept"}},
    ]
    page = Page([{"id": "ord_1", "attributes": {}}], Included(resources))
    selection = StreamSelection("orders", properties, tuple(properties), protected=frozenset({"email"}))
    shaped = RecordShaper(spec, selection, "updated_at").shape_page(page, "acme")
    assert shaped.records[0]["extra"] == {"included": [resources[1]]}


def test_a_resource_that_names_no_row_is_kept_with_the_newest_row() -> None:
    dates = ["2026-05-10T00:00:00Z", "2026-05-12T00:00:00Z", "2026-05-11T00:00:00Z"]
    rows = [{"id": f"att_{i}", "attributes": {"attributed_at": one}} for i, one in enumerate(dates)]
    odd = [{"type": "touchpoint", "id": "t1"}, {"type": "no id"}, "not an object"]
    assert [one["extra"] for one in records(Page(rows, Included(odd)))] == [None, {"included": odd}, None]


def test_a_resource_that_was_not_requested_lands_under_the_name_of_its_link() -> None:
    link = {"customer": {"data": {"type": "customer", "id": "cus_1"}}}
    customer = {"type": "customer", "id": "cus_1", "attributes": {"city": "Bonn"}}
    (record,) = records(
        Page([{"id": "att_1", "attributes": {}, "relationships": link}], Included([customer]))
    )
    assert record["extra"] == {"customer": [{"id": "cus_1", "city": "Bonn"}]}
    assert record["relationships"] == link


def test_a_link_to_nothing_in_the_response_says_nothing_of_the_resource() -> None:
    (record,) = records(Page([{"id": "att_1", "attributes": {}, "relationships": REFERENCE}]))
    assert record["touchpoints"] is None
    none: dict[str, Any] = {"touchpoints": {"data": []}}
    (record,) = records(Page([{"id": "att_1", "attributes": {}, "relationships": none}]))
    assert record["touchpoints"] == []


RESOURCE = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["touchpoint", "customer", ""]),
        "id": st.sampled_from(["a", "b", 1]),
        "attributes": st.fixed_dictionaries({"v": st.integers(0, 2)}),
    },
)
REFERENCES = st.fixed_dictionaries(
    {"type": st.sampled_from(["touchpoint", "customer"]), "id": st.sampled_from("ab")}
)
ROW = st.fixed_dictionaries(
    {"attributes": st.fixed_dictionaries({}, optional={"touchpoints": st.just([TOUCH])})},
    optional={
        "relationships": st.dictionaries(
            st.sampled_from(["touchpoints", "customer", "new"]),
            st.fixed_dictionaries({"data": st.lists(REFERENCES, max_size=2) | REFERENCES}),
        )
    },
)


@given(st.lists(ROW, min_size=1, max_size=3), st.lists(RESOURCE | st.just("odd"), max_size=4))
def test_no_included_resource_is_lost(rows: list[dict[str, Any]], included: list[Any]) -> None:
    rows = [{"id": f"att_{number}", **row} for number, row in enumerate(rows)]
    text = json.dumps(records(Page(rows, Included(included))))
    for resource in included:
        flat = _flatten(resource)
        assert json.dumps(resource) in text or json.dumps(flat) in text


def test_peek_returns_what_building_the_record_would() -> None:
    row = {"id": "enr_1", "enrolled_at": "2026-05-10T14:23:00Z", "relationships": REFERENCE}
    included = (Included([ENVELOPED_TOUCH]),)
    one = builder("enrollments", "enrolled_at")
    built = one.build(row, RowContext("acme", "jrn_1"), included, Counter())
    assert one.peek(row, included, "jrn_1") == (built.timestamp, built.attributes)
    assert built.timestamp == datetime(2026, 5, 10, 14, 23, tzinfo=UTC)
    assert (built.attributes["journey_id"], built.attributes["touchpoints"]) == ("jrn_1", [TOUCH])
