"""SQL for BigQuery: the tables of z3-target-bigquery, LOAD DATA into a table of rows, and MERGE."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_sumeru.bulk.errors import WarehouseError
from tap_sumeru.bulk.table import METADATA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from tap_sumeru.bulk.messages import Schema
    from tap_sumeru.bulk.staged_files import StagedTable

_FORMATS = {"date-time": "TIMESTAMP", "date": "DATE", "time": "TIME"}
_TYPES = {"number": "FLOAT64", "integer": "INT64", "boolean": "BOOL"}
"""The first that a column allows is chosen; a column of integers or text becomes text."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_METADATA = {name: column for name, column in METADATA.items() if name != "_sdc_sync_started_at"}
"""The columns that this target adds."""


def bigquery_type(schema: Schema) -> str:
    """Return the type of a column."""
    declared = (schema.get("anyOf") or [schema])[0]
    types = declared.get("type", "string")
    names = [types] if isinstance(types, str) else list(types)
    if "array" in names:
        items = schema.get("items")
        return f"ARRAY<{_object(items) if items and _is_object(items) else _item(items)}>"
    return _object(schema) if "object" in names else _scalar(names, declared.get("format"))


def _is_object(schema: Schema) -> bool:
    return "object" in schema.get("type", ()) and _scalar(schema["type"], schema.get("format")) == "STRING"


def _item(items: Schema | None) -> str:
    return _scalar(items["type"], items.get("format")) if items else "JSON"


def _object(schema: Schema) -> str:
    """Return the type of an object: a structure of its declared members, JSON if it has none."""
    members = schema.get("properties") or {}
    fields = ", ".join(f"{_name(name)} {bigquery_type(member)}" for name, member in members.items())
    return f"STRUCT<{fields}>" if members else "JSON"


def _scalar(names: str | Sequence[str], form: str | None) -> str:
    if form in _FORMATS:
        return _FORMATS[form]
    if "integer" in names and "string" in names and "number" not in names:
        return "STRING"
    return next((kind for name, kind in _TYPES.items() if name in names), "STRING")


def statements(staged: Sequence[StagedTable], dataset: str, location: str, at: datetime) -> Iterator[str]:
    """Yield the statements that load files; each can run again without harm.

    Args:
        staged: The tables and their files.
        dataset: Dataset of the tables.
        location: Location of a new dataset.
        at: The present, which is also the time of extraction of the rows.

    Raises:
        WarehouseError: A name is not a plain identifier of SQL, or files are not in Cloud Storage.
    """
    yield f"CREATE SCHEMA IF NOT EXISTS {_name(dataset)} OPTIONS (location = {_text(location)})"
    for one in staged:
        yield from _of_table(one, _name(dataset), at)


def _of_table(one: StagedTable, dataset: str, at: datetime) -> Iterator[str]:
    name = one.table.stream.lower().replace("-", "_").replace(".", "_")
    table, rows = f"{dataset}.{_name(name)}", f"{dataset}.{_name(f'{name}__bulk')}"
    own = {column: bigquery_type(schema) for column, schema in one.table.columns.items()}
    types = own | {column: bigquery_type(schema) for column, schema in _METADATA.items()}
    yield (
        f"CREATE TABLE IF NOT EXISTS {table} ({_columns(types)}) "
        "PARTITION BY TIMESTAMP_TRUNC(_sdc_batched_at, MONTH) CLUSTER BY _sdc_batched_at"
    )
    added = ", ".join(f"ADD COLUMN IF NOT EXISTS {_name(column)} {kind}" for column, kind in types.items())
    yield f"ALTER TABLE {table} {added}"
    if not one.urls:
        return
    if not all(url.startswith("gs://") for url in one.urls):
        raise WarehouseError(f"{one.table.stream}: BigQuery reads BATCH files from Cloud Storage only.")
    options = f"format = 'JSON', ignore_unknown_values = TRUE, uris = [{', '.join(map(_text, one.urls))}]"
    yield f"LOAD DATA OVERWRITE {rows} ({_columns(own)}) FROM FILES ({options})"
    yield _merge(one, table, rows, at)
    yield f"DROP TABLE IF EXISTS {rows}"


def _columns(types: Mapping[str, str]) -> str:
    return ", ".join(f"{_name(name)} {kind}" for name, kind in types.items())


def _merge(one: StagedTable, table: str, rows: str, at: datetime) -> str:
    values = {name: _name(name) for name in one.table.columns} | _metadata(at)
    selected = ", ".join(f"{value} AS {_name(name)}" for name, value in values.items())
    names = ", ".join(map(_name, values))
    source = f"SELECT {selected} FROM {rows}"  # noqa: S608 - quoted names
    if not one.table.key:
        return f"INSERT INTO {table} ({names}) {source}"
    key = ", ".join(map(_name, one.table.key))
    order = f"{_name(one.replication_key)} DESC" if one.replication_key else key
    newest = f"QUALIFY ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY {order}) = 1"
    join = " AND ".join(f"target.{_name(name)} = source.{_name(name)}" for name in one.table.key)
    changed = ", ".join(
        f"{_name(name)} = source.{_name(name)}" for name in values if name not in one.table.key
    )
    inserted = ", ".join(f"source.{_name(name)}" for name in values)
    return (
        f"MERGE INTO {table} AS target USING ({source} WHERE TRUE {newest}) AS source ON {join} "  # noqa: S608 - as above
        f"WHEN MATCHED THEN UPDATE SET {changed} WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({inserted})"
    )


def _metadata(at: datetime) -> dict[str, str]:
    time = f"TIMESTAMP {_text(at.isoformat())}"
    return {
        "_sdc_extracted_at": time,
        "_sdc_received_at": time,
        "_sdc_batched_at": time,
        "_sdc_deleted_at": "CAST(NULL AS TIMESTAMP)",
        "_sdc_sequence": str(round(at.timestamp() * 1000)),
        "_sdc_table_version": "CAST(NULL AS INT64)",
    }


def _name(name: str) -> str:
    if not _PLAIN.fullmatch(name):
        raise WarehouseError(f"{name}: the name is not a plain SQL identifier. Rename it with a stream map.")
    return f"`{name}`"


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
