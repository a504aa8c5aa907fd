"""What the data source does in the Python processes of Spark: plans groups of shops, and reads one."""

from __future__ import annotations

import gc
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql.types import StructType

from pyspark_sumeru.group_read import GroupRead, Kind
from pyspark_sumeru.groups import group_shops
from pyspark_sumeru.options import ReadOptions, check_stream
from pyspark_sumeru.raw_rows import RAW, chunks, raw_batches
from pyspark_sumeru.selections import stream_selection
from pyspark_sumeru.typed_columns import columns_of, spark_schema
from pyspark_sumeru.typed_rows import TypedRows
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.schema import DEFAULTS
from tap_sumeru.errors import SettingsError, TapError
from tap_sumeru.private_log import describe_fault, silence_libraries
from tap_sumeru.state.unknown_parts import unknown_parts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from pyspark_sumeru.typed_columns import Column
    from tap_sumeru.state.bookmarks import State

logger = logging.getLogger("tap-sumeru")

_GC_THRESHOLDS = (20_000, 20, 50)
"""Those of the tap's own process: with many shops the heap is large, and each collection is slow."""

silence_libraries()


class ReadFailed(TapError):
    """A stream could not be read; the message says why, and what to do."""


class InternalError(Exception):
    """An unexpected error, without its text, which could hold a value."""


@contextmanager
def reported_errors() -> Iterator[None]:
    """Let only errors through whose texts hold no value, because Spark prints them and their causes."""
    try:
        yield
    except TapError as error:
        raise error from None
    except Exception as error:  # noqa: BLE001 - no exception may show its text
        raise InternalError(f"Internal error: {describe_fault(error)}. Please report this line.") from None


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let the garbage collector run rarely; Spark uses the process for other tasks later."""
    before = gc.get_threshold()
    gc.set_threshold(*_GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def schema_of(options: Mapping[str, str]) -> StructType:
    """Return the schema of a read."""
    with reported_errors():
        parsed = ReadOptions.parse(options)
        if parsed.raw:
            return RAW
        return spark_schema(columns_of(parsed.selections[0], parsed.settings.pii))


def check_schema(options: Mapping[str, str], given: StructType) -> None:
    """Reject a schema that the user has given, unless it is that of the read.

    Raises:
        SettingsError: The schema is another.
    """
    expected = [(field.name, field.dataType) for field in schema_of(options)]
    if [(field.name, field.dataType) for field in given] != expected:
        raise SettingsError("schema: cannot be chosen. Remove it, and select columns with `columns`.")


def plan(options: Mapping[str, str]) -> list[tuple[tuple[str, ...], State, str]]:
    """Return the groups of shops: their names, their part of the state, and the id of the read."""
    with reported_errors():
        parsed = ReadOptions.parse(options)
        settings = parsed.settings
        for line in unknown_parts(parsed.state, settings.configured, DEFAULTS["shop"]):
            logger.warning("%s", line)
        shops = [shop for shop in settings.shops if parsed.only is None or shop.name in parsed.only]
        if not shops:
            logger.warning("The settings have no shops: there is nothing to read.")
        groups = [tuple(shop.name for shop in one) for one in group_shops(shops, parsed.partitions)]
        return [(names, _part(parsed.state, names), parsed.read_id) for names in groups]


def _part(state: State, shops: Collection[str]) -> State:
    """Return the part of a state that concerns some shops."""
    return {
        "bookmarks": {
            stream: {"partitions": [one for one in content["partitions"] if one["context"]["shop"] in shops]}
            for stream, content in state.get("bookmarks", {}).items()
            if stream in STREAMS and "partitions" in content
        }
    }


def read(
    options: Mapping[str, str], shops: Collection[str], state: State, read_id: str
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a group of shops."""
    with reported_errors(), rare_collections():
        parsed = ReadOptions.parse(options)
        members = tuple(shop for shop in parsed.settings.shops if shop.name in shops)
        if len(members) != len(shops):
            raise SettingsError("shops_file: lacks shops that it had when the read began.")
        group = GroupRead(
            parsed.settings.only(members),
            parsed.selections,
            state,
            read_id=read_id,
            max_seconds=parsed.max_seconds,
            seed=parsed.seed,
        )
        yield from raw_batches(group.rows()) if parsed.raw else _typed_batches(group, parsed)


def _typed_batches(group: GroupRead, options: ReadOptions) -> Iterator[pa.RecordBatch]:
    (selection,) = options.selections
    typed = TypedRows(selection.name, columns_of(selection, options.settings.pii))
    for pages in chunks(group.rows()):
        lines = [line for page in pages if page.kind is Kind.RECORD for line in page.lines]
        if lines:
            yield typed.batch(lines)
        if group.failures:
            raise ReadFailed(str(group.failures[0]))
    typed.report()


def typed_schema(stream: str, keep: Sequence[str]) -> tuple[list[str], StructType]:
    """Return which columns of the raw rows are kept, and the schema of the typed rows of a stream.

    Args:
        stream: Name of the stream.
        keep: Columns of the raw rows that are in front of the others. Those that the stream has itself, such
            as `shop`, are not there twice.

    Raises:
        SettingsError: There is no such stream or column.
    """
    for name in keep:
        if name not in RAW.names:
            raise SettingsError(f"keep: is not a column of the raw rows. There are: {', '.join(RAW.names)}.")
    check_stream("stream", stream)
    own = spark_schema(_all_columns(stream))
    kept = [name for name in dict.fromkeys(keep) if name not in own.names]
    return kept, StructType([*(RAW[name] for name in kept), *own.fields])


def convert(batches: Iterable[pa.RecordBatch], stream: str) -> Iterator[pa.RecordBatch]:
    """Yield the typed rows of a stream.

    Args:
        batches: Batches whose last column is the record, as JSON.
        stream: Name of the stream.
    """
    with reported_errors():
        typed = TypedRows(stream, _all_columns(stream))
        for batch in batches:
            kept = batch.schema.names[:-1]
            rows = typed.batch(batch.column(len(kept)).to_pylist())
            fields = [*(batch.schema.field(name) for name in kept), *rows.schema]
            columns = [*batch.columns[:-1], *rows.columns]
            yield pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))
        typed.report()


def _all_columns(stream: str) -> tuple[Column, ...]:
    return columns_of(stream_selection(stream, None, "keep", full_table=False))
