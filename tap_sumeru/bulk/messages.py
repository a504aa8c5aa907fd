"""Singer messages: decodes the lines of a tap's output, and leaves records and states as they are."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from tap_sumeru.bulk.errors import InputError

Schema: TypeAlias = dict[str, Any]


class SchemaMessage(msgspec.Struct, tag_field="type", tag="SCHEMA"):
    """The columns and the key of a stream."""

    stream: str
    schema: Schema
    key_properties: list[str] = []
    bookmark_properties: list[str] | None = None


class RecordMessage(msgspec.Struct, tag_field="type", tag="RECORD", gc=False):
    """A row of a stream, as the bytes of its JSON."""

    stream: str
    record: msgspec.Raw
    time_extracted: str | None = None
    version: int | None = None


class Encoding(msgspec.Struct):
    """How the rows of a file are written."""

    format: str = "jsonl"
    compression: str | None = None


class BatchMessage(msgspec.Struct, tag_field="type", tag="BATCH"):
    """Files with rows of a stream."""

    stream: str
    encoding: Encoding
    manifest: list[str]


class StateMessage(msgspec.Struct, tag_field="type", tag="STATE"):
    """The state that covers all rows before it, as the bytes of its JSON."""

    value: msgspec.Raw


class ActivateVersionMessage(msgspec.Struct, tag_field="type", tag="ACTIVATE_VERSION"):
    """Says that all rows of a stream with an older version are deleted at the source."""

    stream: str
    version: int


Message: TypeAlias = SchemaMessage | RecordMessage | BatchMessage | StateMessage | ActivateVersionMessage

_decode = msgspec.json.Decoder(Message).decode


def decode(line: bytes) -> Message:
    """Return the message of a line.

    Raises:
        InputError: The line is not a Singer message.
    """
    try:
        message: Message = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InputError(
            "input: a line is not a Singer message. Pipe the output of the tap into this command."
        ) from None
    return message
