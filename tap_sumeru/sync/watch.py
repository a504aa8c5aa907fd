"""Watches a run: logs its progress after 5 seconds and then every 30, and writes the METRIC lines due."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sumeru_api.request_queue import Reason
from tap_sumeru.sync.heartbeat import Heartbeat
from tap_sumeru.sync.progress import StreamProgress, limits_line, stream_line, wait_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sumeru_api.request_queue import Wait
    from tap_sumeru.sync.engine import Engine
    from tap_sumeru.sync.metrics import Metrics
    from tap_sumeru.sync.results import Results

logger = logging.getLogger("tap-sumeru")

FIRST_SECONDS = 5.0
"""Seconds until the first lines: by then the API has stated its limit."""
INTERVAL_SECONDS = 30.0
"""Seconds between the lines of progress."""
_STALLED = 5.0
"""Seconds after which a line reports a write that has not ended."""


class Watch:
    """Shows that a run is alive. It looks at a run from a thread of its own and changes nothing.

    Args:
        engine: Reads the streams.
        results: What has been written.
        metrics: Writes METRIC lines.
        share: Share of the rate limit that may be used.
        output: Name of what takes the output, for the log.
        clock: The clock of the event loop, in seconds.
    """

    def __init__(
        self,
        engine: Engine,
        results: Results,
        metrics: Metrics,
        share: float,
        output: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._results = results
        self._metrics = metrics
        self._share = share
        self._output = output
        self._clock = clock
        self._started_at = clock()
        self._limits = ""
        self._writing_since: float | None = None

    def writes(self) -> None:
        """Record that a write begins, which lasts until the target has read it."""
        self._writing_since = self._clock()

    def written(self) -> None:
        """Record that the output has been written."""
        self._writing_since = None

    def heartbeat(self) -> Heartbeat:
        """Return what logs the progress, as a context manager."""
        return Heartbeat(self.report, FIRST_SECONDS, INTERVAL_SECONDS, self._clock)

    def report(self) -> None:
        """Log what the run does now, in at least one line."""
        for line in self._lines():
            logger.info("%s", line)
        self._metrics.write_if_due()

    def _lines(self) -> Iterator[str]:
        now = self._clock()
        limits = limits_line(
            {shop: queue.per_minute for shop, queue in self._engine.queues.items()}, self._share
        )
        if limits != self._limits:
            self._limits = limits
            yield limits
        since = self._writing_since
        stalled = since is not None and now - since >= _STALLED
        streams = [one for one in self._streams() if one.reading]
        for stream in streams:
            yield stream_line(stream, now - self._started_at)
        if stalled and since is not None:
            yield f"Waiting for {self._output}: no output was accepted for {now - since:.0f} s."
        yield from wait_lines(self._waits(now, stalled=stalled), now, self._time_of(now))
        if not streams and not stalled:
            yield f"{self._results.complete} of {self._results.reads} streams complete; the sync is ending."

    def _streams(self) -> Iterator[StreamProgress]:
        reading = self._engine.reading()
        counts = self._engine.counts
        for name, result in self._results.by_stream.items():
            yield StreamProgress(
                name,
                result.rows,
                counts[name].answered if name in counts else 0,
                self._results.shops,
                result.complete,
                result.failed,
                reading.get(name, ()),
            )

    def _waits(self, now: float, *, stalled: bool) -> Mapping[str, Wait]:
        """Return what each shop waits for; while the target is stalled, no request waits for a response."""
        waits = self._engine.waits(now)
        return {
            shop: wait for shop, wait in waits.items() if not (stalled and wait.reason is Reason.RESPONSE)
        }

    def _time_of(self, now: float) -> Callable[[float], datetime]:
        present = datetime.now(UTC)
        return lambda reading: present + timedelta(seconds=reading - now)
