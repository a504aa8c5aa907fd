"""Rate limiter: what it learns from the headers of a response, and the pace that follows."""

from __future__ import annotations

import time
from email.utils import formatdate
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from support.factories import rate_limiter
from support.fake_api import EPOCH

if TYPE_CHECKING:
    from sumeru_api.rate_limiter import RateLimiter

DATE = {"Date": formatdate(EPOCH, usegmt=True)}


def limit_headers(
    limit: object = 600, remaining: object = None, reset: float | None = None
) -> dict[str, str]:
    """Return the headers of a response sent at the epoch; `reset` is in seconds from then."""
    headers = {"X-RateLimit-Limit": str(limit), **DATE}
    if remaining is not None:
        headers["X-RateLimit-Remaining"] = str(remaining)
    if reset is not None:
        headers["X-RateLimit-Reset"] = str(EPOCH + reset)
    return headers


def after_response(now: float, headers: dict[str, str], **options: Any) -> RateLimiter:
    """Return a limiter that has had its first response."""
    limiter = rate_limiter(**options)
    limiter.started(now)
    limiter.answered(now, headers)
    return limiter


def start_times(
    limiter: RateLimiter, first: float, end: float, headers: dict[str, str] | None = None
) -> list[float]:
    """Start requests as early as allowed, each answered at once; return when each started."""
    now = first
    times: list[float] = []
    for _ in range(10_000):
        wait = limiter.wait(now)
        assert wait is not None
        now += wait
        if now >= end:
            return times
        if wait == 0:
            limiter.started(now)
            times.append(now)
            limiter.answered(now, headers or {})
    pytest.fail("the requests never end")


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_requests_burst_at_twice_the_rate_for_ten_seconds_then_keep_to_it(share: float) -> None:
    rate = 10 * share
    # Every response states the limit, which allows no new burst.
    times = start_times(after_response(100.0, limit_headers(), share=share), 100.0, 140.0, limit_headers())
    assert min(after - before for before, after in pairwise(times)) == pytest.approx(1 / (2 * rate))
    assert 18 * rate <= sum(time < 110.0 for time in times) <= 20 * rate
    for second in range(110, 140):
        assert abs(sum(second <= time < second + 1 for time in times) - rate) <= 1


def test_an_idle_time_earns_one_burst_and_no_more() -> None:
    limiter = after_response(0.0, limit_headers())
    start_times(limiter, 0.0, 30.0)
    times = start_times(limiter, 1000.0, 1020.0)
    assert 180 <= sum(time < 1010.0 for time in times) <= 200
    assert 90 <= sum(time >= 1010.0 for time in times) <= 101


def test_half_the_idle_time_earns_half_a_burst() -> None:
    limiter = after_response(0.0, limit_headers())
    start_times(limiter, 0.0, 30.0)
    times = start_times(limiter, 35.0, 55.0)
    # Five idle seconds, and the twenty themselves.
    assert len(times) == pytest.approx(250, abs=2)


def test_a_429_ends_the_burst() -> None:
    limiter = after_response(0.0, limit_headers(), jitter=lambda: 0.0)
    assert limiter.wait(0.0) == 0.0
    limiter.started(0.0)
    limiter.refused(0.0, {**limit_headers(), "Retry-After": "0"}, 0.0)
    assert limiter.wait(0.0) == 1.0
    # Ten requests that the second of the pause has earned, and ten for each second.
    assert len(start_times(limiter, 1.0, 3.0)) == pytest.approx(30, abs=1)


def test_after_a_used_up_minute_the_rate_still_holds() -> None:
    limiter = rate_limiter(jitter=lambda: 0.0)
    limiter.started(0.0)
    limiter.refused(0.0, {**limit_headers(30, remaining=0, reset=1.5), "Retry-After": "0"}, 0.0)
    assert limiter.wait(0.0) == pytest.approx(1.0)
    assert limiter.wait(1.0) == pytest.approx(0.55)
    assert limiter.wait(1.55) == pytest.approx(0.45)


def test_a_lower_limit_applies_at_once() -> None:
    limiter = after_response(0.0, limit_headers(600))
    limiter.started(0.0)
    limiter.answered(0.0, limit_headers(60))
    times = start_times(limiter, 0.1, 60.0)
    assert min(after - before for before, after in pairwise(times)) == pytest.approx(0.5)
    assert 60 <= len(times) <= 70


def test_a_lower_limit_cuts_the_burst_to_what_it_allows() -> None:
    limiter = after_response(0.0, limit_headers(600))
    limiter.started(0.0)
    limiter.answered(0.0, limit_headers(300))
    # All at twice the rate: the burst of five requests per second lasts that long, and not less.
    assert len(start_times(limiter, 0.1, 8.1)) == pytest.approx(80, abs=1)


@pytest.mark.parametrize(("limit", "share"), [(1, 1.0), (3, 1.0), (60, 0.1), (60, 0.02), (7, 0.5)])
def test_a_rate_of_few_requests_per_minute_holds_and_goes_on(limit: int, share: float) -> None:
    """The burst of such a rate is less than one request: it must not be what a request waits for."""
    limiter = after_response(0.0, limit_headers(limit), share=share)
    minutes = 100 / (limit * share)
    assert len(start_times(limiter, 0.0, minutes * 60)) == pytest.approx(100, abs=2)


