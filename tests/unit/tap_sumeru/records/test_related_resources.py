"""Related resources: found wherever a response has them, and flat in the record."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from sumeru_api.responses import Page
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.records.record_builder import RecordBuilder


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
        ({"attributes": {"touchpoints": [TOUCH]}}, {}),
        ({"attributes": {"touchpoints": [ENVELOPED_TOUCH]}}, {}),
        ({"attributes": {}, "touchpoints": [TOUCH]}, {}),
        ({"touchpoints": [TOUCH]}, {}),
        ({"attributes": {}, "relationships": {"touchpoints": {"data": [ENVELOPED_TOUCH]}}}, {}),
        ({"attributes": {}, "relationships": REFERENCE}, {("touchpoint", "t1"): ENVELOPED_TOUCH}),
        (
            {"relationships": {"touchpoints": {"data": {"type": "touchpoint", "id": "t1"}}}},
            {("touchpoint", "t1"): ENVELOPED_TOUCH},
        ),
        ({"relationships": {"touchpoints": {"data": [{"id": "t1"}]}}}, {("", "t1"): TOUCH}),
    ],
)
def test_related_resources_are_found_wherever_the_response_has_them(
    row: dict[str, Any], included: dict[Any, Any]
) -> None:
    record = (
        builder("attribution", "attributed_at")
        .build({"id": "att_1", **row}, "acme", Page([], included), None, Counter())
        .record
    )
    assert record["touchpoints"] == [TOUCH]


def test_peek_returns_what_building_the_record_would() -> None:
    row = {"id": "enr_1", "enrolled_at": "2026-05-10T14:23:00Z", "relationships": REFERENCE}
    page = Page([row], {("touchpoint", "t1"): ENVELOPED_TOUCH})
    one = builder("enrollments", "enrolled_at")
    built = one.build(row, "acme", page, "jrn_1", Counter())
    assert one.peek(row, page, "jrn_1") == (built.timestamp, built.attributes)
    assert built.timestamp == datetime(2026, 5, 10, 14, 23, tzinfo=UTC)
    assert (built.attributes["journey_id"], built.attributes["touchpoints"]) == ("jrn_1", [TOUCH])
