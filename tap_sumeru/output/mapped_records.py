"""Applies the SDK's stream maps, flattening and nested selection to records."""

from __future__ import annotations

from inspect import getclosurevars
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers._catalog import pop_deselected_record_properties
from singer_sdk.mapper import CustomStreamMap, RemoveRecordTransform

from tap_sumeru.output.encoding import plain_record
from tap_sumeru.output.map_faults import map_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.mapper import StreamMap
    from singer_sdk.streams import Stream

    from sumeru_api.responses import Row
    from tap_sumeru.catalog.stream_schemas import Schema


def emitting_maps(stream: Stream) -> list[StreamMap]:
    """Return the stream maps of a stream, except those that drop all records."""
    return [one for one in stream.stream_maps if not isinstance(one, RemoveRecordTransform)]


def masked_columns(stream: Stream) -> frozenset[str]:
    """Return the columns that some stream map of a stream changes or leaves out."""
    columns = stream.schema["properties"]
    return frozenset[str]().union(*(_masked_by(one, columns) for one in emitting_maps(stream)))


def _masked_by(stream_map: StreamMap, columns: Iterable[str]) -> set[str]:
    if not isinstance(stream_map, CustomStreamMap):
        return set()
    # The SDK keeps the resolved rules of a map nowhere else.
    rules = getclosurevars(stream_map._transform_fn).nonlocals  # noqa: SLF001 - pinned by test_masked_columns
    mapped = {name: rule for name, rule, _ in rules["stream_map_parsed"]}
    unchanged = {name for name, rule in mapped.items() if rule in (name, "self")}
    if rules["include_by_default"]:
        unchanged |= set(columns) - mapped.keys()
    else:
        unchanged |= set(stream_map.transformed_key_properties or ()) - mapped.keys()
    return set(columns) - unchanged


class RecordMapper:
    """Applies the stream maps of one stream to its records.

    Args:
        stream: The SDK's stream, for its maps and its selection.
    """

    def __init__(self, stream: Stream) -> None:
        self._maps = emitting_maps(stream)
        self._schema = stream.schema
        self._mask = stream.mask
        options = [one.flattening_options for one in self._maps if one.flattening_enabled]
        self._levels = options[0].max_level if options and options[0] else 0
        masked = masked_columns(stream)
        self._flattened = {
            name: column
            for name, column in stream.schema["properties"].items()
            if self._levels and "properties" in column and name not in masked
        }

    def map(self, record: Row) -> Iterator[tuple[str, Row]]:
        """Yield the name of a stream and the record for it, for each map that does not filter the record.

        Raises:
            StreamMapError: An expression fails.
        """
        plain = plain_record(record)
        pop_deselected_record_properties(plain, self._schema, self._mask)
        self._keep_unknown_members(plain)
        for stream_map in self._maps:
            try:
                mapped = stream_map.transform(plain)
            except Exception as error:  # noqa: BLE001 - expressions raise any kind
                raise map_fault(stream_map, plain, error) from None
            if mapped is not None:
                yield stream_map.stream_alias, _as_declared(stream_map, mapped)

    def _keep_unknown_members(self, record: Row) -> None:
        """Move members for which flattening has no column into `extra`, under the name of their object."""
        for name, column in self._flattened.items():
            if isinstance(record.get(name), dict):
                unknown = _take_unknown(record[name], column, self._levels)
                if unknown and "extra" in record:
                    record["extra"] = {**(record["extra"] or {}), name: unknown}


def _take_unknown(value: Row, schema: Schema, levels: int) -> Row:
    """Remove the members of an object that its schema does not have, and return them."""
    unknown: dict[str, Any] = {}
    for name, inner in list(value.items()):
        member = schema["properties"].get(name)
        if member is None:
            unknown[name] = value.pop(name)
        elif levels > 1 and isinstance(inner, dict) and "properties" in member:
            inside = _take_unknown(inner, member, levels - 1)
            if inside:
                unknown[name] = inside
    return unknown


def _as_declared(stream_map: StreamMap, record: Row) -> Row:
    """Return a record with exactly the keys of its SCHEMA: flattening leaves null objects as they are."""
    if not stream_map.flattening_enabled:
        return record
    return {name: record.get(name) for name in stream_map.transformed_schema["properties"]}
