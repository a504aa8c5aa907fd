"""Parquet files: one for each table and chunk, in a folder or in any storage that fsspec supports."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
from pyarrow import parquet
from upath import UPath

from tap_sumeru.bulk.errors import InputError, WarehouseError
from tap_sumeru.bulk.parquet_columns import TIMESTAMP, Columns
from tap_sumeru.output import private_files

if TYPE_CHECKING:
    from tap_sumeru.bulk.chunks import Chunk, Rows
    from tap_sumeru.bulk.table import Table

_METADATA = [
    pa.field("_sdc_extracted_at", TIMESTAMP),
    pa.field("_sdc_received_at", TIMESTAMP),
    pa.field("_sdc_sequence", pa.int64()),
    pa.field("_sdc_table_version", pa.int64()),
]


class _Row(msgspec.Struct, array_like=True):
    """A row as it waits for its file."""

    extracted_at: datetime
    version: int | None
    record: msgspec.Raw


_decode = msgspec.json.Decoder(_Row).decode
_encode = msgspec.json.Encoder().encode


class Parquet:
    """Writes Parquet files. Rows are appended: the newest of a key has the highest `_sdc_sequence`.

    Args:
        root: Path or URL of the folder.
    """

    def __init__(self, root: str) -> None:
        self._root = UPath(root)
        self._run = uuid.uuid4().hex
        self._columns: dict[Table, Columns] = {}
        self._files = 0
        self._last = 0

    def encode(self, record: bytes, extracted_at: str, version: int | None) -> bytes:
        """Return a row as it waits for its file."""
        return _encode([extracted_at, version, msgspec.Raw(record)])

    def load(self, chunk: Chunk) -> None:
        """Write a file for each table.

        Raises:
            WarehouseError: A file cannot be written.
            InputError: A record does not fit its schema; or rows are to be deleted, which files do not allow.
        """
        if chunk.versions:
            names = ", ".join(table.stream for table, _ in chunk.versions)
            raise InputError(f"{names}: Parquet files cannot soft-delete rows. Read without FULL_TABLE.")
        for rows in chunk.rows:
            self._write(rows)

    def _write(self, rows: Rows) -> None:
        columns = self._columns.setdefault(rows.table, Columns(rows.table))
        decoded = [_decode(row) for row in rows.encoded]
        arrays = columns.arrays([bytes(row.record) for row in decoded])
        now = datetime.now(UTC)
        self._last = start = max(self._last, round(now.timestamp() * 1_000_000))
        self._last += len(decoded)
        metadata = [
            [row.extracted_at for row in decoded],
            [now] * len(decoded),
            range(start, self._last),
            [row.version for row in decoded],
        ]
        schema = pa.schema([*columns.schema, *_METADATA])
        arrays += [pa.array(values, field.type) for values, field in zip(metadata, _METADATA, strict=True)]
        self._save(rows.table.name, pa.table(arrays, schema))

    def _save(self, name: str, table: pa.Table) -> None:
        self._files += 1
        file = f"{name}-{self._run}-{self._files:06d}.parquet"
        try:
            folder = self._root / name
            private_files.make_folder(folder)
            # Readers ignore names that begin with a dot, so none sees a part of a file.
            new = folder / f".{file}"
            with private_files.create(new) as out:
                parquet.write_table(table, out)
                _sync(out)
            new.rename(folder / file)
        except Exception as error:  # noqa: BLE001 - each storage raises its own errors
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            raise WarehouseError(f"{name}: the Parquet file cannot be written ({reason}).") from None


def _sync(file: object) -> None:
    """Flush a local file to the disk, so that no state covers rows that a power failure could lose."""
    fileno = getattr(file, "fileno", None)
    if fileno is not None:
        file.flush()  # type: ignore[attr-defined]  # what has a number is a file
        os.fsync(fileno())
