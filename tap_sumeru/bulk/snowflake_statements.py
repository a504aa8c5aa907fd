"""SQL for Snowflake: the tables of meltanolabs-target-snowflake, COPY INTO a table of rows, and MERGE."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tap_sumeru.bulk.errors import WarehouseError
from tap_sumeru.bulk.schema_types import sql_type
from tap_sumeru.bulk.table import METADATA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tap_sumeru.bulk.messages import Schema
    from tap_sumeru.bulk.staged_files import StagedTable

_VARIANT, _TEXT = "VARIANT", "VARCHAR"
_TYPES = {
    "string": _TEXT,
    "integer": "NUMBER(38, 0)",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "object": _VARIANT,
    "array": _VARIANT,
}
_FORMATS = {"date-time": "TIMESTAMP_TZ", "date": "DATE", "time": "TIME"}
_MAX_FILES = 1000
"""Files that one COPY INTO may name."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CLOUDS = {"s3": "s3", "gs": "gcs", "gcs": "gcs", "abfs": "azure", "abfss": "azure", "az": "azure"}


def snowflake_type(schema: Schema) -> str:
    """Return the type of a column."""
    return sql_type(schema, _of_type, _of_several) or _TEXT


def _of_several(names: Sequence[str]) -> str:
    return _VARIANT if {"object", "array"} & set(names) else _TEXT


def _of_type(name: str, schema: Schema) -> str | None:
    return _FORMATS.get(schema.get("format", ""), _TEXT) if name == "string" else _TYPES.get(name)


def statements(
    staged: Sequence[StagedTable], database: str, schema: str, at: datetime, integration: str | None = None
) -> Iterator[str]:
    """Yield the statements that load files; each can run again without harm.

    Args:
        staged: The tables and their files.
        database: Database of the tables.
        schema: Their schema.
        at: When the rows were extracted.
        integration: Storage integration with which Snowflake reads files in a bucket.

    Raises:
        WarehouseError: A name cannot be written in SQL, or files are where Snowflake cannot read them.
    """
    place = f"{_plain(database)}.{_plain(schema)}"
    yield f"CREATE SCHEMA IF NOT EXISTS {place}"
    yield f"USE SCHEMA {place}"
    for one in staged:
        yield from _of_table(one, f"{place}.{_plain(one.table.name)}", at, integration)


def _of_table(one: StagedTable, table: str, at: datetime, integration: str | None) -> Iterator[str]:
    columns = {**one.table.columns, **METADATA}
    types = {name: snowflake_type(column) for name, column in columns.items()}
    yield _create(one, table, types)
    for name, kind in types.items():
        yield f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {_name(name)} {kind}"
    if not one.urls:
        return
    rows, stage = f"{table}_BULK", f"{table}_FILES"
    position = "SOURCE_FILE VARCHAR, SOURCE_ROW NUMBER(38, 0)"
    yield f"CREATE OR REPLACE TRANSIENT TABLE {rows} (RECORD VARIANT, {position})"
    yield from _stage(one, stage, integration)
    yield from _copies(one, rows, stage)
    yield _merge(one, table, rows, types, at)
    yield f"DROP STAGE IF EXISTS {stage}"
    yield f"DROP TABLE IF EXISTS {rows}"


def _create(one: StagedTable, table: str, types: dict[str, str]) -> str:
    required = dict.fromkeys(one.table.key, " NOT NULL")
    listed = [f"{_name(name)} {kind}{required.get(name, '')}" for name, kind in types.items()]
    key = [f"PRIMARY KEY ({', '.join(map(_name, one.table.key))})"] if one.table.key else []
    return f"CREATE TABLE IF NOT EXISTS {table} ({', '.join([*listed, *key])})"


