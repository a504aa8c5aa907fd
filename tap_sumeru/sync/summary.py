"""The summary at the end of a sync: the result of each stream, and the totals."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.sync.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sumeru_api.request_queue import RequestQueue
    from tap_sumeru.sync.results import Results, StreamResult

logger = logging.getLogger("tap-sumeru")


def log_summary(results: Results, queues: Mapping[str, RequestQueue], seconds: float) -> None:
    """Log the summary of a run; it is as long for a thousand shops as for one.

    Args:
        results: Results of the run.
        queues: The request queue of each shop.
        seconds: How long the run took.
    """
    for name, result in results.by_stream.items():
        logger.info("%s: %s.", name, "; ".join(_of_stream(result, results.shops)))
    if not_selected := [name for name in STREAMS if name not in results.by_stream]:
        logger.info("Not selected: %s.", ", ".join(not_selected))
    for name, result in results.by_stream.items():
        _log_mismatches(name, result)
        if result.rows and result.replication_key and not result.dated:
            logger.warning(
                "%s: no row has the replication key %s, so each sync reads the whole stream. "
                "Set another with `stream_options.%s.replication_key`.",
                name,
                result.replication_key,
                name,
            )
        _log_replaced(name, result)
    outcome = "done" if results.complete == results.reads else "incomplete"
    logger.info("Sync %s: %s.", outcome, "; ".join(_totals(results, queues, seconds)))


def _of_stream(result: StreamResult, shops: int) -> Iterator[str]:
    yield count(result.rows, "record")
    if result.unfinished:
        yield f"incomplete in {len(result.unfinished)} of {count(shops, 'shop')}"
    known = result.date_filters
    if len(known) == 1:
        yield f"date filter {next(iter(known))}"
    elif known:
        yield "date filter " + ", ".join(
            f"{word} in {count(number, 'shop')}" for word, number in sorted(known.items())
        )


def _log_mismatches(stream: str, result: StreamResult) -> None:
    for column, number in result.mismatches.items():
        logger.warning(
            "%s.%s: %s of an unexpected type: the column is null and `extra` has the value, unless `extra` "
            "is left out or the column is protected.",
            stream,
            column,
            count(number, "value"),
        )


def _log_replaced(stream: str, result: StreamResult) -> None:
    if result.replaced:
        logger.warning(
            "%s: %s could not be decoded; the records have U+FFFD instead.",
            stream,
            count(result.replaced, "character"),
        )


def _totals(results: Results, queues: Mapping[str, RequestQueue], seconds: float) -> Iterator[str]:
    distinct = set(queues.values())
    requests = sum(queue.requests for queue in distinct)
    yield f"{count(results.rows, 'record')}, {count(requests, 'request')}, {seconds:.1f} s"
    where = f" in {results.shops} shops" if results.shops > 1 else ""
    yield f"{results.complete} of {results.reads} streams complete{where}"
    if results.failures:
        yield count(len(results.failures), "failure")
    refused = sum(queue.refused for queue in distinct)
    slowest = max(queues, key=lambda shop: queues[shop].held, default=None)
    held = queues[slowest].held if slowest is not None else 0.0
    if held >= 1:
        where = "" if len(distinct) == 1 else f" at most (shop {slowest})"
        refusals = f", which refused {count(refused, 'request')}" if refused else ""
        yield f"waited {held:.0f} s{where} for the rate limit{refusals}"
    elif refused:
        yield f"the rate limit refused {count(refused, 'request')}"
