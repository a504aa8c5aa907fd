"""BATCH files that a warehouse in the cloud loads by itself: their tables, and the state after them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_sumeru.bulk import messages
from tap_sumeru.bulk.errors import InputError
from tap_sumeru.bulk.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass
class StagedTable:
    """A table and the files with its rows, in the order in which they were written.

    Attributes:
        table: The table.
        replication_key: Column that grows when a row changes; None if the stream has none.
        urls: The files.
        compressed: Whether they are compressed with gzip.
    """

    table: Table
    replication_key: str | None = None
    urls: list[str] = field(default_factory=list)
    compressed: bool = True


def collect(lines: Iterable[bytes]) -> tuple[list[StagedTable], bytes | None]:
    """Return the tables of a tap's output with their files, and its last state.

    Raises:
        InputError: A line is not a message, the rows are not in files, or they come from two runs: the names
            of the files do not tell which is newer.
    """
    staged: dict[str, StagedTable] = {}
    state: bytes | None = None
    for line in lines:
        message = messages.decode(line)
        if isinstance(message, messages.SchemaMessage):
            if message.stream in staged and staged[message.stream].urls:
                raise InputError(
                    f"{message.stream}: the input has the files of two runs. Load one at a time."
                )
            key = next(iter(message.bookmark_properties or []), None)
            staged[message.stream] = StagedTable(Table.of(message), key)
        elif isinstance(message, messages.BatchMessage):
            _add(staged, message)
        elif isinstance(message, messages.StateMessage):
            state = bytes(message.value)
        else:
            raise InputError(f"{message.stream}: the rows are not in files. Set batch_config for the tap.")
    return list(staged.values()), state


def _add(staged: dict[str, StagedTable], message: messages.BatchMessage) -> None:
    if message.stream not in staged:
        raise InputError(f"{message.stream}: the input has no SCHEMA before the first record.")
    if message.encoding.format != "jsonl":
        raise InputError("input: a BATCH message has files that are neither jsonl nor gzipped jsonl.")
    one = staged[message.stream]
    one.compressed = message.encoding.compression == "gzip"
    one.urls += message.manifest
