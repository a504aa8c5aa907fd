"""Chunks: the rows that are loaded in one transaction, and the state that covers them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_sumeru.bulk.table import Table

MAX_RECORDS = 20_000
"""More records in a transaction save no time."""
_MAX_BYTES = 1 << 25
_MAX_SECONDS = 30.0
"""With a slow API, rows and state are committed this often."""


@dataclass(frozen=True)
class Rows:
    """Rows of a table, one for each key, encoded for the warehouse."""

    table: Table
    encoded: Collection[bytes] = field(repr=False)


@dataclass
class Chunk:
    """What is loaded in one transaction.

    Attributes:
        tables: Tables that must exist, even without rows.
        rows: The rows of each table.
        versions: Tables whose rows of other versions are deleted afterwards.
        state: The state to write once it is committed, encoded; None if no new one came.
        files: BATCH files that are read to their end.
        read: Number of records that were read, repeated keys included.
    """

    tables: list[Table] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)
    versions: list[tuple[Table, int]] = field(default_factory=list)
    state: bytes | None = None
    files: list[str] = field(default_factory=list)
    read: int = 0

    def streams(self) -> list[str]:
        """Return the names of the streams."""
        tables = [*self.tables, *(rows.table for rows in self.rows), *(table for table, _ in self.versions)]
        return list(dict.fromkeys(table.stream for table in tables))


class ChunkBuilder:
    """Collects rows until they are worth a transaction. Of equal keys, the newest row stays.

    Args:
        max_records: Records of a transaction, at most.
    """

    def __init__(self, max_records: int = MAX_RECORDS) -> None:
        self._max_records = max_records
        self._rows: dict[Table, dict[Any, bytes]] = {}
        self._chunk = Chunk()
        self._bytes = 0

    def table(self, table: Table) -> None:
        """Note that a table must exist."""
        self._chunk.tables.append(table)

    def add(self, table: Table, record: bytes, row: bytes) -> None:
        """Add a row.

        Args:
            table: Its table.
            record: The record as JSON, for its key.
            row: The record as it is loaded.
        """
        rows = self._rows.setdefault(table, {})
        rows[table.key_of(record) if table.key else len(rows)] = row
        self._chunk.read += 1
        self._bytes += len(row)

    def state(self, state: bytes) -> None:
        """Note the state that covers all rows so far."""
        self._chunk.state = state

    def version(self, table: Table, version: int) -> None:
        """Note that rows of other versions are deleted."""
        self._chunk.versions.append((table, version))

    def file(self, url: str) -> None:
        """Note that a BATCH file is read to its end."""
        self._chunk.files.append(url)

    def is_full(self, seconds: float) -> bool:
        """Return whether to load the rows now, so many seconds after the last ones."""
        waiting = self._chunk.state is not None and seconds >= _MAX_SECONDS
        return waiting or self._chunk.read >= self._max_records or self._bytes >= _MAX_BYTES

    def take(self) -> Chunk:
        """Return the collected chunk, and begin a new one."""
        chunk = self._chunk
        chunk.rows = [Rows(table, rows.values()) for table, rows in self._rows.items()]
        self._rows, self._chunk, self._bytes = {}, Chunk(), 0
        return chunk
