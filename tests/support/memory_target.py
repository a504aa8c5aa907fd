"""A target in memory, and a pipe to it that can kill a run at any byte."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.output.messages import MessageWriter

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


class KilledError(BaseException):
    """The simulated kill of the process. The tap does not catch it."""


@dataclass
class Target:
    """The contents of a target.

    Attributes:
        tables: The newest record of each key, by stream.
        versions: The version of each key, by stream.
        state: The last STATE.
    """

    tables: dict[str, dict[tuple[str, ...], Json]] = field(default_factory=dict)
    versions: dict[str, dict[tuple[str, ...], int | None]] = field(default_factory=dict)
    state: Json = field(default_factory=dict)

    def take(self, output: bytes, *, up_to_state: bool) -> None:
        """Receive the complete lines of a run's output, optionally only up to its last STATE."""
        lines = output.split(b"\n")[:-1]
        messages = [json.loads(line, parse_float=Decimal) for line in lines]
        if up_to_state:
            states = [at for at, message in enumerate(messages) if message["type"] == "STATE"]
            messages = messages[: states[-1] + 1] if states else []
        for message in messages:
            self._take(message)

    def _take(self, message: Json) -> None:
        if message["type"] == "STATE":
            self.state = message["value"]
        elif message["type"] == "RECORD":
            stream, record = message["stream"], message["record"]
            key = tuple(record[name] for name in STREAMS[stream].primary_key)
            self.tables.setdefault(stream, {})[key] = record
            self.versions.setdefault(stream, {})[key] = message.get("version")
        elif message["type"] == "ACTIVATE_VERSION":
            stream = message["stream"]
            kept = {key for key, one in self.versions.get(stream, {}).items() if one == message["version"]}
            self.tables[stream] = {
                key: row for key, row in self.tables.get(stream, {}).items() if key in kept
            }


class Pipe(MessageWriter):
    """Receives the output of a run.

    Args:
        meanwhile: Called after each write.
        room: Bytes after which the run is killed; None never kills it.

    Attributes:
        output: The bytes that were written.
    """

    def __init__(self, meanwhile: Callable[[], None], room: int | None) -> None:
        super().__init__()
        self.output = b""
        self._meanwhile = meanwhile
        self._room = room

    @override
    def write(self, lines: bytes) -> None:
        self.output += lines
        if self._room is not None and len(self.output) > self._room:
            self.output = self.output[: self._room]
            raise KilledError
        self._meanwhile()
