"""Lines of progress: what a running sync has read, how long it will take, and what it waits for."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from sumeru_api.request_queue import Reason
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.sync.wording import count, names, time_left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sumeru_api.request_queue import Wait
    from tap_sumeru.extract.read_progress import ReadProgress

_NEGLIGIBLE = 1.0
"""Seconds of a wait that are not worth a line: the usual distance between two requests."""
_MIN_SHARE = 0.02
"""Share of a read that must be done before the rest can be estimated."""


class StreamProgress(NamedTuple):
    """The progress of one stream, over all shops.

    Attributes:
        name: Name of the stream.
        records: Records written.
        requests: Requests that got a response.
        shops: How many shops there are.
        complete: How many of them are complete.
        failed: How many have failed.
        reading: How far each read that is under way has come.
    """

    name: str
    records: int
    requests: int
    shops: int
    complete: int
    failed: int
    reading: Sequence[ReadProgress]

    @property
    def share(self) -> float | None:
        """Which share is done, from 0 to 1; None if nothing is known."""
        shares = [one.share for one in self.reading]
        if self.shops == 1 or not (self.complete or self.failed):
            known = [share for share in shares if share is not None]
            return sum(known) / self.shops if len(known) == len(shares) > 0 else None
        return (self.complete + self.failed + sum(share or 0.0 for share in shares)) / self.shops


def stream_line(stream: StreamProgress, seconds: float) -> str:
    """Return the line of a stream that is being read.

    Args:
        stream: Its progress.
        seconds: How long the run has taken so far.
    """
    parts = [f"{count(stream.records, 'record')}, {count(stream.requests, 'request')}"]
    if stream.shops > 1:
        parts.append(", ".join(_shops(stream)))
    else:
        parts += [_one_read(stream.name, one) for one in stream.reading]
    share = stream.share
    if share is not None and _MIN_SHARE <= share < 1:
        parts.append(time_left(seconds * (1 - share) / share))
    return f"{stream.name}: {'; '.join(parts)}."


def _shops(stream: StreamProgress) -> Iterator[str]:
    yield f"{stream.complete} of {stream.shops} shops complete"
    if stream.failed:
        yield f"{stream.failed} failed"
    yield f"{len(stream.reading)} being read"


def _one_read(name: str, progress: ReadProgress) -> str:
    start, at, end = progress.start, progress.at, progress.end
    parent = STREAMS[name].parent
    if progress.parents:
        return f"{progress.parents_read} of {progress.parents} {parent} read"
    if not progress.pages:
        return f"waiting for the list of {parent}" if parent else "no response yet"
    if start is None or at is None or end is None:
        return f"{count(progress.pages, 'page')}, total unknown"
    percent = int(100 * (progress.share or 0.0))
    return f"at {at:%Y-%m-%d}, {percent} % of {start:%Y-%m-%d} to {end:%Y-%m-%d}"


def wait_lines(waits: Mapping[str, Wait], now: float, time_of: Callable[[float], datetime]) -> Iterator[str]:
    """Yield a line for each thing that shops wait for.

    Args:
        waits: What each shop waits for.
        now: The time by the clock of the waits.
        time_of: Returns the time of day at a reading of that clock.
    """
    by_reason: dict[Reason, dict[str, Wait]] = defaultdict(dict)
    for shop, wait in waits.items():
        if wait.until - now >= _NEGLIGIBLE:
            by_reason[wait.reason][shop] = wait
    for reason, shops in by_reason.items():
        until = f"{time_of(max(wait.until for wait in shops.values())):%H:%M:%S} UTC"
        silent = f"{now - min(wait.since for wait in shops.values()):.0f} s"
        last = "" if len(shops) == 1 else " at the latest"
        listed = names(list(shops))
        who = f"Shop {listed}" if len(shops) == 1 else f"{len(shops)} shops ({listed})"
        yield f"{who}: {_WAITING[reason].format(until=until + last, silent=silent)}."


_WAITING = {
    Reason.RATE_LIMIT: "waiting for the rate limit until {until}",
    Reason.RESPONSE: "no response for {silent}; the request times out at {until}",
    Reason.RETRY: "waiting after a failed request until {until}",
}


def limits_line(limits: Mapping[str, float | None], share: float) -> str:
    """Return a line that states the rate limits that are known, empty if none is.

    Args:
        limits: Requests per minute that each shop's limit allows the tap, None if it is not known.
        share: The share of the limit that the tap uses.
    """
    known = {round(limit, 1) for limit in limits.values() if limit is not None}
    if not known:
        return ""
    most = f"{max(known):g} {'request' if max(known) == 1 else 'requests'}"
    rates = most if len(known) == 1 else f"{min(known):g} to {most}"
    used = "" if share == 1 else f", {share:.0%} of the rate limit"
    each = " for each shop" if len(limits) > 1 else ""
    return f"Pace: at most {rates} per minute{each}{used}."
