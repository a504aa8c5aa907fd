"""Compares rows that Spark has with those of the sandbox, value by value."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from support.synced_orders import json_text, texts
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sumeru_sandbox import Sandbox

Json = dict[str, Any]
Key = tuple[str, ...]


def newest(rows: Iterable[Json]) -> dict[str, dict[Key, Json]]:
    """Return the newest RECORD of each row of the API, by stream and key."""
    found: dict[str, dict[Key, Json]] = defaultdict(dict)
    ordered = sorted(rows, key=lambda row: (row["changed_at"], row["sequence"]))
    for row in (one for one in ordered if one["kind"] == "RECORD"):
        record = json.loads(row["record"])
        assert (record["shop"], record["id"]) == (row["shop"], row["id"])
        found[row["stream"]][key_of(row["stream"], record)] = row
    return found


def key_of(stream: str, record: Json) -> Key:
    """Return the key of a record."""
    return tuple(record[name] for name in STREAMS[stream].primary_key)


def assert_raw(
    rows: Iterable[Json], sandbox: Sandbox, shops: Sequence[str], streams: Iterable[str] = STREAMS
) -> None:
    """Assert that raw rows hold every row of the API, with its newest values, and no other."""
    found = newest(rows)
    for stream in streams:
        expected = {key: row for shop in shops for key, row in _truth(sandbox, shop, stream).items()}
        assert found[stream].keys() == expected.keys(), stream
        for key, row in expected.items():
            record = texts(found[stream][key]["record"])
            for name, value in row.items():
                assert bytes(record[name]) == json_text(value), (stream, key, name)


def assert_typed(rows: Iterable[Json], sandbox: Sandbox, shops: Sequence[str], stream: str) -> None:
    """Assert that typed rows hold every row of a stream of the API, value by value, and no other."""
    found = {key_of(stream, row): row for row in rows}
    expected = {key: row for shop in shops for key, row in _truth(sandbox, shop, stream).items()}
    assert found.keys() == expected.keys()
    properties = stream_schemas.load(stream)["properties"]
    for key, row in expected.items():
        for name, value in row.items():
            assert found[key][name] == _typed(properties[name], value), (key, name)


def _truth(sandbox: Sandbox, shop: str, stream: str) -> dict[Key, Json]:
    return {key_of(stream, {"shop": shop, **row}): row for row in sandbox.truth(shop, stream)}


def _typed(schema: Json, value: Any) -> Any:
    """Return a value as a typed row has it, in the form of `jobs.py`."""
    text = json_text(value).decode()
    types = {*schema["type"]} - {"null"}
    if text == "null":
        return None
    if types & {"object", "array"}:
        return text
    if types == {"number"}:
        return format(Decimal(text).quantize(Decimal("1e-9")), "f")
    if schema.get("format") == "date-time":
        return datetime.fromisoformat(json.loads(text)).astimezone(UTC).isoformat()
    return json.loads(text)


def assert_no_row_twice_in_a_file(rows: Iterable[Json]) -> None:
    """Assert that no file, which is what one task has committed, holds a row of the API twice."""
    keys = [
        (row["file_name"], row["stream"], key_of(row["stream"], json.loads(row["record"])))
        for row in rows
        if row["kind"] == "RECORD"
    ]
    assert len(set(keys)) == len(keys)
