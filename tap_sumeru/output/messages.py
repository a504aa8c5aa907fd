"""Singer messages: what one stream writes, a page at a time, in one write."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
from msgspec import UNSET
from simplejson import RawJSON
from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform
from singer_sdk.singerlib import ActivateVersionMessage, StateMessage
from singer_sdk.singerlib.encoding import GenericSingerWriter
from typing_extensions import override

from sumeru_api import timestamps
from tap_sumeru.errors import TargetClosed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from singer_sdk.singerlib.encoding.simple import Message
    from singer_sdk.streams import Stream

    from tap_sumeru.output.batch_files import BatchFiles
    from sumeru_api.responses import Row
    from tap_sumeru.catalog.stream_schemas import Schema


def _written(value: object) -> msgspec.Raw | str:
    """Return what stands for a value that the encoder does not know."""
    if isinstance(value, RawJSON):
        return msgspec.Raw(value.encoded_json.encode())
    return msgspec.Raw(str(value).encode()) if isinstance(value, _Number) else str(value)


_TICK = timedelta(microseconds=1)
_END_DIGITS = 2
_ENDS = [f"{i:0{_END_DIGITS}}Z" for i in range(10**_END_DIGITS)]
"""How the times of a page's records end, one microsecond after the other."""
_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_written)


class _Record(msgspec.Struct, tag_field="type", tag="RECORD", gc=False):
    """A RECORD message."""

    stream: str
    record: Any
    time_extracted: str
    version: int | msgspec.UnsetType = UNSET


class PageWriter(GenericSingerWriter[bytes, "Message"]):
    """Writes messages to stdout as UTF-8 lines of JSON."""

    @override
    def serialize_message(self, message: Message) -> bytes:
        """Return a message as a line of JSON, without its end."""
        return _encoder.encode(message.to_dict())

    @override
    def write_message(self, message: Message) -> None:
        """Write one message at once."""
        self.write(self.serialize_message(message) + b"\n")

    def write_batch(self, stream: str, encoding: Mapping[str, str], manifest: list[str]) -> None:
        """Write a BATCH message: the records of a stream are in files."""
        message = {"type": "BATCH", "stream": stream, "encoding": encoding, "manifest": manifest}
        self.write(_encoder.encode(message) + b"\n")

    def write(self, lines: bytes) -> None:
        """Write whole lines, and flush them.

        Raises:
            TargetClosed: Nobody reads them any more, or there is no room for them.
        """
        out = sys.stdout
        if out is None:
            raise TargetClosed("stdout is closed")
        try:
            if hasattr(out, "buffer"):
                _write_all(out.buffer, lines)
            else:  # a capture in memory
                out.write(lines.decode())
            out.flush()
        except OSError as error:
            # Python would flush what is left at exit, and complain once more.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
            if isinstance(error, BrokenPipeError):
                raise TargetClosed("the target has closed its input; its log says why") from None
            raise TargetClosed(f"stdout cannot be written ({error.strerror})") from None


def _write_all(out: BinaryIO, lines: bytes) -> None:
    # Under PYTHONUNBUFFERED a signal ends a write half-way, and only the count tells.
    left = memoryview(lines)
    while left:
        left = left[out.write(left) :]


