"""The rate limit of the sandbox, tested with a virtual clock."""

from __future__ import annotations

import math

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from sumeru_sandbox import Sandbox
from sumeru_sandbox.server.limits import Limiter


class Hand:
    """A clock that moves only when a test advances it."""

    def __init__(self, now: float = 1_715_345_940.25) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def spend(limiter: Limiter, clock: Hand, limit: int, number: int, every: float) -> None:
    for _ in range(number):
        assert limiter.take("token", limit).retry_after is None
        clock.now += every


def test_a_window_lasts_a_minute_from_its_first_request() -> None:
    clock = Hand()
    limiter = Limiter(clock)
    first = limiter.take("token", 60)
    assert (first.limit, first.remaining, first.reset) == (60, 59, math.ceil(clock.now + 60))
    clock.now += 0.5
    spend(limiter, clock, 60, 59, 0.75)
    refused = limiter.take("token", 60)
    assert (refused.remaining, refused.reset) == (0, first.reset)
    assert refused.retry_after == math.ceil(first.reset - 0.75 - clock.now)
    clock.now = 1_715_345_940.25 + 60
    assert limiter.take("token", 60).remaining == 59


def test_in_ten_seconds_no_more_than_twenty_seconds_worth_may_pass() -> None:
    clock = Hand()
    limiter = Limiter(clock)
    spend(limiter, clock, 60, 20, 0.25)
    refused = limiter.take("token", 60)
    assert (refused.remaining, refused.retry_after) == (0, 5)
    clock.now += 4.99
    assert limiter.take("token", 60).retry_after == 1
    clock.now += 0.01
    assert limiter.take("token", 60).retry_after is None
    assert limiter.take("token", 60).retry_after == 1


def test_a_refused_request_costs_nothing_and_tokens_do_not_share() -> None:
    clock = Hand()
    limiter = Limiter(clock)
    spend(limiter, clock, 60, 20, 0)
    for _ in range(100):
        assert limiter.take("token", 60).retry_after == 10
    assert limiter.take("another", 60).retry_after is None
    clock.now += 10
    assert limiter.take("token", 60).remaining == 39


def test_a_bulk_request_costs_its_items_and_is_let_through_alone_if_larger_than_the_limit() -> None:
    clock = Hand()
    limiter = Limiter(clock)
    assert limiter.take("token", 600, 100).remaining == 500
    assert limiter.take("token", 600, 100).retry_after is None
    assert limiter.take("token", 600, 1).retry_after == 10
    assert limiter.take("small", 60, 100).retry_after is None
    assert limiter.take("small", 60, 1).retry_after == 60


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 300), st.lists(st.tuples(st.floats(0, 30), st.integers(1, 40)), max_size=60))
def test_both_rules_hold_and_retry_after_is_true(limit: int, requests_: list[tuple[float, int]]) -> None:
    clock = Hand()
    limiter = Limiter(clock)
    passed: list[float] = []
    for pause, number in requests_:
        clock.now += pause
        for _ in range(number):
            verdict = limiter.take("token", limit)
            assert verdict.reset >= clock.now
            if verdict.retry_after is None:
                passed.append(clock.now)
                continue
            assert verdict.retry_after >= 1
            clock.now += verdict.retry_after
            assert limiter.take("token", limit).retry_after is None
            passed.append(clock.now)
    for place, moment in enumerate(passed):
        burst = sum(moment <= other < moment + 10 for other in passed[place:])
        assert burst <= max(1, limit // 3)


@pytest.mark.parametrize(("plan", "limit"), [("free", 60), ("starter", 300), ("pro", 600), ("agency", 1500)])
def test_each_plan_has_its_limit_and_every_answer_says_so(plan: str, limit: int) -> None:
    with Sandbox(plan=plan) as sandbox:
        token = {"Authorization": f"Bearer {sandbox.token('acme')}"}
        for path, headers in (("usage", token), ("nothing", token), ("usage", {}), ("orders?limit=0", token)):
            answer = requests.get(f"{sandbox.url}/api/v1/{path}", headers=headers, timeout=5)
            assert answer.headers["X-RateLimit-Limit"] == str(limit)
            assert 0 < int(answer.headers["X-RateLimit-Remaining"]) < limit
            assert int(answer.headers["X-RateLimit-Reset"]) >= sandbox.now().timestamp()


def test_over_http_a_client_is_told_to_wait_and_may_come_back() -> None:
    with Sandbox(plan="free") as sandbox:
        token = {"Authorization": f"Bearer {sandbox.token('acme')}"}

        def ask() -> requests.Response:
            return requests.get(f"{sandbox.url}/api/v1/usage", headers=token, timeout=5)

        answers = [ask() for _ in range(21)]
        assert [answer.status_code for answer in answers] == [200] * 20 + [429]
        refused = answers[-1]
        wait = int(refused.headers["Retry-After"])
        assert 1 <= wait <= 10
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        error = refused.json()["error"]
        assert error["code"] == "rate_limited"
        assert error["message"] == f"Too many requests; retry after {wait}s"
        assert error["details"] == {"retry_after": wait}
        sandbox.advance(wait)
        assert ask().status_code == 200
        assert sandbox.stats()["rate_limited"] == 1


def test_an_enterprise_has_the_limit_that_it_agreed_on_or_none_and_then_no_headers() -> None:
    for rate_limit, expected in ((3000, "3000"), (0, None)):
        with Sandbox(plan="enterprise", rate_limit=rate_limit) as sandbox:
            answer = requests.get(f"{sandbox.url}/api/v1/usage", timeout=5)
            assert answer.headers.get("X-RateLimit-Limit") == expected
            assert ("X-RateLimit-Reset" in answer.headers) == (expected is not None)


def test_a_bulk_patch_over_http_costs_one_for_each_item() -> None:
    with Sandbox(plan="pro") as sandbox:
        token = {"Authorization": f"Bearer {sandbox.token('acme')}"}
        items = [{"id": f"inv_{number:08}", "attributes": {"on_hand": 1}} for number in range(7)]
        answer = requests.patch(
            f"{sandbox.url}/api/v1/inventory", headers=token, json={"data": items}, timeout=5
        )
        assert answer.status_code == 200
        assert answer.headers["X-RateLimit-Remaining"] == "593"
