"""Writes Singer messages to stdout, as whole lines of UTF-8 encoded JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.encoding import GenericSingerWriter
from typing_extensions import override

from tap_sumeru.output import stdout
from tap_sumeru.output.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk.singerlib.encoding.simple import Message


class MessageWriter(GenericSingerWriter[bytes, "Message"]):
    """Writes messages to stdout as UTF-8 lines of JSON."""

    @override
    def serialize_message(self, message: Message) -> bytes:
        """Return a message as a line of JSON, without its line break."""
        return encode(message.to_dict())

    @override
    def write_message(self, message: Message) -> None:
        """Write one message at once."""
        self.write(self.serialize_message(message) + b"\n")

    def write_state(self, state: Mapping[str, Any]) -> int:
        """Write a STATE; return its length in bytes.

        The SDK's own message copies the whole state first, which takes most of the CPU with many shops.
        """
        line = encode({"type": "STATE", "value": state}) + b"\n"
        self.write(line)
        return len(line)

    def write_batch(self, stream: str, encoding: Mapping[str, str], manifest: list[str]) -> None:
        """Write a BATCH message, which names the files that hold records of a stream."""
        message = {"type": "BATCH", "stream": stream, "encoding": encoding, "manifest": manifest}
        self.write(encode(message) + b"\n")

    def write(self, lines: bytes) -> None:
        """Write whole lines, and flush them.

        Raises:
            TargetClosed: The reader has gone, or its disk is full.
        """
        stdout.write(lines, to_target=True)
