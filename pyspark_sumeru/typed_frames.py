"""Typed columns from raw rows, without another read of the API."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the usual name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame


def typed(raw: DataFrame, stream: str, keep: Sequence[str] = ()) -> DataFrame:
    """Return the records of a stream with a column for each field.

    Example:
        ```python
        orders = typed(spark.table("bronze.sumeru"), "orders")
        ```

    Args:
        raw: Raw rows, as a read with `stream=*` returns them.
        stream: Name of the stream.
        keep: Columns of the raw rows to keep in front of the others, such as `changed_at`. Those that the
            stream has itself, such as `shop`, are not there twice.

    Raises:
        SettingsError: There is no such stream or column.
    """
    from pyspark_sumeru.task import typed_schema  # noqa: PLC0415 - keeps the import of the package light

    kept, schema = typed_schema(stream, [keep] if isinstance(keep, str) else keep)
    records = raw.where((F.col("kind") == "RECORD") & (F.col("stream") == stream))
    records = records.select(*kept, F.col("record").alias("_record"))  # `record` itself may be kept
    return records.mapInArrow(partial(_convert, stream=stream), schema)


def _convert(batches: Iterator[pa.RecordBatch], stream: str) -> Iterator[pa.RecordBatch]:
    """Convert batches on an executor."""
    from pyspark_sumeru.task import convert  # noqa: PLC0415 - as above

    return convert(batches, stream)
