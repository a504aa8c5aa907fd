"""What a Spark driver does for a test. This file runs in an environment with Spark, not in that of the tests.

It reads one job a line from stdin, and writes its result to stdout; all else that is printed goes to the log.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import SparkSession

import pyspark_sumeru
from pyspark_sumeru import task
from pyspark_sumeru.bronze import as_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyspark.sql import DataFrame

Json = dict[str, Any]

_CONF = {
    "spark.driver.host": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def _session(
    master: str = "", remote: str = "", conf: Mapping[str, str] | None = None
) -> SparkSession | None:
    if not (master or remote):
        return None
    builder = SparkSession.builder.master(master) if master else SparkSession.builder.remote(remote)
    for name, value in {**_CONF, **(conf or {})}.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _plain(value: object) -> str:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(type(value).__name__)


def _write(rows: Iterable[Json], out: str) -> None:
    with open(out, "w", encoding="utf-8") as file:  # noqa: PTH123 - one call
        file.writelines(json.dumps(row, default=_plain) + "\n" for row in rows)


def _read(spark: SparkSession, options: Mapping[str, str]) -> DataFrame:
    return spark.read.format("sumeru").options(**options).load()


def read(spark: SparkSession, options: Mapping[str, str], out: str) -> None:
    """Read the API, and write the rows to a file."""
    _write(_read(spark, options).toArrow().to_pylist(), out)


def schema(spark: SparkSession, options: Mapping[str, str]) -> Any:
    """Return the schema of a read."""
    return _read(spark, options).schema.jsonValue()


def chosen_schema(spark: SparkSession, options: Mapping[str, str]) -> None:
    """Read with a schema that the user has chosen."""
    spark.read.format("sumeru").schema("id STRING").options(**options).load().count()


def partitions(spark: SparkSession, options: Mapping[str, str]) -> int:
    """Return the number of partitions of a read."""
    return int(_read(spark, options).rdd.getNumPartitions())


def sync(spark: SparkSession, options: Json, table: str, **more: Any) -> None:
    """Sync into a table."""
    pyspark_sumeru.sync(spark, options, table, **more)


def table(spark: SparkSession, path: str, out: str) -> None:
    """Write the raw rows of a table to a file, each with the name of the file that it comes from."""
    _write(_table(spark, path).select("*", "_metadata.file_name").toArrow().to_pylist(), out)


def typed(spark: SparkSession, path: str, stream: str, out: str, **more: Any) -> None:
    """Write the typed rows of a table to a file."""
    rows = pyspark_sumeru.typed(_table(spark, path), stream, **more)
    _write(rows.toArrow().to_pylist(), out)


def latest(spark: SparkSession, path: str, stream: str, out: str) -> None:
    """Write the newest typed rows of a table to a file."""
    rows = pyspark_sumeru.latest(_table(spark, path), stream)
    _write(pyspark_sumeru.typed(rows, stream).toArrow().to_pylist(), out)


def state(spark: SparkSession, path: str) -> str:
    """Return the state that a table holds."""
    return pyspark_sumeru.latest_state(_table(spark, path))


def empty_states(spark: SparkSession, path: str) -> None:
    """Append the states of a table without their records, as if they were newer."""
    states = _table(spark, path).where("kind = 'STATE'")
    newer = states.selectExpr(
        "kind", "stream", "shop", "id", "now() AS changed_at", "CAST(NULL AS STRING) AS record", "sequence"
    )
    newer.write.mode("append").parquet(path)


def _table(spark: SparkSession, path: str) -> DataFrame:
    return spark.read.parquet(path) if "/" in path else spark.table(path)


def direct(_: None, options: Mapping[str, str], out: str) -> None:
    """Read without Spark, as its Python processes do."""
    source, partitions = _through_pickle(options)
    rows = (row for part in partitions for batch in source.read(part) for row in batch.to_pylist())
    _write(rows, out)


def _through_pickle(options: Mapping[str, str]) -> Any:
    """Return a reader and its partitions as they are on an executor."""
    source = pyspark_sumeru.DefaultSource(dict(options))
    reader = source.reader(source.schema())
    return pickle.loads(pickle.dumps((reader, reader.partitions())))  # noqa: S301 - ours


def append_delta(_: None, options: Mapping[str, str], table: str) -> None:
    """Read from the state that a Delta table holds, and append the rows in one commit."""
    from deltalake import DeltaTable, write_deltalake  # noqa: PLC0415 - only with the newest Spark

    if DeltaTable.is_deltatable(table) and options.get("stream", "*") == "*":
        rows = DeltaTable(table).to_pyarrow_table().to_pylist()
        states = {
            (row["stream"], row["shop"]): row["record"]
            for row in sorted(rows, key=lambda row: (row["changed_at"], row["sequence"]))
            if row["kind"] == "STATE"
        }
        options = {**options, "state": as_state(states)}
    reader, partitions = _through_pickle(options)
    batches = [batch for part in partitions for batch in reader.read(part)]
    write_deltalake(table, pa.Table.from_batches(batches), mode="append")


def delta(_: None, table: str, out: str) -> None:
    """Write the rows of a Delta table to a file."""
    from deltalake import DeltaTable  # noqa: PLC0415 - only with the newest Spark

    _write(DeltaTable(table).to_pyarrow_table().to_pylist(), out)


def delta_types(_: None, table: str) -> Any:
    """Return the types of the columns of a Delta table."""
    from deltalake import DeltaTable  # noqa: PLC0415 - only with the newest Spark

    fields = json.loads(DeltaTable(table).schema().to_json())["fields"]
    return {field["name"]: field["type"] for field in fields}


def session_class(spark: SparkSession) -> str:
    """Return the class of the session."""
    return f"{type(spark).__module__}.{type(spark).__name__}"


def pickled(_: None, options: Mapping[str, str]) -> Any:
    """Return what travels to all tasks of a read, and to each."""
    source = pyspark_sumeru.DefaultSource(dict(options))
    reader = source.reader(source.schema())
    partitions = [pickle.dumps(part).decode("latin-1") for part in reader.partitions()]
    return pickle.dumps((source, reader)).decode("latin-1"), partitions


def read_shops(_: None, options: Mapping[str, str], shops: list[str]) -> None:
    """Read shops as if they had been planned."""
    list(task.read(options, shops, {}, ""))


def convert(_: None, lines: list[str], stream: str, out: str) -> None:
    """Write the typed rows of records."""
    batch = pa.RecordBatch.from_pydict({"record": lines})
    _write((row for one in task.convert([batch], stream) for row in one.to_pylist()), out)


def fault(_: None, text: str) -> None:
    """Fail unexpectedly."""
    with task.reported_errors():
        raise ValueError(text)


def modules(_: None) -> list[str]:
    """Return the top-level modules that are imported."""
    return [name for name in sys.modules if "." not in name]


_WITH_SPARK = (
    *(session_class, read, schema, chosen_schema, partitions, sync, table, typed, latest, state),
    empty_states,
)
_WITHOUT = (direct, append_delta, delta, delta_types, pickled, read_shops, convert, fault, modules)
_JOBS = {job.__name__: job for job in (*_WITH_SPARK, *_WITHOUT)}


def main() -> None:
    """Run jobs until stdin ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    spark = _session(**json.loads(sys.argv[1]))
    for line in sys.stdin:
        job = json.loads(line)
        try:
            answer = {"result": _JOBS[job["job"]](spark, **job["arguments"])}
        except Exception as error:  # noqa: BLE001 - the test sees it
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
