"""The summary as one line of JSON: its documented form, and its length with many failures."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sumeru_api.errors import AuthenticationError, PermissionDenied
from sumeru_api.request_counts import RequestCounts
from sumeru_api.request_queue import RequestQueue
from support.factories import rate_limiter
from tap_sumeru.extract.read_page import ReadPage
from tap_sumeru.sync.machine_summary import log_machine_summary
from tap_sumeru.sync.results import Failure, ReadDone, Results

if TYPE_CHECKING:
    import pytest

OPERATIONS = Path(__file__).parents[4] / "docs" / "operations.md"


def summary(log: pytest.LogCaptureFixture, results: Results, queue: RequestQueue) -> dict[str, Any]:
    """Return what the summary of a run of 12 seconds says."""
    log.set_level(logging.INFO)
    counts = RequestCounts()
    counts["orders"].add(0.5)
    log_machine_summary(results, dict.fromkeys(("acme", "globex"), queue), counts, 1, 12.0)
    (line,) = log.messages
    said: dict[str, Any] = json.loads(line.removeprefix("SUMMARY: "))
    return said


def test_the_summary_has_totals_streams_and_failures(caplog: pytest.LogCaptureFixture) -> None:
    results = Results(["orders", "usage"], ["acme", "globex"], iter([0.0, 3.0, 4.0, 9.0]).__next__)
    results.written(ReadPage("orders", "acme", [{}] * 5))
    error = PermissionDenied("no scope", status=403, code="insufficient_scope")
    results.failed(Failure("globex", ("orders",), whole_shop=False, error=error))
    for stream, shop in (("orders", "acme"), ("usage", "acme"), ("usage", "globex")):
        results.done(ReadDone(stream, shop, "proven"))
    queue = RequestQueue(rate_limiter())
    queue.requests, queue.refused, queue.held = 7, 2, 3.14159
    failed = {"complete": False, "shops_complete": 1, "shops_failed": 1, "requests": 1, "seconds": 3.0}
    complete = {"complete": True, "shops_complete": 2, "shops_failed": 0, "requests": 0, "seconds": 4.0}
    assert summary(caplog, results, queue) == {
        "version": 1,
        "complete": False,
        "exit_code": 1,
        "seconds": 12.0,
        "shops": 2,
        "rows": 5,
        "requests": 7,
        "refused": 2,
        "waited": 3.142,
        "streams": {
            "orders": {"rows": 5, **failed},
            "usage": {"rows": 0, **complete},
        },
        "failed": 1,
        "failed_by_code": {"insufficient_scope": 1},
        "failures": [
            {
                "shop": "globex",
                "streams": ["orders"],
                "error": "PermissionDenied",
                "status": 403,
                "code": "insufficient_scope",
            }
        ],
    }


def test_many_failures_are_counted_and_only_the_first_are_listed(caplog: pytest.LogCaptureFixture) -> None:
    shops = [f"shop-{i}" for i in range(1000)]
    results = Results(["orders"], shops)
    for shop in shops[:300]:
        error = AuthenticationError("not valid", status=401)
        results.failed(Failure(shop, ("orders",), whole_shop=True, error=error))
    said = summary(caplog, results, RequestQueue(rate_limiter()))
    assert said["failed"] == 300
    assert said["failed_by_code"] == {"AuthenticationError": 300}
    assert [one["shop"] for one in said["failures"]] == shops[:20]


def test_the_documentation_has_every_key(caplog: pytest.LogCaptureFixture) -> None:
    results = Results(["orders"], ["acme", "globex"])
    error = AuthenticationError("not valid", status=401)
    results.failed(Failure("acme", ("orders",), whole_shop=True, error=error))
    said = summary(caplog, results, RequestQueue(rate_limiter()))
    section = OPERATIONS.read_text(encoding="utf-8").partition("## What to alert on")[2].partition("\n## ")[0]
    documented = set(re.findall(r"`(\w+)`", section))
    assert {*said, *said["streams"]["orders"], *said["failures"][0]} <= documented
