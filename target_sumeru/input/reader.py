"""Reads the lines of the input: Singer messages, or plain rows. No error quotes a line."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerReader
from typing_extensions import override

from target_sumeru.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BOM = b"\xef\xbb\xbf"
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class MessageReader(GenericSingerReader[bytes]):
    """Reads Singer messages from bytes, and numbers exactly.

    Attributes:
        line: Number of the current line.
    """

    def __init__(self) -> None:
        super().__init__()
        self.line = 0

    @property
    @override
    def default_input(self) -> IO[bytes]:
        """Standard input.

        Raises:
            InputError: It was closed before the start.
        """
        if sys.stdin is None:
            raise InputError(
                "stdin is closed. Pipe Singer messages into the target, or use --input or --rows."
            )
        return sys.stdin.buffer

    @override
    def process_lines(
        self, file_input: IO[bytes] | None, callbacks: dict[str, Callable[[dict[str, Any]], None]]
    ) -> Any:
        """Process the messages of an input; empty lines are skipped.

        Raises:
            InputError: A line cannot be used.
        """
        lines = self._lines(file_input or self.default_input)
        return super().process_lines(lines, callbacks)  # type: ignore[arg-type]  # it only iterates

    def _lines(self, file: IO[bytes]) -> Iterator[bytes]:
        for number, line in enumerate(file, 1):
            self.line = number
            content = line.removeprefix(_BOM) if self.line == 1 else line
            if content.strip():
                yield content

    @override
    def deserialize_json(self, line: bytes) -> dict[str, Any]:
        """Return the message on a line.

        Raises:
            InputError: The line is not a JSON object, or its type is not a text.
        """
        message = decode_object(line, f"line {self.line}")
        if not isinstance(message.get("type", ""), str):
            self._process_unknown_message(message)
        return message

    @override
    def assert_line_requires(  # type: ignore[override]  # the SDK's is static, and shows the whole line
        self, line_dict: dict[str, Any], requires: set[str]
    ) -> None:
        """Check that a message has some keys.

        Raises:
            InputError: One is missing.
        """
        missing = sorted(requires - line_dict.keys())
        if missing:
            raise InputError(f"line {self.line}: is not a Singer message: `{missing[0]}` is missing.")

    @override
    def _process_unknown_message(self, message_dict: dict[str, Any]) -> None:
        """Reject a message of another type."""
        raise InputError(f"line {self.line}: is not a Singer message that the target knows.")


def decode_object(line: bytes, where: str) -> dict[str, Any]:
    """Return the JSON object on a line.

    Args:
        line: The line.
        where: Its place, for the message.

    Raises:
        InputError: It is something else.
    """
    try:
        content = _decode(line)
    except (ValueError, ArithmeticError, RecursionError):
        raise InputError(f"{where}: is not JSON in UTF-8, or was cut off.") from None
    if not isinstance(content, dict):
        raise InputError(f"{where}: must be a JSON object.")
    return content
