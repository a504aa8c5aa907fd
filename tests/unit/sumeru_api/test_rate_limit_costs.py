"""Rate limiter: what a request costs, out of the burst, the minute and the share of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.factories import rate_limiter

if TYPE_CHECKING:
    from sumeru_api.rate_limiter import RateLimiter


def limit_headers(limit: int, remaining: int | None = None, reset: int | None = None) -> dict[str, str]:
    values = {"Limit": limit, "Remaining": remaining, "Reset": reset}
    return {f"X-RateLimit-{name}": str(value) for name, value in values.items() if value is not None}


def after_response(now: float, headers: dict[str, str], share: float = 1.0, cost: int = 1) -> RateLimiter:
    """Return a limiter that has had its first response."""
    limiter = rate_limiter(share)
    limiter.started(now, cost)
    limiter.answered(now, headers, cost)
    return limiter


@pytest.mark.parametrize("now", [0.0, 100.0])
def test_the_first_request_is_part_of_the_burst(now: float) -> None:
    """The burst is 9.5 requests at one per second."""
    limiter = after_response(now, limit_headers(60))
    assert limiter.wait(now, 8) == 0.0
    assert limiter.wait(now, 9) == pytest.approx(0.5)


def test_a_burst_is_at_least_one_request_and_no_more_at_a_low_rate() -> None:
    assert after_response(0.0, limit_headers(1)).wait(0.0) == pytest.approx(60)


@pytest.mark.parametrize(("cost", "pause"), [(18, 4.5), (19, 4.75), (20, 10.05), (21, 10.05)])
def test_a_request_of_more_than_the_burst_is_followed_by_a_longer_pause(cost: int, pause: float) -> None:
    """The burst is 19 requests at two per second, and runs at twice that rate."""
    limiter = after_response(0.0, limit_headers(120))
    limiter.started(0.0, cost)
    assert limiter.wait(0.0) == pytest.approx(pause)


def test_what_an_idle_time_has_earned_for_a_large_request_stays_when_the_limit_does() -> None:
    limiter = after_response(0.0, limit_headers(60))
    limiter.started(0.0)
    limiter.answered(20.0, limit_headers(60))
    assert limiter.wait(20.0, 20) == 0.0
    limiter.started(20.0)
    limiter.answered(40.0, limit_headers(30))
    assert limiter.wait(40.0, 10) != 0.0, "a lower limit cuts it"


def test_no_more_than_the_share_of_a_minute_is_spent() -> None:
    """Half of 60 requests, the first of them before the limit was known."""
    limiter = after_response(0.0, limit_headers(60, remaining=59, reset=60), share=0.5)
    assert limiter.wait(0.0, 30) == pytest.approx(60.05)
    assert limiter.wait(40.0, 30) == pytest.approx(20.05)
    assert limiter.wait(40.0, 29) == 0.0
    limiter.started(40.0, 20)
    limiter.answered(40.0, {}, 20)
    assert limiter.wait(59.9, 10) == pytest.approx(0.15)
    assert limiter.wait(59.9, 9) != pytest.approx(0.15), "within the share, only the pace holds it up"
    limiter.started(100.0, 20)
    limiter.answered(100.0, limit_headers(60, remaining=40, reset=20), 20)
    assert limiter.wait(119.9, 11) == pytest.approx(0.15), "a new minute starts with nothing spent"
    assert limiter.wait(119.9, 10) != pytest.approx(0.15)


def test_without_a_share_the_api_alone_says_what_remains() -> None:
    limiter = after_response(0.0, limit_headers(60, remaining=40, reset=30), cost=50)
    assert limiter.wait(25.0, 20) == pytest.approx(35.5), "what 50 requests have cost is earned first"


def test_a_share_is_of_a_minute_and_of_no_longer_time() -> None:
    limiter = after_response(0.0, limit_headers(60, remaining=59, reset=3600), share=0.5)
    assert limiter.wait(40.0, 30) == 0.0


def test_a_cached_response_leaves_as_much_of_the_minute_as_before() -> None:
    limiter = after_response(0.0, limit_headers(600, remaining=10, reset=30))
    limiter.started(0.0, 8)
    assert limiter.wait(1.0, 3) == pytest.approx(29.05)
    limiter.answered(1.0, {"Age": "3", **limit_headers(1, remaining=0, reset=900)}, 8)
    assert limiter.wait(1.0, 11) == pytest.approx(29.05)
    assert limiter.wait(1.0, 10) == 0.0
    assert limiter.per_minute == 600