def _stage(one: StagedTable, stage: str, integration: str | None) -> Iterator[str]:
    """Yield the statements that bring the files into a stage, or lead Snowflake to their bucket."""
    scheme = urlsplit(one.urls[0]).scheme
    if scheme == "file":
        yield f"CREATE OR REPLACE STAGE {stage}"
        for url in one.urls:
            yield f"PUT {_text(f'file://{_path(url)}')} @{stage} AUTO_COMPRESS = FALSE"
        return
    if scheme not in _CLOUDS:
        raise WarehouseError(
            f"{one.table.stream}: Snowflake cannot read BATCH files of this kind of storage."
        )
    folder = _text(one.urls[0].replace(f"{scheme}://", f"{_CLOUDS[scheme]}://", 1).rpartition("/")[0] + "/")
    access = f" STORAGE_INTEGRATION = {_plain(integration)}" if integration else ""
    yield f"CREATE OR REPLACE STAGE {stage} URL = {folder}{access}"


def _copies(one: StagedTable, rows: str, stage: str) -> Iterator[str]:
    compression = "GZIP" if one.compressed else "NONE"
    for start in range(0, len(one.urls), _MAX_FILES):
        names = [_path(url).rpartition("/")[2] for url in one.urls[start : start + _MAX_FILES]]
        source = f"SELECT $1, METADATA$FILENAME, METADATA$FILE_ROW_NUMBER FROM @{stage}"  # noqa: S608 - plain names
        options = f"FILE_FORMAT = (TYPE = JSON COMPRESSION = {compression}) ON_ERROR = ABORT_STATEMENT"
        yield f"COPY INTO {rows} FROM ({source}) FILES = ({', '.join(map(_text, names))}) {options}"


def _merge(one: StagedTable, table: str, rows: str, types: dict[str, str], at: datetime) -> str:
    values = {name: f"RECORD:{_member(name)}::{types[name]}" for name in one.table.columns}
    values |= _metadata(at)
    selected = ", ".join(f"{value} AS {_name(name)}" for name, value in values.items())
    names = ", ".join(map(_name, values))
    source = f"SELECT {selected} FROM {rows}"  # noqa: S608 - quoted
    if not one.table.key:
        return f"INSERT INTO {table} ({names}) {source}"
    key = ", ".join(f"RECORD:{_member(name)}::{types[name]}" for name in one.table.key)
    newest = f"QUALIFY ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY SOURCE_FILE DESC, SOURCE_ROW DESC) = 1"
    join = " AND ".join(f"D.{_name(name)} = S.{_name(name)}" for name in one.table.key)
    changed = ", ".join(f"{_name(name)} = S.{_name(name)}" for name in values if name not in one.table.key)
    inserted = ", ".join(f"S.{_name(name)}" for name in values)
    return (
        f"MERGE INTO {table} AS D USING ({source} {newest}) AS S ON {join} "  # noqa: S608 - quoted names
        f"WHEN MATCHED THEN UPDATE SET {changed} WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({inserted})"
    )


def _metadata(at: datetime) -> dict[str, str]:
    time = f"{_text(at.isoformat())}::TIMESTAMP_TZ"
    milliseconds = str(round(at.timestamp() * 1000))
    return {
        "_sdc_extracted_at": time,
        "_sdc_received_at": time,
        "_sdc_batched_at": time,
        "_sdc_deleted_at": "NULL::TIMESTAMP_TZ",
        "_sdc_sequence": milliseconds,
        "_sdc_table_version": "NULL::NUMBER(38, 0)",
        "_sdc_sync_started_at": milliseconds,
    }


def _plain(name: str) -> str:
    """Return a name that needs no quotes, in upper case as Snowflake stores it."""
    if not _PLAIN.fullmatch(name):
        raise WarehouseError(f"{name}: the name is not a plain SQL identifier. Rename it with a stream map.")
    return name.upper()


def _name(name: str) -> str:
    """Return the name of a column as the target writes it; it may be a word of SQL."""
    return f'"{_plain(name)}"'


def _member(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _path(url: str) -> str:
    return unquote(urlsplit(url).path)
