"""Keeps a bronze table of raw rows that is its own checkpoint: records and state are committed together.

Only the DataFrame API is used, so this works through Spark Connect too.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F  # noqa: N812 - the usual name

from pyspark_sumeru.bronze import as_state, states_of
from pyspark_sumeru.given_options import as_text, sync_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame, SparkSession

    from pyspark_sumeru.bronze import Where

logger = logging.getLogger("tap-sumeru")

_ABSENT = {
    "PATH_NOT_FOUND",
    "UNABLE_TO_INFER_SCHEMA",
    "DELTA_MISSING_DELTA_TABLE",
    "DELTA_PATH_DOES_NOT_EXIST",
    "DELTA_TABLE_NOT_FOUND",
}
"""What Spark says of a table that no run has committed to."""
_MAX_LINES = 20
_UNFINISHED = "Some streams were not read to their end. Run the sync again."


class SyncFailed(Exception):
    """Some streams of some shops could not be read; all others are in the table.

    Attributes:
        failures: What failed and what to do, by stream and shop.
    """

    def __init__(self, failures: Mapping[Where, str]) -> None:
        self.failures = dict(failures)
        lines = list(dict.fromkeys(self.failures.values()))
        more = [f"… and {len(lines) - _MAX_LINES} more"] if len(lines) > _MAX_LINES else []
        count = "1 failure" if len(lines) == 1 else f"{len(lines)} failures"
        super().__init__("\n".join([f"{count}. All else is in the table.", *lines[:_MAX_LINES], *more]))


def sync(
    spark: SparkSession,
    options: Mapping[str, Any],
    table: str,
    num_partitions: int | None = None,
    max_seconds: float | None = None,
    *,
    table_format: str | None = None,
) -> None:
    """Append all changes since the last sync to a table, and the state of the next.

    Only one sync may write to a table at a time.

    Args:
        spark: The session.
        options: The settings of the tap and options of the read; objects, lists, paths
            and dates may be given as such.
        table: Name of the table, or its path if it contains a slash; it is created if it does not exist.
        num_partitions: Groups of shops: as many as there are slots in the cluster.
        max_seconds: A commit is made after so many seconds, None for one commit at the end.
        table_format: Format of the table, such as `delta`; that of the session by default.

    Raises:
        SyncFailed: Some streams of some shops could not be read. What was read is committed.
        ValueError: An option is set that only this function may set, or two contradict each other.
    """
    given = sync_options(options)
    bronze = _Bronze(spark, table, table_format)
    states = bronze.states()
    failures: dict[Where, str] = {}
    only: list[str] | None = None
    while True:
        own = {"onlyShops": only, "numPartitions": num_partitions, "maxSeconds": max_seconds}
        outcome = bronze.append({**given, **as_text(own), "state": as_state(states)})
        failures = {where: text for where, text in failures.items() if where not in outcome.states}
        failures |= outcome.failures
        if not outcome.unfinished or (failures and given.get("on_error") == "stop"):
            break
        if max_seconds is None:
            failures |= dict.fromkeys(outcome.unfinished, _UNFINISHED)
            break
        if not outcome.complete and any(states.get(one) == outcome.states[one] for one in outcome.unfinished):
            max_seconds *= 2  # less than a window of days takes
            logger.warning("maxSeconds: is too short for some streams; the sync uses %s now.", max_seconds)
        states |= outcome.states
        only = sorted({shop for _, shop in outcome.unfinished})
    if failures:
        raise SyncFailed(failures)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The outcome of one read.

    Attributes:
        states: The state of each stream of each shop.
        failures: Those that failed, and why.
        complete: Those that were read to their end.
    """

    states: dict[Where, str]
    failures: dict[Where, str]
    complete: set[Where]

    @property
    def unfinished(self) -> set[Where]:
        """Those that the next slice must go on with."""
        return self.states.keys() - self.failures.keys() - self.complete


class _Bronze:
    """The table.

    Args:
        spark: The session.
        table: Its name or path.
        table_format: Its format, None for that of the session.
    """

    def __init__(self, spark: SparkSession, table: str, table_format: str | None) -> None:
        self._spark = spark
        self._table = table
        self._format = table_format
        self._is_path = "/" in table

    def read(self) -> DataFrame:
        """Return all rows."""
        reader = self._spark.read.format(self._format) if self._format else self._spark.read
        return reader.load(self._table) if self._is_path else reader.table(self._table)

    def states(self) -> dict[Where, str]:
        """Return the newest states; none if the table does not exist."""
        if not self._is_path and not self._spark.catalog.tableExists(self._table):
            return {}
        try:
            return states_of(self.read())
        except AnalysisException as error:
            if self._is_path and error.getCondition() in _ABSENT:
                return {}
            raise

    def append(self, options: Mapping[str, str]) -> _Outcome:
        """Read, append the rows in one commit, and return the outcome.

        There is one file for each task, so that a shop stays whole in any format.
        """
        read_id = uuid.uuid4().hex
        rows = self._spark.read.format("sumeru").options(**options, readId=read_id).load()
        writer = rows.write.mode("append").option("maxRecordsPerFile", 0)
        if self._format:
            writer = writer.format(self._format)
        if self._is_path:
            writer.save(self._table)
        else:
            writer.saveAsTable(self._table)
        return self._outcome(read_id)

    def _outcome(self, read_id: str) -> _Outcome:
        by_kind: dict[str, dict[Where, str]] = defaultdict(dict)
        rows = self.read().where((F.col("kind") != "RECORD") & (F.col("id") == read_id))
        for row in rows.select("kind", "stream", "shop", "record").collect():
            by_kind[row["kind"]][row["stream"], row["shop"]] = row["record"]
        failures = {where: _in_words(record) for where, record in by_kind["FAILURE"].items()}
        return _Outcome(by_kind["STATE"], failures, set(by_kind["COMPLETE"]))


def _in_words(failure: str) -> str:
    content = json.loads(failure)
    return f"{content['message']} {content['advice']}"
