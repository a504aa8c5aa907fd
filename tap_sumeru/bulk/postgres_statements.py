"""SQL for PostgreSQL: the tables as the loader makes them, and the merge of staged rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from tap_sumeru.bulk.errors import WarehouseError
from tap_sumeru.bulk.postgres_types import JSONB, TEXT, TIMESTAMP, postgres_type
from tap_sumeru.bulk.table import METADATA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tap_sumeru.bulk.table import Table

STAGING = "sumeru_bulk_rows"
"""Temporary table that holds the rows of a transaction as JSON."""

_MAX_NAME = 63
"""Bytes of a name; PostgreSQL cuts off the rest."""
_WIDER = {"text": (), "character varying": (), "timestamp with time zone": (TIMESTAMP,)}
"""Types of existing columns that hold every value of the types named; of all types if none is named."""


@dataclass(frozen=True)
class Stamps:
    """What a transaction writes into the columns that the loader adds.

    Attributes:
        received_at: When its rows were received.
        sync_started_at: When the run began.
    """

    received_at: datetime
    sync_started_at: datetime

    def expressions(self) -> dict[str, str]:
        """Return the value of each column that the loader adds."""
        received_at = timestamp(self.received_at)
        return {
            "_sdc_extracted_at": "staged.extracted_at::timestamp",
            "_sdc_received_at": received_at,
            "_sdc_batched_at": received_at,
            "_sdc_deleted_at": "NULL::timestamp",
            "_sdc_sequence": str(_milliseconds(self.received_at)),
            "_sdc_table_version": "staged.version",
            "_sdc_sync_started_at": str(_milliseconds(self.sync_started_at)),
        }


def timestamp(at: datetime) -> str:
    """Return a literal of a time, in UTC without a zone."""
    return f"'{at.astimezone(UTC).replace(tzinfo=None).isoformat()}'::timestamp"


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def quoted(name: str) -> str:
    """Return an identifier in quotes.

    Raises:
        WarehouseError: PostgreSQL would cut it off.
    """
    if len(name.encode()) > _MAX_NAME:
        raise WarehouseError(f"{name}: the name is longer than the 63 bytes that PostgreSQL keeps.")
    return '"' + name.replace('"', '""') + '"'


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names))


def qualified(schema: str, table: Table) -> str:
    """Return the name of a table with its schema."""
    return f"{quoted(schema)}.{quoted(table.name)}"


def column_types(table: Table, *, metadata: bool) -> dict[str, str]:
    """Return the type of each column, with the columns that the loader adds if there is metadata."""
    columns = {**table.columns, **METADATA} if metadata else table.columns
    return {name: postgres_type(schema) for name, schema in columns.items()}


def create_table(schema: str, table: Table, types: Mapping[str, str]) -> str:
    """Return the statement that creates the table of a stream."""
    columns = [
        f"{quoted(name)} {kind}{' NOT NULL' if name in table.key else ''}" for name, kind in types.items()
    ]
    if table.key:
        columns.append(f"PRIMARY KEY ({_listed(name for name in types if name in table.key)})")
    return f"CREATE TABLE {qualified(schema, table)} ({', '.join(columns)})"


def add_columns(schema: str, table: Table, types: Mapping[str, str]) -> str:
    """Return the statement that adds columns to the table of a stream."""
    columns = ", ".join(f"ADD COLUMN {quoted(name)} {kind}" for name, kind in types.items())
    return f"ALTER TABLE {qualified(schema, table)} {columns}"


def agreed_types(table: Table, wanted: Mapping[str, str], existing: Mapping[str, str]) -> dict[str, str]:
    """Return the type of each column in an existing table, the wanted one for a column that it lacks.

    Raises:
        WarehouseError: A column has a type that does not hold every value of the stream.
    """
    agreed = {}
    for name, kind in wanted.items():
        agreed[name] = has = existing.get(name, kind)
        if has != kind and (has not in _WIDER or (_WIDER[has] and kind not in _WIDER[has])):
            raise WarehouseError(
                f"{table.name}.{name}: has the type {has}, and the stream needs {kind}. Change the type of "
                "the column, or rename the table so that it is created again."
            )
    return agreed


def merge(schema: str, table: Table, types: Mapping[str, str], stamps: Stamps) -> str:
    """Return the statement that merges the staged rows into a table: new keys inserted, others updated.

    PostgreSQL itself reads the values from the JSON: no number passes through a float.
    """
    metadata = {name: value for name, value in stamps.expressions().items() if name in types}
    own = {name: kind for name, kind in types.items() if name not in metadata}
    values = {name: _value(name, kind) for name, kind in own.items()} | metadata
    fields = ", ".join(f"{quoted(name)} {kind}" for name, kind in own.items())
    statement = (
        f"INSERT INTO {qualified(schema, table)} ({_listed(values)}) SELECT {', '.join(values.values())} "  # noqa: S608 - quoted
        f"FROM {STAGING} AS staged, json_to_record(staged.record) AS one({fields})"
    )
    if not table.key:
        return statement
    others = [quoted(name) for name in types if name not in table.key]
    changed = ", ".join(f"{name} = excluded.{name}" for name in others)
    action = f"UPDATE SET {changed}" if changed else "NOTHING"
    return f"{statement} ON CONFLICT ({_listed(table.key)}) DO {action}"


def _value(name: str, kind: str) -> str:
    """Return the expression of a column; the loader keeps nulls of JSON in columns of JSON."""
    column = f"one.{quoted(name)}"
    if kind == JSONB:
        return f"coalesce({column}, 'null')"
    return f"array_replace({column}, NULL, 'null')" if kind == f"{JSONB}[]" else column


def delete_other_versions(schema: str, table: Table, version: int, at: datetime, *, hard: bool) -> str:
    """Return the statement that deletes the rows that the newest full read did not return.

    Args:
        schema: Schema of the table.
        table: The table.
        version: Version of the rows that stay.
        at: When they are deleted.
        hard: Whether they are removed, instead of marked with the time of their deletion.
    """
    others = f'("_sdc_table_version" < {version} OR "_sdc_table_version" IS NULL)'
    if hard:
        return f"DELETE FROM {qualified(schema, table)} WHERE {others}"  # noqa: S608 - quoted
    return (
        f'UPDATE {qualified(schema, table)} SET "_sdc_deleted_at" = {timestamp(at)} '  # noqa: S608 - quoted
        f'WHERE {others} AND "_sdc_deleted_at" IS NULL'
    )


def staging_table() -> str:
    """Return the statements that create the temporary table, without compression: it is read only once."""
    return (
        f"CREATE TEMP TABLE {STAGING} (extracted_at {TEXT}, version bigint, record json) ON COMMIT DROP; "
        f"ALTER TABLE {STAGING} ALTER record SET STORAGE EXTERNAL"
    )
