"""The summary of a sync: the result of each stream, in correct English."""

from __future__ import annotations

import logging
from collections import Counter

import pytest

from sumeru_api.errors import PermissionDenied
from sumeru_api.request_queue import RequestQueue
from support.factories import rate_limiter
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.extract.read_page import ReadPage
from tap_sumeru.sync.results import Failure, ReadDone, Results
from tap_sumeru.sync.summary import log_summary

ALL = list(STREAMS)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log, from level INFO."""
    caplog.set_level(logging.INFO)
    return caplog


def queue(requests: int, *, refused: int = 0, held: float = 0.0) -> RequestQueue:
    one = RequestQueue(rate_limiter())
    one.requests, one.refused, one.held = requests, refused, held
    return one


def page(stream: str, shop: str, rows: int, mismatches: dict[str, int] | None = None) -> ReadPage:
    return ReadPage(stream, shop, [{}] * rows, mismatches=Counter(mismatches) if mismatches else None)


def test_one_record_and_one_request(log: pytest.LogCaptureFixture) -> None:
    results = Results(["orders"], ["acme"])
    results.written(page("orders", "acme", 1))
    results.done(ReadDone("orders", "acme", "proven"))
    log_summary(results, {"acme": queue(1)}, 1.26)
    assert log.messages == [
        "orders: 1 record; date filter proven.",
        "Not selected: " + ", ".join(name for name in ALL if name != "orders") + ".",
        "Sync done: 1 record, 1 request, 1.3 s; 1 of 1 streams complete.",
    ]


def test_all_streams_of_several_shops(log: pytest.LogCaptureFixture) -> None:
    results = Results(ALL, ["acme", "globex", "initech"])
    for stream in ALL:
        for shop, known in (("acme", "proven"), ("globex", "proven"), ("initech", "unproven")):
            results.written(page(stream, shop, 100))
            results.done(ReadDone(stream, shop, known))
    shared = queue(500)
    log_summary(results, {"acme": shared, "globex": shared, "initech": queue(100)}, 60.0)
    known = "date filter proven in 2 shops, unproven in 1 shop"
    assert log.messages[0] == f"customers: 300 records; {known}."
    assert log.messages[-1] == (
        "Sync done: 3300 records, 600 requests, 60.0 s; 33 of 33 streams complete in 3 shops."
    )
    assert len(log.messages) == 12, "every stream is selected"


def test_what_is_not_complete_is_counted(log: pytest.LogCaptureFixture) -> None:
    results = Results(["orders", "usage"], ["acme", "globex"])
    results.written(page("orders", "acme", 5))
    results.failed(Failure("acme", ("orders",), whole_shop=False, error=PermissionDenied("no scope")))
    for stream, shop in (("orders", "globex"), ("usage", "acme"), ("usage", "globex"), ("orders", "acme")):
        results.done(ReadDone(stream, shop, "none"))
    log_summary(results, {"acme": queue(3), "globex": queue(4)}, 2.0)
    assert log.messages[0] == "orders: 5 records; incomplete in 1 of 2 shops; date filter none."
    assert log.messages[1] == "usage: 0 records; date filter none."
    assert log.messages[3] == (
        "Sync incomplete: 5 records, 7 requests, 2.0 s; 3 of 4 streams complete in 2 shops; 1 failure."
    )
    assert {record.levelname for record in log.records} == {"INFO"}


def test_mismatches_are_counted_by_column(log: pytest.LogCaptureFixture) -> None:
    results = Results(["orders"], ["acme"])
    results.written(page("orders", "acme", 5, {"total_price": 1, "tags": 2}))
    results.written(page("orders", "acme", 5, {"tags": 1}))
    log_summary(results, {"acme": queue(2)}, 2.0)
    warnings = [record.getMessage() for record in log.records if record.levelname == "WARNING"]
    assert [warning.partition(" of an unexpected type:")[0] for warning in warnings] == [
        "orders.total_price: 1 value",
        "orders.tags: 3 values",
    ]


@pytest.mark.parametrize(
    ("queues", "text"),
    [
        ({"acme": queue(9)}, ""),
        ({"acme": queue(9, held=0.9)}, ""),
        ({"acme": queue(9, held=12.4)}, "; waited 12 s for the rate limit"),
        (
            {"acme": queue(9, held=1.0, refused=2)},
            "; waited 1 s for the rate limit, which refused 2 requests",
        ),
        ({"acme": queue(9, refused=1)}, "; the rate limit refused 1 request"),
        (
            {"acme": queue(9, held=2.0, refused=1), "globex": queue(9, held=30.0, refused=2)},
            "; waited 30 s at most (shop globex) for the rate limit, which refused 3 requests",
        ),
    ],
)
def test_how_long_the_rate_limit_held_back_requests(
    queues: dict[str, RequestQueue], text: str, log: pytest.LogCaptureFixture
) -> None:
    results = Results(["orders"], list(queues))
    for shop in queues:
        results.done(ReadDone("orders", shop, "proven"))
    log_summary(results, queues, 60.0)
    where = " in 2 shops" if len(queues) > 1 else ""
    assert log.messages[-1].partition(f" streams complete{where}")[2] == f"{text}."


def test_without_shops_there_is_a_summary_too(log: pytest.LogCaptureFixture) -> None:
    log_summary(Results(["orders"], []), {}, 0.0)
    assert log.messages[-1] == "Sync done: 0 records, 0 requests, 0.0 s; 0 of 0 streams complete."
