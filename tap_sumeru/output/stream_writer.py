"""Writes the messages of one stream: its SCHEMA once, and its records a page at a time."""

from __future__ import annotations

from collections import defaultdict
from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import ActivateVersionMessage

from tap_sumeru.output.encoding import encode_lines, lines_of
from tap_sumeru.output.extraction_times import ExtractionTimes
from tap_sumeru.output.mapped_records import RecordMapper, emitting_maps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from singer_sdk.streams import Stream

    from tap_sumeru.catalog.stream_schemas import Schema
    from tap_sumeru.output.batch_files import BatchFiles
    from tap_sumeru.output.messages import MessageWriter

_COLUMN_LEVEL = 2
"""Length of a breadcrumb that stands for a whole column."""


class _RecordMessage(msgspec.Struct, tag_field="type", tag="RECORD", gc=False):
    """A RECORD message."""

    stream: str
    record: Any
    time_extracted: str
    version: int | msgspec.UnsetType = UNSET


class StreamWriter:
    """Writes one stream of the tap.

    Without stream maps, flattening or a selection inside columns, records go out as they are shaped.

    Args:
        stream: The SDK's stream, for its maps, its selection and its key.
        writer: Writes messages.
        files: Takes the records, if BATCH is configured.

    Attributes:
        columns: The selected columns.
        direct: Whether records go out as they are shaped.
        version: Version of a FULL_TABLE read, None otherwise.
    """

    def __init__(self, stream: Stream, writer: MessageWriter, files: BatchFiles | None = None) -> None:
        self._stream = stream
        self._writer = writer
        self._files = files
        self._times = ExtractionTimes()
        self._mapper = RecordMapper(stream)
        self._schema_written = False
        self.columns = _selected_columns(stream)
        self.direct = _is_direct(stream, self.columns)
        self.version: int | None = None

    def write_schema(self) -> None:
        """Write the SCHEMA, once per run."""
        if self._schema_written:
            return
        self._schema_written = True
        for message in self._stream._generate_schema_messages():  # noqa: SLF001 - pinned by test_sdk_names
            if self.direct:
                message.schema = {**message.schema, "properties": self._properties()}
            if self._stream.replication_key not in message.schema["properties"]:
                message.bookmark_properties = None  # a stream map leaves it out, or flattening shortens it
            self._writer.write_message(message)

    def write_records(self, records: Sequence[Any]) -> None:
        """Write the records of a page, in one write."""
        self.write_schema()
        if self._files is not None:
            self._write_to_files(records, self._files)
            return
        if self.direct:
            lines = self._lines(repeat(self._stream.name), records)
        else:
            mapped = self._mapped(records)
            lines = self._lines([name for name, _ in mapped], [record for _, record in mapped])
        if lines:
            self._writer.write(lines)

    def _write_to_files(self, records: Sequence[Any], files: BatchFiles) -> None:
        """Write records as they would be in RECORD messages, and nothing around them."""
        if self.direct:
            files.write(self._stream.name, lines_of(records))
            return
        by_alias: dict[str, list[Any]] = defaultdict(list)
        for alias, record in self._mapped(records):
            by_alias[alias].append(record)
        for alias, mapped in by_alias.items():
            files.write(alias, lines_of(mapped))

    def write_activate_version(self) -> None:
        """Write ACTIVATE_VERSION, so that the target soft-deletes all rows of other versions."""
        assert self.version is not None  # noqa: S101 - for the type checker: only FULL_TABLE gets here
        self.write_schema()
        for stream_map in emitting_maps(self._stream):
            message = ActivateVersionMessage(stream=stream_map.stream_alias, version=self.version)
            self._writer.write_message(message)

    def _mapped(self, records: Sequence[Any]) -> list[tuple[str, Any]]:
        return [mapped for record in records for mapped in self._mapper.map(record)]

    def _lines(self, names: Iterable[str], records: Sequence[Any]) -> bytes:
        """Return RECORD messages as lines, for records and the name of the stream of each."""
        version = UNSET if self.version is None else self.version
        times = self._times.next(len(records))
        return encode_lines(list(map(_RecordMessage, names, records, times, repeat(version))))

    def _properties(self) -> Schema:
        # The SDK's own message drops keywords that it does not know, such as x-pii.
        return {name: self._stream.schema["properties"][name] for name in self.columns}


def _selected_columns(stream: Stream) -> list[str]:
    mask = stream.mask
    return [name for name in stream.schema["properties"] if mask["properties", name]]


def _is_direct(stream: Stream, columns: list[str]) -> bool:
    maps = stream.stream_maps
    if len(maps) != 1 or type(maps[0]) is not SameRecordTransform or maps[0].flattening_enabled:
        return False
    return not any(
        not selected and len(breadcrumb) > _COLUMN_LEVEL and breadcrumb[1] in columns
        for breadcrumb, selected in stream.mask.items()
    )