class Output:
    """Writes one stream of the tap.

    Without stream maps, flattening or a selection inside columns, records go out as they are shaped;
    otherwise through the SDK's own path.

    Args:
        stream: The SDK's stream, for its maps, its selection and its key.
        writer: Where to write to.
        files: Takes the records, if they are to go into files.
    """

    def __init__(self, stream: Stream, writer: PageWriter, files: BatchFiles | None = None) -> None:
        self._stream = stream
        self._writer = writer
        self._files = files
        self._last_time: datetime | None = None
        self._schema_written = False
        self.columns = _selected_columns(stream)
        self.direct = _is_direct(stream, self.columns)
        self.version: int | None = None

    def write_schema(self) -> None:
        """Write the SCHEMA, once a run."""
        if self._schema_written:
            return
        self._schema_written = True
        for message in self._stream._generate_schema_messages():  # noqa: SLF001 - pinned by a test
            if self.direct:
                message.schema = {**message.schema, "properties": self._properties()}
            self._writer.write_message(message)

    def write_records(self, records: Sequence[Any]) -> None:
        """Write a page of records, in one write."""
        self.write_schema()
        if self._files is not None:
            self._write_to_files(records, self._files)
            return
        lines = self._direct_lines(records) if self.direct else _encoder.encode_lines(self._mapped(records))
        if lines:
            self._writer.write(lines)

    def _write_to_files(self, records: Sequence[Any], files: BatchFiles) -> None:
        """Write records as they would be in RECORD messages, and nothing around them."""
        if self.direct:
            files.write(self._stream.name, _lines(records))
            return
        by_alias: dict[str, list[Any]] = defaultdict(list)
        for message in self._mapped(records):
            by_alias[message["stream"]].append(message["record"])
        for alias, mapped in by_alias.items():
            files.write(alias, _lines(mapped))

    def write_activate_version(self) -> None:
        """Tell the target to retire all rows of other versions."""
        assert self.version is not None  # noqa: S101 - for the type checker: only then is it called
        self.write_schema()
        for stream_map in self._stream.stream_maps:
            if isinstance(stream_map, RemoveRecordTransform):
                continue
            message = ActivateVersionMessage(stream=stream_map.stream_alias, version=self.version)
            self._writer.write_message(message)

    def _direct_lines(self, records: Sequence[Any]) -> bytes:
        name, version = self._stream.name, UNSET if self.version is None else self.version
        times = self._times(len(records))
        messages = [_Record(name, record, time, version) for record, time in zip(records, times, strict=True)]
        return _encoder.encode_lines(messages)

    def _mapped(self, records: Iterable[Row]) -> list[dict[str, Any]]:
        self._stream._stream_version = self.version  # noqa: SLF001 - pinned by a test
        messages = []
        for record in records:
            for message in self._stream._generate_record_messages(_plain(record)):  # noqa: SLF001 - as above
                (time,) = self._times(1)
                message.time_extracted = timestamps.parse(time)
                messages.append(message.to_dict())
        return messages

    def _times(self, count: int) -> list[str]:
        """Return the present, later for each record: some targets keep the newest of equal keys."""
        start = datetime.now(UTC)
        if self._last_time is not None and start <= self._last_time:
            start = self._last_time + _TICK
        start += timedelta(microseconds=-start.microsecond % len(_ENDS))
        times: list[str] = []
        while len(times) < count:
            digits = start.replace(tzinfo=None).isoformat(timespec="microseconds")[:-_END_DIGITS]
            ends = _ENDS[: count - len(times)]
            times += [digits + end for end in ends]
            self._last_time = start + (len(ends) - 1) * _TICK
            start += len(_ENDS) * _TICK
        return times

    def _properties(self) -> Schema:
        # The SDK's own message drops marks that it does not know, such as x-pii.
        return {name: self._stream.schema["properties"][name] for name in self.columns}


def _lines(records: Sequence[Any]) -> list[bytes]:
    return _encoder.encode_lines(records).split(b"\n")[:-1]


def write_state(writer: PageWriter, state: Mapping[str, Any]) -> int:
    """Write a STATE; return its length in bytes."""
    line = writer.serialize_message(StateMessage(value=dict(state))) + b"\n"
    writer.write(line)
    return len(line)


def _selected_columns(stream: Stream) -> list[str]:
    mask = stream.mask
    return [name for name in stream.schema["properties"] if mask["properties", name]]


def _is_direct(stream: Stream, columns: list[str]) -> bool:
    maps = stream.stream_maps
    if len(maps) != 1 or type(maps[0]) is not SameRecordTransform or maps[0].flattening_enabled:
        return False
    return not any(
        not selected and len(breadcrumb) > 2 and breadcrumb[1] in columns  # noqa: PLR2004 - inside a column
        for breadcrumb, selected in stream.mask.items()
    )


_DEEPEST = 100
"""Levels of a record that the SDK's own path is given."""


class _Number(Decimal):
    """A number for the SDK's maps to reckon with, written by its own letters if they leave it as it is."""

    letters: str

    @override
    def __str__(self) -> str:
        return self.letters


def _plain(record: Row) -> Row:
    """Return a record as the SDK's maps expect it: with decimals where the letters of a number are kept.

    What lies too deep for the SDK, which goes by recursion, passes it by as text of JSON.
    """
    plain = dict(record)
    todo: list[tuple[Any, int]] = [(plain, 1)]
    while todo:
        holder, depth = todo.pop()
        for place, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
            if isinstance(value, (msgspec.Raw, Decimal)):
                holder[place] = _number(value)
            elif isinstance(value, (dict, list)) and depth == _DEEPEST:
                holder[place] = RawJSON(_encoder.encode(value).decode())
            elif isinstance(value, (dict, list)):
                holder[place] = value.copy()
                todo.append((holder[place], depth + 1))
    return plain


def _number(value: msgspec.Raw | Decimal) -> Decimal | RawJSON:
    """Return a number that can be reckoned with, or its text if the SDK would take it for infinite."""
    letters = str(value) if isinstance(value, Decimal) else bytes(value).decode()
    try:
        number = _Number(letters)
    except ArithmeticError:
        return RawJSON(letters)
    number.letters = letters
    return number if math.isfinite(number) else RawJSON(letters)
