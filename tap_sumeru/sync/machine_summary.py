"""The summary of a sync as one line of JSON, for alerts; docs/operations.md documents its keys."""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sumeru_api.request_counts import RequestCount
    from sumeru_api.request_queue import RequestQueue
    from tap_sumeru.sync.results import Failure, Results, StreamResult

logger = logging.getLogger("tap-sumeru")

_VERSION = 1
"""Version of the format: it changes only if a key changes its meaning or is removed."""
_MAX_FAILURES = 20
"""Failures in the line, at most: `failed` counts them all."""


def log_machine_summary(
    results: Results,
    queues: Mapping[str, RequestQueue],
    counts: Mapping[str, RequestCount],
    exit_code: int,
    seconds: float,
) -> None:
    """Log the summary of a run as one line of JSON.

    Args:
        results: Results of the run.
        queues: The request queue of each shop.
        counts: The requests, by stream.
        exit_code: Exit code of the run.
        seconds: How long it took.
    """
    distinct = set(queues.values())
    summary = {
        "version": _VERSION,
        "complete": exit_code == 0,
        "exit_code": exit_code,
        "seconds": round(seconds, 3),
        "shops": results.shops,
        "rows": results.rows,
        "requests": sum(queue.requests for queue in distinct),
        "refused": sum(queue.refused for queue in distinct),
        "waited": round(max((queue.held for queue in distinct), default=0.0), 3),
        "streams": {
            name: _of_stream(results, result, counts.get(name)) for name, result in results.by_stream.items()
        },
        "failed": len(results.failures),
        "failed_by_code": Counter(_code(failure) for failure in results.failures),
        "failures": [_of_failure(failure) for failure in results.failures[:_MAX_FAILURES]],
    }
    logger.info("SUMMARY: %s", json.dumps(summary, separators=(",", ":")))


def _of_stream(results: Results, result: StreamResult, count: RequestCount | None) -> dict[str, Any]:
    return {
        "rows": result.rows,
        "complete": result.complete == results.shops,
        "shops_complete": result.complete,
        "shops_failed": result.failed,
        "requests": count.answered if count else 0,
        "seconds": round(results.seconds(result), 3),
    }


def _of_failure(failure: Failure) -> dict[str, Any]:
    return {
        "shop": failure.shop,
        "streams": list(failure.streams),
        "error": type(failure.error).__name__,
        "status": failure.error.status,
        "code": failure.error.code,
    }


def _code(failure: Failure) -> str:
    """Return the API's code of a failure, or else the name of the error."""
    return failure.error.code or type(failure.error).__name__
