"""Raw rows as Arrow batches.

They are built from buffers: `pyarrow.array` imports pandas, which takes 50 MB in each Python worker.
"""

from __future__ import annotations

from array import array
from itertools import accumulate, chain, repeat
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql.types import LongType, StringType, StructField, StructType, TimestampType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyspark_sumeru.group_read import Rows

MAX_ROWS, MAX_BYTES = 1_000, 1 << 20
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

    def repeated(values: Iterable[object]) -> list[Any]:
        """Return a column whose values are the same for all rows of a page."""
        return list(chain.from_iterable(map(repeat, values, sizes)))

    columns = [
        _strings(repeated(page.kind.value.encode() for page in pages)),
        _strings(repeated(page.stream.encode() for page in pages)),
        _strings(repeated(page.shop.encode() for page in pages)),
        _strings([one.encode() for page in pages for one in page.ids]),
        _integers(repeated(page.at for page in pages), _TIME),
        _strings([line for page in pages for line in page.lines]),
        _integers(sequence, pa.int64()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_ARROW)


def _strings(texts: Sequence[bytes]) -> pa.Array:
    """Return texts in UTF-8 as a column.

    Raises:
        ArrowInvalid: One is not UTF-8.
    """
    ends = array("i", accumulate(map(len, texts), initial=0))
    column = pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(b"".join(texts)))
    column.validate(full=True)
    return column


def _integers(values: Sequence[int], kind: pa.DataType) -> pa.Array:
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(array("q", values))])
