"""A column that is partly deselected, or changed by a stream map, does not escape through `extra`."""

from __future__ import annotations

from collections import Counter

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.records.record_builder import RecordBuilder, RowContext


def test_a_value_of_the_wrong_type_in_a_protected_column_is_counted_and_dropped() -> None:
    spec, properties = STREAMS["customers"], stream_schemas.load("customers")["properties"]
    selection = StreamSelection(spec.name, properties, tuple(properties), protected=frozenset({"address"}))
    builder = RecordBuilder(spec, selection, "updated_at")
    row = {"id": "cus_1", "attributes": {"address": {"line1": "1 Main St", "province": 5}, "tags": 5}}
    mismatches: Counter[str] = Counter()
    record = builder.build(row, RowContext("acme"), (), mismatches).record
    assert record["address"] is None
    assert record["extra"] == {"tags": 5}
    assert mismatches == {"address": 1, "tags": 1}
