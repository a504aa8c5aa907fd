"""The ledger: a SQLite file that remembers what was written, as hashes keyed with a salt of its own.

No value of a row is stored except the ids of created rows, which later runs need.
Changes of existing rows are stored in groups; a creation or a launch is on disk before its request is sent.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from target_sumeru.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

SENT, DONE, REFUSED = "sent", "done", "refused"
"""What happened to a row: its request went out, it was written, or the API refused it."""
_APPLICATION_ID = 0x53554D52
_TABLES = """
CREATE TABLE IF NOT EXISTS salt (value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS rows (
    row BLOB PRIMARY KEY, scope BLOB NOT NULL, status TEXT NOT NULL, generation INTEGER NOT NULL,
    content BLOB, api_id TEXT NOT NULL, sent_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS names (row BLOB PRIMARY KEY, by_id BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tokens (shop BLOB PRIMARY KEY, token BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS names_by_id ON names (by_id);
CREATE INDEX IF NOT EXISTS rows_by_id ON rows (scope, api_id) WHERE api_id != '';
"""
_INVALIDATE = """
UPDATE rows SET content = NULL
WHERE row IN (?1, ?2) OR row IN (SELECT row FROM names WHERE by_id = ?2)
"""
_ENTRY = """
SELECT status, generation, content, api_id, sent_at, by_id FROM rows LEFT JOIN names USING (row) WHERE row = ?
"""
_MAX_PENDING = 500
_HASH_BYTES = 16


class Entry(NamedTuple):
    """What the ledger knows about a row.

    Attributes:
        status: `sent`, `done` or `refused`.
        generation: Counts the requests that were refused; a new one needs a new idempotency key.
        content: Hash of what was sent or written; None if it is no longer certain.
        api_id: Id that the API gave to what was created, empty if none is known.
        sent_at: When the creation or launch first went out with its key, in Unix seconds by the API's clock.
        by_id: `row_hash` of the row as its id names it; None if that is its own, or not known.
    """

    status: str
    generation: int
    content: bytes | None
    api_id: str
    sent_at: float
    by_id: bytes | None = None


class Ledger:
    """The ledger of a run; one process at a time can use the file.

    Args:
        path: Path of the file; empty for a ledger that ends with the run.
        places: Where each shop is, by name: the same name elsewhere is another shop.

    Raises:
        LedgerError: The file cannot be used.
    """

    def __init__(self, path: str = "", places: Mapping[str, str] | None = None) -> None:
        self._pending = 0
        self._places = places or {}
        try:
            if path:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=1)
        except (OSError, ValueError, sqlite3.Error) as error:
            raise LedgerError(_ledger_fault(error)) from None
        try:
            self._open()
        except sqlite3.Error as error:
            self._db.close()
            raise LedgerError(_ledger_fault(error)) from None

    def _open(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        (kind,) = self._db.execute("PRAGMA application_id").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and kind != _APPLICATION_ID:
            raise sqlite3.DatabaseError
        self._db.execute("BEGIN EXCLUSIVE")
        for statement in _TABLES.split(";"):
            self._db.execute(statement)
        if not tables:  # writing the same id once more would change the file
            self._db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        if self._db.execute("SELECT value FROM salt").fetchone() is None:
            self._db.execute("INSERT INTO salt VALUES (?)", (secrets.token_bytes(32),))
        self._db.execute("COMMIT")
        (self._salt,) = self._db.execute("SELECT value FROM salt").fetchone()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        self._db.close()

    def row_hash(self, stream: str, shop: str, key: str) -> bytes:
        """Return the hash that stands for a row."""
        return self.content_hash(f"{stream}\x1e{self._places.get(shop, '')}\x1e{shop}\x1e{key}".encode())

    def content_hash(self, content: bytes) -> bytes:
        """Return the keyed hash of a content."""
        return blake2b(content, key=self._salt, digest_size=_HASH_BYTES).digest()

    def token_changed(self, shop: str, token: str, *, remember: bool) -> bool:
        """Return whether the last run used another token for a shop; of tokens too, only hashes are stored.

        Args:
            shop: Name of the shop.
            token: Its token in this run.
            remember: Whether this run counts as the last one from now on.
        """
        of_shop, of_token = self.row_hash("", shop, ""), self.content_hash(token.encode())
        found = self._execute("SELECT token FROM tokens WHERE shop = ?", (of_shop,)).fetchone()
        if remember:
            self._execute("INSERT OR REPLACE INTO tokens VALUES (?, ?)", (of_shop, of_token))
        return found is not None and bytes(found[0]) != of_token

    def entry(self, row: bytes) -> Entry | None:
        """Return what is known about a row, None if nothing is."""
        found = self._execute(_ENTRY, (row,)).fetchone()
        return None if found is None else Entry(*found)

    def owner(self, scope: bytes, api_id: str) -> bytes | None:
        """Return the row of which the API's id is known to be, None if it is of none or empty.

        Args:
            scope: `row_hash` of the stream and the shop with an empty key.
            api_id: The id.
        """
        query = "SELECT row FROM rows WHERE scope = ? AND api_id = ? AND api_id != ''"
        found = self._execute(query, (scope, api_id)).fetchone()
        return None if found is None else bytes(found[0])

    def invalidate(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Forget what rows contain, because they are about to change; this is on the disk on return.

        Args:
            rows: The hash of each row, and that of the row as its id names it: what other names it has is
                forgotten too.
        """
        self._begin()
        for names in rows:
            self._execute(_INVALIDATE, names)
        self.flush()

    def sent(self, row: bytes, scope: bytes, generation: int, content: bytes | None, at: float) -> None:
        """Remember that a creation or a launch is about to be sent; this is on the disk on return.

        If the outcome of an earlier try with the same key is unknown, the first try counts: the API may have
        kept the key since then. If that try sent another content, it is uncertain which one the API has.
        """
        known = self.entry(row)
        if known is not None and known.status == SENT and known.generation == generation:
            at = min(at, known.sent_at)
            content = content if known.content == content else None
        self._put(row, scope, SENT, generation, content, "", at)
        self.flush()

    def refused(self, row: bytes) -> None:
        """Remember that the API has refused the request that was sent: the next one is another."""
        self._begin()
        query = "UPDATE rows SET status = ?, generation = generation + 1, content = NULL WHERE row = ?"
        self._execute(query, (REFUSED, row))
        self.flush()

    def conflicted(self, row: bytes) -> None:
        """Remember that the API knows the key of the request that was sent with another body."""
        self._begin()
        self._execute("UPDATE rows SET content = NULL WHERE row = ?", (row,))
        self.flush()

    def done(
        self, row: bytes, scope: bytes, content: bytes | None, api_id: str = "", by_id: bytes | None = None
    ) -> None:
        """Remember that a row was written with a content.

        Args:
            row: Its hash.
            scope: `row_hash` of the stream and the shop with an empty key.
            content: Hash of the content, None if only the id is known.
            api_id: Id that the API gave to what was created.
            by_id: `row_hash` of the row as its id names it, None if that is not known.
        """
        known = self.entry(row)
        generation, sent_at = (known.generation, known.sent_at) if known else (0, 0.0)
        self._begin()
        if by_id is not None and by_id != row:
            self._execute("INSERT OR REPLACE INTO names VALUES (?, ?)", (row, by_id))
        self._put(row, scope, DONE, generation, content, api_id or (known.api_id if known else ""), sent_at)

    def flush(self) -> None:
        """Store everything on the disk.

        Raises:
            LedgerError: The disk is full, or the file cannot be written.
        """
        if self._pending:
            self._pending = 0
            self._execute("COMMIT")

    def _execute(self, query: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(query, values)
        except sqlite3.Error as error:
            raise LedgerError(_ledger_fault(error)) from None

    def _begin(self) -> None:
        if not self._pending:
            self._execute("BEGIN")
        self._pending += 1

    def _put(self, *values: object) -> None:
        self._begin()
        self._execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        if self._pending >= _MAX_PENDING:
            self.flush()


def exists(path: str) -> bool:
    """Return whether a ledger has been made."""
    return Path(path).is_file()


def _ledger_fault(error: Exception) -> str:
    if isinstance(error, (OSError, ValueError)):
        reason = getattr(error, "strerror", None) or "not a valid path"
        return f"ledger_path: cannot be opened ({reason})."
    text = str(error)
    if "locked" in text:
        return "ledger_path: is in use by another run. Give runs that go side by side a ledger each."
    if "full" in text or "I/O" in text:
        return "ledger_path: cannot be written. Check the disk."
    if "readonly" in text or "unable to open" in text:
        return "ledger_path: cannot be written. Check the permissions of the file and of its folder."
    if "malformed" in text:
        return "ledger_path: is damaged. Restore a copy, or remove it: what it knew is then looked up again."
    return "ledger_path: is not a ledger of this target. Choose another path."
