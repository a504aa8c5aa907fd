"""Rate limiter: what a refusal changes, and that a request which has ended no longer counts."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from sumeru_api.rate_limiter import RateLimiter, pause_after
from support.factories import rate_limiter
from support.fake_api import EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = {"X-RateLimit-Limit": "600"}
ENDED = {"X-RateLimit-Reset": "20", **LIMIT}
"""With a number of remaining requests, the state of a minute that ends in 20 seconds."""


def busy(in_flight: int = 8) -> RateLimiter:
    """Return a limiter with eight requests at most, and so many in flight."""
    limiter = rate_limiter(concurrency=8, jitter=lambda: 0.0)
    for _ in range(8):
        limiter.started(0.0)
        limiter.answered(0.0, LIMIT)
    for _ in range(in_flight):
        limiter.started(0.0)
    return limiter


def room(limiter: RateLimiter) -> int:
    """Return how many requests may be in flight."""
    return limiter.free + limiter.in_flight


def test_a_date_without_the_servers_date_is_compared_with_the_clock() -> None:
    headers = {"Retry-After": formatdate(EPOCH + 30, usegmt=True)}
    assert pause_after(headers, 1, EPOCH) == 30
    limiter = RateLimiter(1.0, 8, lambda: 0.0, lambda: EPOCH + 10)
    limiter.started(0.0)
    limiter.refused(0.0, headers, 0.0)
    assert limiter.wait(0.0) == 20
    assert limiter.concurrency == 8


@pytest.mark.parametrize(
    ("remaining", "cost", "after"), [(0, 1, 8), (1, 1, 4), (5, 5, 4), (5, 6, 8), (9, 1, 4)]
)
def test_a_refusal_halves_the_requests_in_flight_if_the_minute_is_not_used_up(
    remaining: int, cost: int, after: int
) -> None:
    limiter = busy()
    limiter.refused(1.0, {"X-RateLimit-Remaining": str(remaining), **ENDED}, 0.0, cost=cost)
    assert room(limiter) == after


def test_refusals_of_requests_side_by_side_halve_them_once() -> None:
    limiter = busy()
    for _ in range(3):
        limiter.refused(1.0, {}, 0.0)
    assert room(limiter) == 4


def test_a_cached_refusal_teaches_no_limit() -> None:
    limiter = busy(1)
    cached = {"X-Cache": "HIT", "X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "Retry-After": "0"}
    limiter.refused(0.0, {**cached, "X-RateLimit-Reset": "900"}, 0.0)
    assert limiter.per_minute == 600
    assert limiter.wait(0.0) == 1.0


def test_refusals_of_different_requests_do_not_make_the_pause_longer() -> None:
    limiter = busy(2)
    for _ in range(2):
        limiter.refused(0.0, {"Retry-After": "0"}, 0.0)
    assert limiter.wait(0.0) == 1.0


def test_a_refusal_is_a_response() -> None:
    limiter = busy(3)
    limiter.failed(1.0, 0.0)
    assert limiter.unanswered == 1
    limiter.refused(1.0, {}, 0.0)
    assert limiter.unanswered == 0


@pytest.mark.parametrize(
    "end",
    [
        lambda limiter: limiter.answered(0.0, {}),
        lambda limiter: limiter.failed(0.0, 0.0),
        lambda limiter: limiter.cancelled(),
        lambda limiter: limiter.refused(0.0, {"Retry-After": "0"}, 0.0),
    ],
    ids=["answered", "failed", "cancelled", "refused"],
)
def test_a_request_that_has_ended_is_no_longer_in_flight(end: Callable[[RateLimiter], None]) -> None:
    limiter = busy(2)
    end(limiter)
    assert limiter.in_flight == 1
    limiter.answered(0.0, {"X-RateLimit-Remaining": "5", **ENDED})
    assert limiter.in_flight == 0
    assert limiter.wait(2.0, 5) == 0.0, "each of the remaining requests may be sent"
    assert limiter.wait(2.0, 6) == pytest.approx(18.05)


def test_an_expensive_request_that_is_given_up_counts_no_longer() -> None:
    limiter = busy(1)
    limiter.started(0.0, 50)
    limiter.cancelled(50)
    limiter.answered(0.0, {"X-RateLimit-Remaining": "5", **ENDED})
    assert limiter.wait(2.0, 6) == pytest.approx(18.05)
    assert limiter.wait(10.0, 5) == 0.0
