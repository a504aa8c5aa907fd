"""Holds the input in a SQLite file until it is written: of each stream, the last row of each key.

The file belongs to the user alone. Where the system allows it, the file has no name from the start, so that
nothing is left of it however the process ends.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from target_sumeru.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from target_sumeru.input.rows import Row

_MAX_BUFFERED = 2000
_TABLES = """
CREATE TABLE rows (
    stream TEXT NOT NULL, shop TEXT NOT NULL, key TEXT NOT NULL, source TEXT NOT NULL,
    first_line INTEGER NOT NULL, line INTEGER NOT NULL,
    body BLOB NOT NULL, reason TEXT NOT NULL, field TEXT NOT NULL,
    PRIMARY KEY (stream, shop, key, source)
) WITHOUT ROWID;
CREATE TABLE states (line INTEGER PRIMARY KEY, value BLOB NOT NULL);
"""
_PUT = """
INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET line = excluded.line, body = excluded.body,
    reason = excluded.reason, field = excluded.field
"""
_ROWS = """
SELECT key, first_line, line, body, reason, field FROM rows
WHERE stream = ? AND shop = ? ORDER BY key, line
"""


@contextmanager
def _on_disk() -> Iterator[None]:
    """Raise `SpoolError` if the disk fails; what SQLite says of it could quote a value."""
    try:
        yield
    except (OSError, sqlite3.Error):
        raise SpoolError(
            "The temporary folder cannot hold the rows. Free its disk, or set TMPDIR to another folder."
        ) from None


class SpooledRow(NamedTuple):
    """A row of the input.

    Attributes:
        key: What identifies it in its stream and shop.
        first_line: Line of the first row with this key: no STATE behind it may go out before.
        line: Its line in the input.
        body: The columns to write, as JSON.
        reason: Why it is rejected, empty if it is not.
        column: The column that is to blame, empty if none is.
    """

    key: str
    first_line: int
    line: int
    body: bytes
    reason: str
    column: str


class Spool:
    """The rows and the STATE messages of one run; a context manager that deletes them at its end.

    Raises:
        SpoolError: The temporary folder cannot be written.
    """

    @_on_disk()
    def __init__(self) -> None:
        handle, path = tempfile.mkstemp(prefix="target-sumeru-", suffix=".spool")  # with mode 0600
        os.close(handle)
        self.path = Path(path)
        self._buffer: list[tuple[object, ...]] = []
        self._lines = 0
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = OFF")
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.execute("PRAGMA temp_store = MEMORY")
            self._db.executescript(_TABLES)
        finally:
            with suppress(OSError):  # Windows keeps the name of an open file
                self.path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete everything."""
        self._db.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def put(self, source: str, row: Row, line: int) -> None:
        """Add a row; it replaces an earlier one with the same key from the same source."""
        self._buffer.append(
            (row.stream, row.shop, row.key, source, line, line, row.body, row.reason, row.column)
        )
        self._lines = line
        if len(self._buffer) >= _MAX_BUFFERED:
            self._flush()

    @_on_disk()
    def put_state(self, value: bytes) -> None:
        """Add a STATE; of several without a row between them, the last one counts."""
        self._db.execute("INSERT OR REPLACE INTO states VALUES (?, ?)", (self._lines, value))

    def groups(self) -> list[tuple[str, str, int]]:
        """Return each stream and shop that has rows, and how many."""
        self._flush()
        query = "SELECT stream, shop, count(DISTINCT key) FROM rows GROUP BY stream, shop"
        return list(self._db.execute(query))

    def rows(self, stream: str, shop: str) -> Iterator[SpooledRow]:
        """Yield the rows of a stream of a shop by key; those of several sources one after the other."""
        self._flush()
        for values in self._db.execute(_ROWS, (stream, shop)):
            yield SpooledRow(*values)

    def state_lines(self) -> list[int]:
        """Return the lines behind which a STATE came, in order."""
        return [line for (line,) in self._db.execute("SELECT line FROM states ORDER BY line")]

    def state(self, line: int) -> bytes:
        """Return the STATE that came behind a line."""
        (value,) = self._db.execute("SELECT value FROM states WHERE line = ?", (line,)).fetchone()
        return bytes(value)

    @_on_disk()
    def _flush(self) -> None:
        if self._buffer:
            self._db.execute("BEGIN")
            self._db.executemany(_PUT, self._buffer)
            self._db.execute("COMMIT")
            self._buffer.clear()
