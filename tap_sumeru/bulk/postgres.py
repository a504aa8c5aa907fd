"""PostgreSQL: loads rows in transactions, each a COPY into a temporary table and a merge from there."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg

from tap_sumeru.bulk import copy_rows
from tap_sumeru.bulk import postgres_statements as sql
from tap_sumeru.bulk.errors import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_sumeru.bulk.chunks import Chunk, Rows
    from tap_sumeru.bulk.postgres_settings import PostgresSettings
    from tap_sumeru.bulk.table import Table

_TYPES = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""
_LOCK = 0x73756D657275
"""Key of the advisory lock under which tables are created and changed: other loaders may do it too."""


logger = logging.getLogger("tap-sumeru-bulk")


class Postgres:
    """A connection to PostgreSQL.

    Args:
        settings: Connection, schema, and what happens to deleted rows.

    Raises:
        WarehouseError: The server cannot be reached, or refuses the connection.
    """

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings
        self._started = datetime.now(UTC)
        self._types: dict[Table, dict[str, str]] = {}
        try:
            # The session keeps no state, so that a connection pooler can be used.
            self._connection = psycopg.connect(settings.conninfo, prepare_threshold=None, autocommit=True)
        except psycopg.Error as error:
            raise WarehouseError(f"PostgreSQL: cannot connect ({_reason(error, settings)}).") from None

    def close(self) -> None:
        """Close the connection; what is not committed is rolled back."""
        self._connection.close()

    def encode(self, record: bytes, extracted_at: str, version: int | None) -> bytes:
        """Return a row as COPY reads it."""
        return copy_rows.encode(record, extracted_at, version)

    def load(self, chunk: Chunk) -> None:
        """Merge rows, delete those that the last full read did not return, and commit.

        Raises:
            WarehouseError: PostgreSQL refuses the rows; none of them is stored.
        """
        now = datetime.now(UTC)
        stamps = sql.Stamps(now, self._started)
        with self._transaction(chunk):
            self._connection.execute("SET LOCAL TIME ZONE 'UTC'")
            for table in chunk.tables:
                self._prepare(table)
            for rows in chunk.rows:
                self._merge(rows, stamps)
            for table, version in chunk.versions:
                self._delete_other_versions(table, version, now)

    @contextmanager
    def _transaction(self, chunk: Chunk) -> Iterator[None]:
        try:
            with self._connection.transaction():
                yield
        except psycopg.Error as error:
            self._types.clear()
            reason = _reason(error, self._settings)
            if self._connection.closed:
                raise WarehouseError(f"PostgreSQL: the connection was lost ({reason}).") from None
            names = ", ".join(chunk.streams())
            raise WarehouseError(f"{names}: PostgreSQL refuses the rows ({reason}).") from None

    def _merge(self, rows: Rows, stamps: sql.Stamps) -> None:
        types = self._prepare(rows.table)
        self._connection.execute(sql.staging_table())
        with self._connection.cursor().copy(f"COPY {sql.STAGING} FROM STDIN (FORMAT binary)") as copy:
            copy.write(copy_rows.payload(rows.encoded))
        self._connection.execute(sql.merge(self._settings.schema, rows.table, types, stamps))
        self._connection.execute(f"DROP TABLE {sql.STAGING}")

    def _delete_other_versions(self, table: Table, version: int, now: datetime) -> None:
        if not self._settings.activate_version:
            logger.warning("%s: deleted rows stay, because activate_version is false.", table.stream)
            return
        hard = self._settings.hard_delete
        statement = sql.delete_other_versions(self._settings.schema, table, version, now, hard=hard)
        self._connection.execute(statement)

    def _prepare(self, table: Table) -> dict[str, str]:
        """Create the table of a stream, or add the columns that it lacks; return the type of each column."""
        if table in self._types:
            return self._types[table]
        schema, run = self._settings.schema, self._connection.execute
        run("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if run("SELECT to_regnamespace(%s)", [sql.quoted(schema)]).fetchone() == (None,):
            run(f"CREATE SCHEMA {sql.quoted(schema)}")
        wanted = sql.column_types(table, metadata=self._settings.metadata)
        existing: dict[str, str] = dict(run(_TYPES, [sql.qualified(schema, table)]).fetchall())
        types = sql.agreed_types(table, wanted, existing)
        missing = {name: kind for name, kind in types.items() if name not in existing}
        if not existing:
            run(sql.create_table(schema, table, types))
        elif missing:
            run(sql.add_columns(schema, table, missing))
        self._types[table] = types
        return types


def _reason(error: psycopg.Error, settings: PostgresSettings) -> str:
    """Return why something failed, without a value: PostgreSQL's own messages quote values of rows."""
    if error.sqlstate:
        place = [error.diag.table_name, error.diag.column_name]
        return " ".join(filter(None, [type(error).__name__, error.sqlstate, *place]))
    lines = str(error).splitlines() or [type(error).__name__]
    named = (line for line in reversed(lines) if "failed: " in line)
    fault = next(named, lines[-1]).rpartition("failed: ")[2]
    text = f"{fault}; {settings.address}" if settings.address else fault
    return type(error).__name__ if settings.reveals(text) else text
