"""Raw rows as Arrow batches."""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql.types import LongType, StringType, StructField, StructType, TimestampType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyspark_sumeru.group_read import Rows

MAX_ROWS, MAX_BYTES = 5_000, 4 << 20
"""A batch ends with the page that reaches one of these."""

RAW = StructType(
    [
        StructField("kind", StringType()),
        StructField("stream", StringType()),
        StructField("shop", StringType()),
        StructField("id", StringType()),
        StructField("changed_at", TimestampType()),
        StructField("record", StringType()),
        StructField("sequence", LongType()),
    ]
)
"""Schema of raw rows."""

_TIME = pa.timestamp("us", "UTC")
_ARROW = pa.schema(
    [
        ("kind", pa.string()),
        ("stream", pa.string()),
        ("shop", pa.string()),
        ("id", pa.string()),
        ("changed_at", _TIME),
        ("record", pa.string()),
        ("sequence", pa.int64()),
    ]
)


def raw_batches(rows: Iterable[Rows]) -> Iterator[pa.RecordBatch]:
    """Yield rows as batches of the schema `RAW`."""
    sequence = 0
    for pages in chunks(rows):
        count = sum(len(page.lines) for page in pages)
        yield _batch(pages, range(sequence, sequence + count))
        sequence += count


def chunks(rows: Iterable[Rows]) -> Iterator[list[Rows]]:
    """Yield pages together that make a batch of a useful size."""
    pages: list[Rows] = []
    count = size = 0
    for page in rows:
        pages.append(page)
        count += len(page.lines)
        size += sum(map(len, page.lines))
        if count >= MAX_ROWS or size >= MAX_BYTES:
            yield pages
            pages, count, size = [], 0, 0
    if pages:
        yield pages


def _batch(pages: list[Rows], sequence: range) -> pa.RecordBatch:
    sizes = [len(page.lines) for page in pages]

    def repeated(values: Iterable[object], kind: pa.DataType) -> pa.Array:
        """Return a column whose values are the same for all rows of a page."""
        return pa.array(list(chain.from_iterable(map(repeat, values, sizes))), kind)

    columns = [
        repeated((page.kind.value for page in pages), pa.string()),
        repeated((page.stream for page in pages), pa.string()),
        repeated((page.shop for page in pages), pa.string()),
        pa.array([one for page in pages for one in page.ids], pa.string()),
        repeated((page.at for page in pages), pa.int64()).cast(_TIME),
        pa.array([line for page in pages for line in page.lines], pa.string()),
        pa.array(sequence, pa.int64()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_ARROW)
