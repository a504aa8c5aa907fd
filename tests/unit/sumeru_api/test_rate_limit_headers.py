"""`limiter`: what it learns from the headers of an answer, and how fast it then lets us ask."""

from __future__ import annotations

import time
from email.utils import formatdate
from itertools import pairwise
from typing import Any

import pytest

from sumeru_api.rate_limiter import RateLimiter, retry_after

_EPOCH = 1_800_000_000.0

DATE = {"Date": formatdate(_EPOCH, usegmt=True)}


def told(limit: object = 600, remaining: object = None, reset: float | None = None) -> dict[str, str]:
    """Headers of an answer given at the epoch; `reset` in seconds from then."""
    headers = {"X-RateLimit-Limit": str(limit), **DATE}
    if remaining is not None:
        headers["X-RateLimit-Remaining"] = str(remaining)
    if reset is not None:
        headers["X-RateLimit-Reset"] = str(_EPOCH + reset)
    return headers


def learned(now: float, headers: dict[str, str], **options: Any) -> RateLimiter:
    """A limiter that has had its first answer."""
    limiter = RateLimiter(**options)
    limiter.started(now)
    limiter.answered(now, headers)
    return limiter


def starts(
    limiter: RateLimiter, begin: float, end: float, headers: dict[str, str] | None = None
) -> list[float]:
    """Start requests as early as may be, each answered at once; return when."""
    now = begin
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
    pytest.fail("it does not come to an end")


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_it_bursts_at_twice_the_rate_for_ten_seconds_and_then_keeps_to_the_rate(share: float) -> None:
    rate = 10 * share
    # The limit is told with every answer, which gives no new burst.
    times = starts(learned(100.0, told(), share=share), 100.0, 140.0, told())
    assert min(after - before for before, after in pairwise(times)) == pytest.approx(1 / (2 * rate))
    assert 18 * rate <= sum(time < 110.0 for time in times) <= 20 * rate
    for second in range(110, 140):
        assert abs(sum(second <= time < second + 1 for time in times) - rate) <= 1


def test_a_pause_earns_a_burst_and_no_more_than_one() -> None:
    limiter = learned(0.0, told())
    starts(limiter, 0.0, 30.0)
    times = starts(limiter, 1000.0, 1020.0)
    assert 180 <= sum(time < 1010.0 for time in times) <= 200
    assert 90 <= sum(time >= 1010.0 for time in times) <= 101


def test_a_half_of_a_pause_earns_a_half_of_a_burst() -> None:
    limiter = learned(0.0, told())
    starts(limiter, 0.0, 30.0)
    times = starts(limiter, 35.0, 55.0)
    # Five seconds of rest, and the twenty themselves.
    assert len(times) == pytest.approx(250, abs=2)


def test_a_429_takes_the_burst_away() -> None:
    limiter = learned(0.0, told(), jitter=lambda: 0.0)
    assert limiter.wait(0.0) == 0.0
    limiter.started(0.0)
    limiter.refused(0.0, {**told(), "Retry-After": "0"})
    assert limiter.wait(0.0) == pytest.approx(0.1)


def test_the_end_of_a_minute_that_is_used_up_is_no_leave_to_go_above_the_rate() -> None:
    limiter = RateLimiter(jitter=lambda: 0.0)
    limiter.started(0.0)
    limiter.refused(0.0, {**told(30, remaining=0, reset=1.0), "Retry-After": "0"})
    wait = limiter.wait(0.0)
    assert wait == pytest.approx(1.05)
    assert limiter.wait(1.05) == pytest.approx(0.95)


def test_a_lower_limit_is_kept_to_at_once() -> None:
    limiter = learned(0.0, told(600))
    limiter.started(0.0)
    limiter.answered(0.0, told(60))
    times = starts(limiter, 0.1, 60.0)
    assert min(after - before for before, after in pairwise(times)) == pytest.approx(0.5)
    assert 60 <= len(times) <= 70


def test_a_lower_limit_leaves_of_a_burst_in_hand_what_it_allows_itself() -> None:
    limiter = learned(0.0, told(600))
    limiter.started(0.0)
    limiter.answered(0.0, told(300))
    # All at twice the rate: the burst of five a second lasts for so long, and not for less.
    assert len(starts(limiter, 0.1, 8.1)) == pytest.approx(80, abs=1)


def test_a_limit_of_one_a_minute_is_kept_to() -> None:
    limiter = learned(0.0, told(1))
    assert limiter.wait(0.0) == pytest.approx(60 - 9.5)


def test_a_higher_limit_is_used_at_once_without_a_new_burst() -> None:
    limiter = learned(0.0, told(60))
    starts(limiter, 0.0, 30.0)
    limiter.answered(30.0, told(600))
    limiter.in_flight = 0
    assert len(starts(limiter, 30.0, 40.0)) == pytest.approx(100, abs=3)


@pytest.mark.parametrize("limit", ["0", "-600", "many", "", "nan", "inf", "1e999"])
def test_without_a_limit_that_can_be_it_does_not_pace(limit: str) -> None:
    limiter = learned(0.0, told(limit, remaining=0, reset=60))
    assert limiter.wait(0.0) == 0.0


