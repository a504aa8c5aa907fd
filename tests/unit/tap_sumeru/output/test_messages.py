"""Singer messages of a sync, on both paths: records as they are shaped, and through the SDK's own path."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Output, Tap


_texts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def records_by_id(output: Output, stream: str) -> dict[str, Any]:
    return {record["id"]: record for record in output.records(stream)}


def test_both_paths_write_the_same_records(tap: Tap, sandbox: Sandbox) -> None:
    """With a stream map that changes nothing, records go through the SDK; without one, as they are shaped."""
    rows = [
        {"kind": "drift", "every": 5},
        {"kind": "unknown_field", "every": 7},
        {"kind": "surrogate", "every": 11},
    ]
    sandbox.configure({"*": {"rows": rows}})
    streams = ("customers", "orders", "attribution")
    direct = tap.sync(streams=streams)
    mapped = tap.sync(streams=streams, stream_maps={name: {"shop": "shop"} for name in streams})
    assert (direct.code, mapped.code) == (0, 0)
    for stream in streams:
        assert records_by_id(direct, stream) == records_by_id(mapped, stream)
        assert any(record["extra"] for record in direct.records(stream))


FLATTENED: list[dict[str, Any]] = [{"flattening_enabled": True, "flattening_max_depth": 1}]
MAPPED: list[dict[str, Any]] = [{"stream_maps": {"orders": {"shop": "shop"}}}]


@pytest.mark.parametrize("config", MAPPED + FLATTENED, ids=["mapped", "flattened"])
def test_the_sdks_path_keeps_the_digits_of_numbers_and_deeply_nested_values(
    tap: Tap, sandbox: Sandbox, config: dict[str, Any]
) -> None:
    deep = '{"a":[' * 150 + "1e-7,1E+400,487.20" + "]}" * 150
    shallow = '[{"new":1e-7,"price":487.20,"other":1e400}]'
    values = {"total_price": "1e400", "total_tax": "1e-7", "deep": deep, "line_items": shallow}
    sandbox.put("acme", "orders", "odd", **{key: msgspec.Raw(text.encode()) for key, text in values.items()})
    output = tap.sync(streams=("orders",), **config)
    assert output.code == 0, output.log
    (line,) = (line for line in output.lines if '"id":"odd"' in line)
    record = _texts(_texts(line)["record"])
    extra, line_items = (bytes(record[name]) for name in ("extra", "line_items"))
    if config in FLATTENED:
        extra, line_items = (msgspec.json.decode(text, type=str).encode() for text in (extra, line_items))
    assert [bytes(record[key]).decode() for key in ("total_price", "total_tax")] == ["1e400", "1e-7"]
    assert bytes(_texts(extra)["deep"]).decode() == deep
    assert line_items.decode() == shallow


def test_a_member_of_a_column_can_be_deselected(tap: Tap) -> None:
    catalog = tap.catalog("customers")
    (entry,) = (one for one in catalog["streams"] if one["stream"] == "customers")
    city = ["properties", "address", "properties", "city"]
    entry["metadata"].append({"breadcrumb": city, "metadata": {"selected": False, "inclusion": "available"}})
    output = tap.sync(catalog=catalog)
    assert output.code == 0, output.log
    addresses = [record["address"] for record in output.records("customers") if record["address"]]
    assert addresses
    assert all("city" not in address and "postal_code" in address for address in addresses)


def test_each_record_is_later_than_the_one_before(tap: Tap) -> None:
    """Some targets keep the newest of the records with equal keys."""
    times = [message["time_extracted"] for message in tap.sync(streams=("orders",)).of_type("RECORD")]
    moments = [datetime.fromisoformat(time) for time in times]
    assert all(one < following for one, following in pairwise(moments))


def test_the_schema_message_marks_personal_data(tap: Tap) -> None:
    (schema,) = tap.sync(streams=("customers",)).of_type("SCHEMA")
    assert schema["schema"]["properties"]["email"]["x-pii"] is True
