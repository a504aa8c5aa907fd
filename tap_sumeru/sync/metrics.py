"""METRIC log lines in the form of the SDK: three for each stream, over all shops.

Other taps of the SDK write one line per request. These lines add requests up: they cost next to nothing, and
their number depends neither on the requests nor on the shops. No tag holds an id or a value of a row.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from singer_sdk import metrics
from singer_sdk.metrics import Metric, Point, Status, Tag

from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sumeru_api.request_counts import RequestCount
    from tap_sumeru.sync.results import Results, StreamResult


class Metrics:
    """METRIC lines of a run.

    Each value is what has come since the stream's last line, as for the counters of the SDK.

    Args:
        results: What has been written.
        counts: The requests, by stream.
        shops: Names of the shops; a single one becomes the tag `context`.
        clock: A monotonic clock, in seconds.
    """

    def __init__(
        self,
        results: Results,
        counts: Mapping[str, RequestCount],
        shops: list[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._results = results
        self._counts = counts
        self._context = {Tag.CONTEXT: {"shop": shops[0]}} if len(shops) == 1 else {}
        self._clock = clock
        self._due = clock() + metrics.DEFAULT_LOG_INTERVAL
        self._rows = dict.fromkeys(results.by_stream, 0)
        self._requests = dict.fromkeys(results.by_stream, (0, 0.0))

    def write_if_due(self) -> None:
        """Write the counters of all streams, at the interval of the SDK."""
        if self._clock() >= self._due:
            self._due = self._clock() + metrics.DEFAULT_LOG_INTERVAL
            self._write_counters()

    def finish(self) -> None:
        """Write the counters for the last time, and how long each stream took."""
        self._write_counters(last=True)
        for name, result in self._results.by_stream.items():
            status = Status.SUCCEEDED if result.complete == self._results.shops else Status.FAILED
            seconds = self._results.seconds(result)
            self._write("timer", Metric.SYNC_DURATION, round(seconds, 3), name, {Tag.STATUS: status})

    def _write_counters(self, *, last: bool = False) -> None:
        for name, result in self._results.by_stream.items():
            self._write_records(name, result, last=last)
            self._write_requests(name)

    def _write_records(self, name: str, result: StreamResult, *, last: bool) -> None:
        new = result.rows - self._rows[name]
        if new or last:
            self._rows[name] += new
            self._write("counter", Metric.RECORD_COUNT, new, name)

    def _write_requests(self, name: str) -> None:
        """Write how long a request took on average, and how many there were."""
        if name not in self._counts:
            return
        requests, seconds = self._requests[name]
        count = self._counts[name]
        self._requests[name] = count.answered, count.seconds
        new = count.answered - requests
        if new:
            endpoint = "/api/v1/" + STREAMS[name].path.format(parent="{id}")
            mean = round((count.seconds - seconds) / new, 4)
            tags = {Tag.ENDPOINT: endpoint, "requests": new}
            self._write("timer", Metric.HTTP_REQUEST_DURATION, mean, name, tags)

    def _write(
        self, kind: str, metric: Metric, value: float, stream: str, tags: Mapping[Any, Any] | None = None
    ) -> None:
        tags = {Tag.STREAM: stream, **self._context, **(tags or {}), Tag.PID: os.getpid()}
        metrics.log(metrics.get_metrics_logger(), Point(kind, metric, value, tags))
