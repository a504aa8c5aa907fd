"""What raw rows hold: the newest records, and the state of the reads.

Only the DataFrame API is used, so all of this works through Spark Connect too.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the usual name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

    Where = tuple[str, str]
    """A stream and a shop."""


def latest_state(raw: DataFrame) -> str:
    """Return the state to continue from, for the option `state`.

    Args:
        raw: All raw rows that were appended so far.
    """
    return as_state(states_of(raw))


def latest(raw: DataFrame, stream: str) -> DataFrame:
    """Return the newest raw row of each record of a stream, without those that no longer exist.

    A row no longer exists if a read in full, with the option `fullTable`, did not return it.

    Args:
        raw: Raw rows.
        stream: Name of the stream.

    Raises:
        SettingsError: There is no such stream.
    """
    from pyspark_sumeru.options import check_stream  # noqa: PLC0415 - keeps the import of the package light
    from tap_sumeru.catalog.streams import STREAMS  # noqa: PLC0415 - as above

    check_stream("stream", stream)
    parent = STREAMS[stream].parent_column
    rows = raw.where(F.col("stream") == stream)
    key = ["shop", "id", *([F.get_json_object("record", f"$.{parent}").alias(parent)] if parent else [])]
    newest = (
        rows.where(F.col("kind") == "RECORD")
        .groupBy(*key)
        .agg(F.max_by(F.struct(*map(F.col, raw.columns)), _order()).alias("row"))
        .select("row.*")
    )
    complete = F.get_json_object("record", "$.started_at").cast("timestamp")
    full_reads = (
        rows.where((F.col("kind") == "COMPLETE") & (F.get_json_object("record", "$.all_rows") == "true"))
        .groupBy("shop")
        .agg(F.max(complete).alias("complete_at"))
    )
    exists = F.col("complete_at").isNull() | (F.col("changed_at") >= F.col("complete_at"))
    return newest.join(full_reads, "shop", "left").where(exists).select(*raw.columns)


def _order() -> Column:
    return F.struct("changed_at", "sequence")


def states_of(raw: DataFrame) -> dict[Where, str]:
    """Return the newest state of each stream of each shop."""
    newest = (
        raw.where((F.col("kind") == "STATE") & F.col("record").isNotNull())
        .groupBy("stream", "shop")
        .agg(F.max_by("record", _order()).alias("record"))
    )
    return {(row["stream"], row["shop"]): row["record"] for row in newest.collect()}


def as_state(states: Mapping[Where, str]) -> str:
    """Return states as one in the form of the tap, each letter by letter."""
    by_stream: dict[str, list[str]] = defaultdict(list)
    for (stream, _), record in states.items():
        by_stream[stream].append(record)
    parts = (f'"{stream}":{{"partitions":[{",".join(records)}]}}' for stream, records in by_stream.items())
    return f'{{"bookmarks":{{{",".join(parts)}}}}}'