def test_when_nothing_remains_it_waits_for_the_reset() -> None:
    limiter = learned(5.0, told(remaining=0, reset=20))
    assert limiter.wait(5.0) == pytest.approx(20.05)
    assert limiter.wait(15.0) == pytest.approx(10.05)
    assert limiter.wait(25.05) == 0.0


def test_what_remains_is_spent_and_not_more() -> None:
    times = starts(learned(0.0, told(remaining=3, reset=20)), 0.0, 21.0)
    assert sum(time < 20 for time in times) == 3
    assert len(times) > 4, "after the reset nothing is known to be spent"


def test_what_is_in_flight_is_not_counted_in_what_remains() -> None:
    limiter = learned(0.0, told())
    for _ in range(3):
        limiter.started(0.0)
    limiter.answered(1.0, told(remaining=3, reset=20))
    assert limiter.wait(1.0) == 0.0
    limiter.started(1.0)
    limiter.answered(1.0, {})
    assert limiter.wait(1.0) == pytest.approx(20.05)


@pytest.mark.parametrize(
    ("reset", "seconds"), [(-5, 0.05), (0, 0.05), (20, 20.05), (60, 60.05), (3600, 60.05)]
)
def test_a_reset_in_the_past_or_beyond_a_minute_is_not_believed(reset: float, seconds: float) -> None:
    limiter = learned(0.0, told(remaining=0, reset=reset))
    assert limiter.wait(0.0) == pytest.approx(seconds)


@pytest.mark.parametrize("missing", ["X-RateLimit-Remaining", "X-RateLimit-Reset", "Date"])
def test_what_remains_says_nothing_without_a_time(missing: str) -> None:
    headers = told(remaining=0, reset=20)
    del headers[missing]
    assert learned(0.0, headers).wait(0.0) == 0.0


@pytest.mark.parametrize(
    ("reset", "wait"),
    [
        # Told again, by an answer that was overtaken: what is spent stays spent.
        (20, 20.05),
        (21, 20.05),
        (19, 19.05),
        # Two seconds later is the next window.
        (22, 0.0),
    ],
)
def test_a_window_told_again_a_second_later_is_the_same_window(reset: float, wait: float) -> None:
    limiter = learned(0.0, told(remaining=0, reset=20))
    limiter.in_flight = 1
    limiter.answered(0.0, told(remaining=5, reset=reset))
    assert limiter.wait(0.0) == pytest.approx(wait)


def test_the_same_window_may_tell_of_less() -> None:
    limiter = learned(0.0, told(remaining=50, reset=20))
    limiter.in_flight = 1
    limiter.answered(0.0, told(remaining=0, reset=20))
    assert limiter.wait(0.0) == pytest.approx(20.05)


def test_a_window_that_has_ended_says_nothing_about_the_next() -> None:
    limiter = learned(0.0, told(remaining=0, reset=20))
    limiter.in_flight = 1
    limiter.answered(25.0, told(remaining=5, reset=3))
    assert limiter.wait(25.0) == 0.0


def test_a_429_pauses_the_token_for_the_time_it_says_and_some() -> None:
    limiter = learned(0.0, {}, jitter=lambda: 0.5)
    limiter.started(0.0)
    headers = {**DATE, "Retry-After": formatdate(_EPOCH + 30, usegmt=True)}
    limiter.refused(1.0, headers)
    assert limiter.wait(1.0) == pytest.approx(30.5)
    assert limiter.wait(31.5) == 0.0


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    limiter = learned(0.0, {}, jitter=lambda: 0.0)
    for _ in range(2):
        limiter.started(0.0)
    limiter.refused(0.0, {"Retry-After": "60"})
    limiter.refused(0.0, {"Retry-After": "5"})
    assert limiter.wait(0.0) == 60.0


def test_a_429_with_a_limit_paces_and_does_not_halve() -> None:
    limiter = learned(0.0, told(), concurrency=8, jitter=lambda: 0.0)
    limiter.started(0.0)
    limiter.refused(0.0, {**told(), "Retry-After": "1"})
    for _ in range(8):
        assert limiter.wait(100.0) is not None
        limiter.started(100.0)
    assert limiter.wait(100.0) is None


def test_an_answer_that_is_no_429_asks_for_no_pause() -> None:
    limiter = RateLimiter()
    limiter.started(0.0)
    limiter.answered(0.0, {"Retry-After": "60"})
    assert limiter.wait(0.0) == 0.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "60"}, 60),
        ({"Retry-After": "-1"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": formatdate(1000, usegmt=True), "Date": formatdate(970, usegmt=True)}, 30),
        ({"Retry-After": formatdate(1000, usegmt=True), "Date": formatdate(1030, usegmt=True)}, 0),
        ({"Retry-After": formatdate(1000, usegmt=True), "Date": "today"}, None),
        ({"Retry-After": formatdate(1000, usegmt=True)}, None),
        ({"Retry-After": "", "Date": formatdate(970, usegmt=True)}, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_429_without_a_time_waits_five_seconds_and_some() -> None:
    limiter = RateLimiter(jitter=lambda: 0.25)
    limiter.started(0.0)
    limiter.refused(0.0, {})
    assert limiter.wait(0.0) == 5.25


def test_the_zone_of_the_machine_is_of_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/St_Johns")
        time.tzset()
        limiter = learned(0.0, told(remaining=0, reset=20))
    time.tzset()
    assert limiter.wait(0.0) == pytest.approx(20.05)