def test_a_higher_limit_applies_at_once_without_a_new_burst() -> None:
    limiter = after_response(0.0, limit_headers(60))
    start_times(limiter, 0.0, 30.0)
    limiter.started(30.0)
    limiter.answered(30.0, limit_headers(600))
    assert len(start_times(limiter, 30.0, 40.0)) == pytest.approx(100, abs=3)


@pytest.mark.parametrize("limit", ["0", "-600", "many", "", "nan", "inf", "1e999", "5e-324"])
def test_an_impossible_limit_is_ignored(limit: str) -> None:
    limiter = after_response(0.0, limit_headers(limit, remaining=0, reset=60))
    assert limiter.wait(0.0) == 0.0


def test_with_nothing_remaining_requests_wait_for_the_reset() -> None:
    limiter = after_response(5.0, limit_headers(remaining=0, reset=20))
    assert limiter.wait(5.0) == pytest.approx(20.05)
    assert limiter.wait(15.0) == pytest.approx(10.05)
    assert limiter.wait(25.05) == 0.0


def test_only_the_remaining_requests_are_sent_before_the_reset() -> None:
    times = start_times(after_response(0.0, limit_headers(remaining=3, reset=20)), 0.0, 21.0)
    assert sum(time < 20 for time in times) == 3
    assert len(times) > 4, "after the reset, nothing is known to be spent"


def test_requests_in_flight_count_against_the_remaining_ones() -> None:
    limiter = after_response(0.0, limit_headers())
    for _ in range(3):
        limiter.started(0.0)
    limiter.answered(1.0, limit_headers(remaining=3, reset=20))
    assert limiter.wait(1.0) == 0.0
    limiter.started(1.0)
    limiter.answered(1.0, {})
    assert limiter.wait(1.0) == pytest.approx(20.05)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [(-5, 0.05), (0, 0.05), (20, 20.05), (60, 60.05), (86_400, 86_400.05), (1e11, 60.05)],
)
def test_a_reset_in_the_past_or_beyond_a_year_is_bounded(reset: float, seconds: float) -> None:
    limiter = after_response(0.0, limit_headers(remaining=0, reset=reset))
    assert limiter.wait(0.0) == pytest.approx(seconds)


@pytest.mark.parametrize("missing", ["X-RateLimit-Remaining", "X-RateLimit-Reset", "Date"])
def test_the_remaining_requests_are_ignored_without_a_reset_or_a_date(missing: str) -> None:
    headers = limit_headers(remaining=0, reset=20)
    del headers[missing]
    assert after_response(0.0, headers).wait(0.0) == 0.0


@pytest.mark.parametrize(
    ("reset", "wait"),
    [
        # Stated again by a response that was overtaken: what is spent stays spent.
        (20, 20.05),
        (21, 20.05),
        (19, 19.05),
        # Two seconds later is the next minute.
        (22, 0.0),
    ],
)
def test_a_reset_one_second_off_means_the_same_minute(reset: float, wait: float) -> None:
    limiter = after_response(0.0, limit_headers(remaining=0, reset=20))
    limiter.started(0.0)
    limiter.answered(0.0, limit_headers(remaining=5, reset=reset))
    assert limiter.wait(0.05) == pytest.approx(max(0.0, wait - 0.05))


def test_the_remaining_requests_of_a_minute_may_drop() -> None:
    limiter = after_response(0.0, limit_headers(remaining=50, reset=20))
    limiter.started(0.0)
    limiter.answered(0.0, limit_headers(remaining=0, reset=20))
    assert limiter.wait(0.0) == pytest.approx(20.05)


def test_a_minute_that_has_ended_does_not_limit_the_next() -> None:
    limiter = after_response(0.0, limit_headers(remaining=0, reset=20))
    limiter.started(0.0)
    limiter.answered(25.0, limit_headers(remaining=5, reset=3))
    assert limiter.wait(25.0) == 0.0


def test_a_429_pauses_the_token_as_long_as_stated_plus_jitter() -> None:
    limiter = after_response(0.0, {}, jitter=lambda: 0.5)
    limiter.started(0.0)
    headers = {**DATE, "Retry-After": formatdate(EPOCH + 30, usegmt=True)}
    limiter.refused(1.0, headers, 0.0)
    assert limiter.wait(1.0) == pytest.approx(30.5)
    assert limiter.wait(31.5) == 0.0


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    limiter = after_response(0.0, {}, jitter=lambda: 0.0)
    for _ in range(2):
        limiter.started(0.0)
    limiter.refused(0.0, {"Retry-After": "60"}, 0.0)
    limiter.refused(0.0, {"Retry-After": "5"}, 0.0)
    assert limiter.wait(0.0) == 60.0


def test_retry_after_without_a_429_pauses_nothing() -> None:
    limiter = rate_limiter()
    limiter.started(0.0)
    limiter.answered(0.0, {"Retry-After": "60"})
    assert limiter.wait(0.0) == 0.0


def test_a_429_without_retry_after_pauses_for_five_seconds_plus_jitter() -> None:
    limiter = rate_limiter(jitter=lambda: 0.25)
    limiter.started(0.0)
    limiter.refused(0.0, {}, 0.0)
    assert limiter.wait(0.0) == 5.25


def test_the_time_zone_of_the_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/St_Johns")
        time.tzset()
        limiter = after_response(0.0, limit_headers(remaining=0, reset=20))
    time.tzset()
    assert limiter.wait(0.0) == pytest.approx(20.05)
