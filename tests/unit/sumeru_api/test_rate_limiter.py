"""Rate limiter: requests run at the limit, never above it. The clock is a number that the test moves."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.factories import rate_limiter
from support.fake_api import FakeApi

if TYPE_CHECKING:
    from sumeru_api.rate_limiter import RateLimiter


def drive(limiter: RateLimiter, api: FakeApi, requests: int, latency: float) -> float:
    """Send requests as fast as the limiter allows; return when the last response came."""
    now, sent = 0.0, 0
    in_flight: deque[tuple[float, float, int, dict[str, str]]] = deque()
    for _ in range(20 * requests):
        if sent >= requests and not in_flight:
            return now
        wait = limiter.wait(now) if sent < requests else None
        if wait == 0.0:
            limiter.started(now)
            in_flight.append((now + latency, now, *api.ask(now + latency / 2)))
            sent += 1
            continue
        step = now + wait if wait is not None else float("inf")
        if in_flight and in_flight[0][0] <= step:
            now, started_at, status, headers = in_flight.popleft()
            if status == 429:
                limiter.refused(now, headers, started_at)
            else:
                limiter.answered(now, headers)
            sent -= status == 429
        else:
            now = step
    pytest.fail("the requests never end")


@pytest.mark.parametrize("limit", [60, 600, 1500])
@pytest.mark.parametrize("latency", [0.0, 0.05, 0.15])
def test_requests_run_at_the_limit_without_a_429(limit: int, latency: float) -> None:
    api = FakeApi(limit)
    took = drive(rate_limiter(concurrency=8), api, limit * 3, latency)
    assert api.refused == 0
    assert limit * 3 / took * 60 >= 0.97 * limit


def test_a_minute_that_others_have_used_up_is_waited_out() -> None:
    api = FakeApi(600, spent=600)
    took = drive(rate_limiter(jitter=lambda: 0.5), api, 50, 0.05)
    assert api.refused == 1
    assert 60 <= took < 70


@given(st.floats(min_value=0.05, max_value=1), st.integers(min_value=1, max_value=16))
def test_the_share_is_never_exceeded(share: float, concurrency: int) -> None:
    api = FakeApi(600)
    took = drive(rate_limiter(share, concurrency), api, 300, 0.05)
    assert api.refused == 0
    assert share * 600 / 60 * (took + 10) + 2 >= 300


def test_one_request_is_in_flight_until_the_first_response() -> None:
    limiter = rate_limiter(concurrency=8)
    limiter.started(0.0)
    assert limiter.wait(0.0) is None
    limiter.answered(0.1, {})
    assert limiter.wait(0.1) == 0.0


def test_the_concurrency_is_never_exceeded() -> None:
    limiter = rate_limiter(concurrency=3)
    for _ in range(5):
        limiter.started(0.0)
        limiter.answered(0.0, {})
    for _ in range(3):
        assert limiter.wait(0.0) == 0.0
        limiter.started(0.0)
    assert limiter.wait(0.0) is None
    limiter.answered(0.0, {})
    assert limiter.wait(0.0) == 0.0


def test_after_a_failure_one_request_is_in_flight_until_the_next_response() -> None:
    """A shop whose host hangs holds one slot, whatever its concurrency."""
    limiter = rate_limiter(concurrency=8)
    limiter.started(0.0)
    limiter.answered(0.0, {})
    limiter.started(0.0)
    limiter.failed(1.0, 0.0)
    limiter.started(0.0)
    assert limiter.wait(0.0) is None
    limiter.answered(0.0, {})
    limiter.started(0.0)
    assert limiter.wait(0.0) == 0.0


def test_failures_in_a_row_back_off_and_concurrent_ones_count_once() -> None:
    limiter = rate_limiter(concurrency=8, jitter=lambda: 1.0)
    limiter.started(0.0)
    limiter.answered(0.0, {})
    for _ in range(8):
        limiter.started(0.0)
    for _ in range(8):
        limiter.failed(60.0, 0.0)
    assert (limiter.unanswered, limiter.wait(60.0)) == (1, 0.0)
    now = 60.0
    for times, pause in enumerate((2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0), start=2):
        limiter.started(now)
        limiter.failed(now + 1, now)
        now += 1
        assert (limiter.unanswered, limiter.wait(now)) == (times, pause)
        now += pause
    limiter.started(now)
    limiter.answered(now, {})
    assert limiter.unanswered == 0


def test_a_failure_before_any_response_is_the_first_in_a_row() -> None:
    limiter = rate_limiter(jitter=lambda: 1.0)
    limiter.started(0.0)
    limiter.failed(1.0, 0.0)
    assert (limiter.unanswered, limiter.wait(1.0)) == (1, 0.0)


def test_failures_leave_nothing_in_flight() -> None:
    limiter = rate_limiter(concurrency=8)
    limiter.started(0.0)
    limiter.answered(0.0, {})
    for _ in range(3):
        limiter.started(0.0)
    for _ in range(3):
        limiter.failed(1.0, 0.0)
    assert limiter.in_flight == 0
    assert limiter.wait(1.0) == 0.0, "concurrent failures count once"
    assert limiter.unanswered == 1


def test_a_failure_does_not_shorten_a_pause() -> None:
    limiter = rate_limiter(jitter=lambda: 0.0)
    limiter.started(0.0)
    limiter.refused(0.0, {"Retry-After": "60"}, 0.0)
    for _ in range(2):
        limiter.started(0.0)
        limiter.failed(0.0, 0.0)
    assert limiter.wait(0.0) == 60.0


@pytest.mark.parametrize(
    ("refusals", "pauses"),
    [((1, 2, 3, 4, 5, 6, 7, 8), (1, 2, 4, 8, 16, 32, 60, 60)), ((1, 1, 1, 1), (1, 1, 1, 1))],
)
def test_the_pauses_of_the_token_grow_while_the_same_request_is_refused(
    refusals: tuple[int, ...], pauses: tuple[float, ...]
) -> None:
    limiter = rate_limiter(jitter=lambda: 0.0)
    now = 0.0
    for number, pause in zip(refusals, pauses, strict=True):
        limiter.started(now)
        limiter.refused(now, {"Retry-After": "0"}, now, number)
        assert limiter.wait(now) == pause
        now += pause


def test_a_success_ends_the_growth_of_the_pauses() -> None:
    """One path that is refused for ever does not slow the others, whose requests succeed in between."""
    limiter = rate_limiter(jitter=lambda: 0.0)
    for number in range(1, 100):
        limiter.started(0.0)
        limiter.refused(0.0, {"Retry-After": "0"}, 0.0, number)
        assert limiter.wait(0.0) == 1.0
        limiter.started(0.0)
        limiter.answered(0.0, {})


@given(st.dictionaries(st.sampled_from(["X-RateLimit-Limit", "X-RateLimit-Remaining", "Date"]), st.text()))
def test_garbage_in_the_headers_is_ignored(headers: dict[str, str]) -> None:
    limiter = rate_limiter()
    limiter.started(0.0)
    limiter.answered(0.0, headers)
    assert limiter.wait(0.0) is not None
