"""`limiter`: at the limit, never above it; the clock is a number that the test moves."""

from __future__ import annotations

from collections import deque
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.rate_limiter import RateLimiter

_EPOCH = 1_800_000_000.0


class FakeApi:
    """A token's limits as documented: so many a minute, and twice the steady rate for ten seconds."""

    def __init__(self, limit: int, *, spent: int = 0) -> None:
        self.limit = limit
        self.window = 0.0
        self.used = spent
        self.recent: deque[float] = deque()
        self.refused = 0

    def ask(self, now: float) -> tuple[int, dict[str, str]]:
        if now >= self.window + 60:
            self.window, self.used = now - (now - self.window) % 60, 0
        while self.recent and self.recent[0] <= now - 10:
            self.recent.popleft()
        reset = self.window + 60
        date = formatdate(_EPOCH + now, usegmt=True)
        if self.used >= self.limit or len(self.recent) >= self.limit / 3:
            self.refused += 1
            return 429, {"Retry-After": str(int(reset - now) + 1), **self._headers(0, reset), "Date": date}
        self.used += 1
        self.recent.append(now)
        return 200, {**self._headers(self.limit - self.used, reset), "Date": date}

    def _headers(self, remaining: int, reset: float) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(int(_EPOCH + reset + 0.999)),
        }


def drive(limiter: RateLimiter, api: FakeApi, requests: int, latency: float) -> float:
    """Make so many requests as fast as the limiter lets us; return when the last answer came."""
    now, asked = 0.0, 0
    under_way: deque[tuple[float, int, dict[str, str]]] = deque()
    for _ in range(20 * requests):
        if asked >= requests and not under_way:
            return now
        wait = limiter.wait(now) if asked < requests else None
        if wait == 0.0:
            limiter.started(now)
            under_way.append((now + latency, *api.ask(now + latency / 2)))
            asked += 1
            continue
        step = now + wait if wait is not None else float("inf")
        if under_way and under_way[0][0] <= step:
            now, status, headers = under_way.popleft()
            (limiter.refused if status == 429 else limiter.answered)(now, headers)
            asked -= status == 429
        else:
            now = step
    pytest.fail("it does not come to an end")


@pytest.mark.parametrize("limit", [60, 600, 1500])
@pytest.mark.parametrize("latency", [0.0, 0.05, 0.15])
def test_it_is_as_fast_as_the_limit_and_provokes_no_429(limit: int, latency: float) -> None:
    api = FakeApi(limit)
    took = drive(RateLimiter(concurrency=8), api, limit * 3, latency)
    assert api.refused == 0
    assert limit * 3 / took * 60 >= 0.97 * limit


def test_it_waits_out_a_minute_that_others_have_used_up() -> None:
    api = FakeApi(600, spent=600)
    took = drive(RateLimiter(jitter=lambda: 0.5), api, 50, 0.05)
    assert api.refused == 1
    assert 60 <= took < 70


@given(st.floats(min_value=0.05, max_value=1), st.integers(min_value=1, max_value=16))
def test_it_keeps_to_its_share(share: float, concurrency: int) -> None:
    api = FakeApi(600)
    took = drive(RateLimiter(share, concurrency), api, 300, 0.05)
    assert api.refused == 0
    assert share * 600 / 60 * (took + 10) + 2 >= 300


def test_one_request_is_in_flight_until_the_first_answer() -> None:
    limiter = RateLimiter(concurrency=8)
    limiter.started(0.0)
    assert limiter.wait(0.0) is None
    limiter.answered(0.1, {})
    assert limiter.wait(0.1) == 0.0


def test_never_more_than_the_concurrency_is_in_flight() -> None:
    limiter = RateLimiter(concurrency=3)
    limiter.started(0.0)
    limiter.answered(0.0, {})
    for _ in range(3):
        assert limiter.wait(0.0) == 0.0
        limiter.started(0.0)
    assert limiter.wait(0.0) is None
    limiter.answered(0.0, {})
    assert limiter.wait(0.0) == 0.0


