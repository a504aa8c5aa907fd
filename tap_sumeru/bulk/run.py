"""One run: messages in, chunks to the warehouse, states out once their rows are committed."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from tap_sumeru.bulk import batch_reader, messages
from tap_sumeru.bulk.chunks import MAX_RECORDS, ChunkBuilder
from tap_sumeru.bulk.errors import InputError
from tap_sumeru.bulk.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_sumeru.bulk.chunks import Chunk

logger = logging.getLogger("tap-sumeru-bulk")


class Warehouse(Protocol):
    """A warehouse into which rows are loaded."""

    def encode(self, record: bytes, extracted_at: str, version: int | None) -> bytes:
        """Return a row as `load` takes it."""

    def load(self, chunk: Chunk) -> None:
        """Load a chunk: PostgreSQL in one transaction; Parquet may leave files of a part of it."""


@dataclass
class Loader:
    """Loads one chunk while the next one is read.

    Args:
        thread: Where chunks are loaded.
        warehouse: Where the rows go.
        write_state: Takes each state whose rows are loaded.

    Attributes:
        records: Number of records loaded so far.
        files: BATCH files loaded so far.
    """

    thread: ThreadPoolExecutor
    warehouse: Warehouse
    write_state: Callable[[bytes], None]
    records: int = 0
    files: list[str] = field(default_factory=list)
    _running: Future[None] | None = None

    def submit(self, chunk: Chunk) -> None:
        """Wait for the chunk before, and begin to load this one."""
        self.wait()
        self._running = self.thread.submit(self._load, chunk)

    def wait(self) -> None:
        """Wait until the last chunk is loaded; raise what went wrong with it."""
        running, self._running = self._running, None
        if running is not None:
            running.result()

    def _load(self, chunk: Chunk) -> None:
        if chunk.streams():
            self.warehouse.load(chunk)
        self.records += chunk.read
        if chunk.state is not None:
            self.write_state(chunk.state)
        self.files += chunk.files
        if chunk.read:
            logger.info("%d records loaded.", self.records)


def run(
    lines: Iterable[bytes],
    warehouse: Warehouse,
    write_state: Callable[[bytes], None],
    *,
    batch_size: int = MAX_RECORDS,
    delete_files: bool = False,
) -> None:
    """Load the output of a tap.

    Args:
        lines: The output.
        warehouse: Where the rows go.
        write_state: Takes each state whose rows are loaded.
        batch_size: Records of a transaction, at most.
        delete_files: Whether BATCH files are deleted, once all are loaded: until then, a run that is stopped
            can begin again with the same input.

    Raises:
        InputError: A line is not a message; the lines before it are loaded.
        WarehouseError: The warehouse refuses rows.
        StateFileError: A state cannot be written.
    """
    with ThreadPoolExecutor(1) as thread:
        loader = Loader(thread, warehouse, write_state)
        Reader(loader, warehouse.encode, batch_size).read(lines)
    if delete_files:
        batch_reader.delete(loader.files)


class Reader:
    """Reads messages into chunks.

    Args:
        loader: Takes the chunks.
        encode: Encodes a row for the warehouse.
        batch_size: Records of a transaction, at most.
        clock: Returns seconds, for the time between two chunks.
    """

    def __init__(
        self,
        loader: Loader,
        encode: Callable[[bytes, str, int | None], bytes],
        batch_size: int = MAX_RECORDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loader = loader
        self._encode = encode
        self._clock = clock
        self._tables: dict[str, Table] = {}
        self._chunk = ChunkBuilder(batch_size)
        self._last = clock()

    def read(self, lines: Iterable[bytes]) -> None:
        """Read all messages, and load their rows."""
        try:
            for line in lines:
                self._handle(messages.decode(line))
        except InputError:
            self._finish()
            raise
        self._finish()

    def _handle(self, message: messages.Message) -> None:
        if isinstance(message, messages.RecordMessage):
            at = message.time_extracted or _now()
            self._add(self._table(message.stream), bytes(message.record), at, message.version)
        elif isinstance(message, messages.StateMessage):
            self._chunk.state(bytes(message.value))
            self._submit_if_full()
        elif isinstance(message, messages.SchemaMessage):
            table = Table.of(message)
            if self._tables.get(message.stream, table) != table:
                self._submit()  # rows of the columns before are loaded before those of the new ones
            self._tables[message.stream] = table
            self._chunk.table(table)
        elif isinstance(message, messages.BatchMessage):
            self._read_files(message)
        else:
            self._chunk.version(self._table(message.stream), message.version)

    def _read_files(self, message: messages.BatchMessage) -> None:
        table = self._table(message.stream)
        for url in message.manifest:
            at = batch_reader.modified_at(url)
            for record in batch_reader.records(url, message.encoding):
                self._add(table, record, at, None)
            self._chunk.file(url)

    def _add(self, table: Table, record: bytes, at: str, version: int | None) -> None:
        self._chunk.add(table, record, self._encode(record, at, version))
        self._submit_if_full()

    def _table(self, stream: str) -> Table:
        try:
            return self._tables[stream]
        except KeyError:
            raise InputError(f"{stream}: the input has no SCHEMA before the first record.") from None

    def _submit_if_full(self) -> None:
        if self._chunk.is_full(self._clock() - self._last):
            self._submit()

    def _submit(self) -> None:
        self._loader.submit(self._chunk.take())
        self._last = self._clock()

    def _finish(self) -> None:
        self._submit()
        self._loader.wait()


def _now() -> str:
    return datetime.now(UTC).isoformat()
