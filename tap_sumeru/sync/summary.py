"""What a sync says at its end: what came of each stream, what failed, and what to do about it."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_sumeru.extract.stream_reader import Reader
    from tap_sumeru.sync.engine import Engine

logger = logging.getLogger("tap-sumeru")


def sum_up(engine: Engine, seconds: float) -> None:
    """Log the summary of a run; it is as long for a thousand shops as for one, but for what failed.

    Args:
        engine: What was run.
        seconds: How long it took.
    """
    by_stream: dict[str, list[Reader]] = {}
    for reader in engine.readers:
        by_stream.setdefault(reader.spec.name, []).append(reader)
    for name, readers in by_stream.items():
        logger.info("%s: %s.", name, "; ".join(_of_stream(engine, readers)))
    if left_out := [name for name in STREAMS if name not in by_stream]:
        logger.info("Not selected: %s.", ", ".join(left_out))
    for name, readers in by_stream.items():
        _tell_drift(name, readers)
    for failure in engine.failures:
        logger.error("%s", failure)
    complete = sum(map(engine.complete, engine.readers))
    done = "done" if complete == len(engine.readers) else "incomplete"
    logger.info("Sync %s: %s.", done, "; ".join(_in_all(engine, seconds, complete)))


def _of_stream(engine: Engine, readers: list[Reader]) -> Iterator[str]:
    yield f"{sum(reader.written_rows for reader in readers)} records"
    complete = [reader for reader in readers if engine.complete(reader)]
    if len(complete) < len(readers):
        yield f"incomplete in {len(readers) - len(complete)} of {_count(len(readers), 'shop')}"
    known = Counter(reader.trust.known for reader in complete)
    if len(known) == 1:
        yield f"date filter {next(iter(known))}"
    elif known:
        yield "date filter " + ", ".join(
            f"{what} in {_count(count, 'shop')}" for what, count in sorted(known.items())
        )


def _tell_drift(name: str, readers: Iterable[Reader]) -> None:
    drift: Counter[str] = Counter()
    for reader in readers:
        drift.update(reader.shaper.drift)
    for column, count in drift.items():
        logger.warning(
            "%s.%s: %d values of an unexpected type; the column is null there, `extra` has what it may.",
            name,
            column,
            count,
        )


def _in_all(engine: Engine, seconds: float, complete: int) -> Iterator[str]:
    rows = sum(reader.written_rows for reader in engine.readers)
    requests = sum(lane.requests for lane in engine.lanes)
    yield f"{rows} records, {requests} requests, {seconds:.1f} s"
    shops = len({reader.shop.name for reader in engine.readers})
    where = f" in {shops} shops" if shops > 1 else ""
    yield f"{complete} of {len(engine.readers)} streams complete{where}"
    if engine.failures:
        yield _count(len(engine.failures), "failure")
    slowest = max(engine.lanes, key=lambda lane: lane.held, default=None)
    refused = sum(lane.refused for lane in engine.lanes)
    if slowest is not None and (slowest.held >= 1 or refused):
        most = "" if len(engine.lanes) == 1 else f" at most, for shop {slowest.shop.name}"
        refusals = _count(refused, "request")
        yield f"waited {slowest.held:.0f} s{most} for the rate limit, which refused {refusals}"


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