def test_eight_are_in_flight_unless_another_number_is_asked_for() -> None:
    limiter = RateLimiter()
    limiter.started(0.0)
    limiter.answered(0.0, {})
    for _ in range(8):
        assert limiter.wait(0.0) == 0.0
        limiter.started(0.0)
    assert limiter.wait(0.0) is None


def test_after_a_fault_one_request_is_in_flight_until_the_next_answer() -> None:
    """So a shop that hangs holds one thread, not as many as it may have requests."""
    limiter = RateLimiter(concurrency=8)
    limiter.started(0.0)
    limiter.answered(0.0, {})
    limiter.started(0.0)
    limiter.failed(1.0, 0.0)
    limiter.started(0.0)
    assert limiter.wait(0.0) is None
    limiter.answered(0.0, {})
    limiter.started(0.0)
    assert limiter.wait(0.0) == 0.0


def test_faults_in_a_row_wait_for_longer_each_time_and_those_side_by_side_count_once() -> None:
    limiter = RateLimiter(concurrency=8, jitter=lambda: 1.0)
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


def test_a_fault_before_any_answer_is_the_first_in_a_row() -> None:
    limiter = RateLimiter(jitter=lambda: 1.0)
    limiter.started(0.0)
    limiter.failed(1.0, 0.0)
    assert (limiter.unanswered, limiter.wait(1.0)) == (1, 0.0)


def test_faults_leave_nothing_in_flight() -> None:
    limiter = RateLimiter(concurrency=8)
    limiter.started(0.0)
    limiter.answered(0.0, {})
    for _ in range(3):
        limiter.started(0.0)
    for _ in range(3):
        limiter.failed(1.0, 0.0)
    assert limiter.in_flight == 0
    assert limiter.wait(1.0) == 0.0, "they failed side by side, which counts once"
    assert limiter.unanswered == 1


def test_a_fault_does_not_end_a_longer_pause() -> None:
    limiter = RateLimiter(jitter=lambda: 0.0)
    limiter.started(0.0)
    limiter.refused(0.0, {"Retry-After": "60"})
    for _ in range(2):
        limiter.started(0.0)
        limiter.failed(0.0, 0.0)
    assert limiter.wait(0.0) == 60.0


def test_without_headers_it_halves_what_is_in_flight_at_each_429_and_recovers_slowly() -> None:
    limiter = RateLimiter(concurrency=8, jitter=lambda: 0.0)

    def room(now: float) -> int:
        taken = 0
        while limiter.wait(now) == 0.0:
            limiter.started(now)
            taken += 1
        limiter.in_flight -= taken
        return taken

    def answer(now: float, status: int) -> None:
        limiter.started(now)
        if status == 429:
            limiter.refused(now, {"Retry-After": "1"})
        else:
            limiter.answered(now, {})

    answer(0.0, 200)
    assert room(0.0) == 8
    answer(0.0, 429)
    assert limiter.wait(0.5) == pytest.approx(0.5)
    assert room(2.0) == 4
    answer(2.0, 429)
    assert room(4.0) == 2
    answer(62.0, 200)
    assert room(62.0) == 2, "a minute has not passed"
    answer(62.1, 200)
    assert room(62.1) == 3
    answer(122.0, 200)
    assert room(122.0) == 3, "one more for each minute"
    answer(122.2, 429)
    assert room(124.0) == 1
    answer(124.0, 429)
    assert room(126.0) == 1, "one always may"
    for minute in range(1, 10):
        answer(124.0 + minute * 61, 200)
        assert room(124.0 + minute * 61) == min(8, 1 + minute)


@given(st.dictionaries(st.sampled_from(["X-RateLimit-Limit", "X-RateLimit-Remaining", "Date"]), st.text()))
def test_garbage_in_the_headers_does_no_harm(headers: dict[str, str]) -> None:
    limiter = RateLimiter()
    limiter.started(0.0)
    limiter.answered(0.0, headers)
    assert limiter.wait(0.0) is not None
