"""Requests in flight: an API that limits them refuses a few, and then hardly any."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from sumeru_api.concurrency_limit import ConcurrencyLimit
from support.client_setup import ClientSetup
from support.fake_session import FakeSession, SentRequest, raw_response
from support.virtual_clock import now, run_virtual

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sumeru_api.session import RawResponse


class LimitedSession(FakeSession):
    """An API that refuses requests while it works on too many others.

    Args:
        limit: Requests at the same time, at most.
        headers: Headers of every response.

    Attributes:
        refused: Number of requests that were refused.
    """

    def __init__(self, limit: int, headers: dict[str, str]) -> None:
        super().__init__(lambda _: raw_response(200, b'{"data":[]}', headers), lambda: 0.1)
        self._limit = limit
        self._headers = headers
        self.refused = 0

    @override
    async def get(self, url: str, params: Sequence[tuple[str, str]], authorization: str) -> RawResponse:
        if self.in_flight < self._limit:
            return await super().get(url, params, authorization)
        self.sent.append(SentRequest(now(), url, tuple(params), authorization))
        self.refused += 1
        await asyncio.sleep(0.01)
        return raw_response(429, b"{}", {**self._headers, "Retry-After": "1"})


def send(session: FakeSession, requests: int, concurrency: int = 8) -> float:
    """Send requests side by side; return how long they took."""

    async def main() -> float:
        setup = ClientSetup(session, concurrency=concurrency)
        async with asyncio.TaskGroup() as group:
            for _ in range(requests):
                group.create_task(setup.get())
        assert setup.limiter.in_flight == 0
        return now()

    return run_virtual(main())


ROOM = {"X-RateLimit-Limit": "6000", "X-RateLimit-Remaining": "4000", "X-RateLimit-Reset": "30"}


@pytest.mark.parametrize("limit", range(1, 9))
@pytest.mark.parametrize("headers", [{}, ROOM], ids=["no headers", "headers that show room"])
def test_a_limit_of_concurrent_requests_refuses_few(limit: int, headers: dict[str, str]) -> None:
    """As in palantir/conjure-java-runtime#786: each request on its own would only retry."""
    session = LimitedSession(limit, headers)
    took = send(session, 164)
    assert session.refused <= 5
    assert took <= 164 * 0.1 / max(1, limit // 2) + 10


@pytest.mark.parametrize("limit", [3, 5])
def test_refusals_become_rare_and_the_limit_is_used(limit: int) -> None:
    session = LimitedSession(limit, ROOM)
    took = send(session, 20_000)
    assert session.refused <= 15
    assert 20_000 * 0.1 / limit / took > 0.85


def flight(answers: int = 8) -> ConcurrencyLimit:
    """Return the requests in flight of a shop that has sent some responses."""
    new = ConcurrencyLimit(8)
    for _ in range(answers):
        answer(new, 0.0)
    return new


def answer(one: ConcurrencyLimit, at: float) -> None:
    one.started()
    one.ended()
    one.answered(at)


def refuse(one: ConcurrencyLimit, *, at: float, began: float, beside: int) -> None:
    """Have a request refused while others are in flight."""
    for _ in range(beside + 1):
        one.started()
    one.refused(at, began)
    for _ in range(beside + 1):
        one.ended()


def test_each_response_adds_one_up_to_the_concurrency() -> None:
    assert [flight(answers).free for answers in range(10)] == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8]


def test_refusals_halve_the_ceiling_and_those_side_by_side_count_once() -> None:
    one = flight()
    for _ in range(4):
        refuse(one, at=10.0, began=9.0, beside=7)
    assert one.free == 4
    answer(one, 11.0)
    assert one.free == 4, "it does not grow at once"
    refuse(one, at=13.0, began=12.0, beside=3)
    refuse(one, at=15.0, began=14.0, beside=1)
    assert one.free == 1
    refuse(one, at=17.0, began=16.0, beside=1)
    assert one.free == 1, "one request is always allowed"


def test_a_request_that_was_alone_says_nothing_about_others() -> None:
    one = flight()
    refuse(one, at=10.0, began=9.0, beside=0)
    assert one.free == 8


def test_the_ceiling_grows_by_one_and_a_refused_attempt_is_taken_back_and_made_later() -> None:
    one = flight()
    refuse(one, at=0.0, began=0.0, beside=7)
    answer(one, 60.0)
    assert one.free == 4, "a minute has not passed"
    answer(one, 61.0)
    assert one.free == 5
    refuse(one, at=62.0, began=61.5, beside=4)
    assert one.free == 4
    answer(one, 125.0)
    assert one.free == 4, "the next attempt is made after two minutes"
    answer(one, 183.0)
    assert one.free == 5
    answer(one, 304.0)
    answer(one, 365.0)
    assert one.free == 7, "an attempt that was not refused makes the next one come after a minute again"


def test_a_failure_allows_one_request_and_keeps_the_ceiling() -> None:
    one = flight()
    refuse(one, at=0.0, began=0.0, beside=7)
    one.failed()
    assert one.free == 1
    for _ in range(8):
        answer(one, 1.0)
    assert one.free == 4


@given(st.lists(st.tuples(st.sampled_from(["answered", "refused", "failed"]), st.floats(0, 100))))
def test_between_one_and_the_concurrency_are_allowed(events: list[tuple[str, Any]]) -> None:
    one = ConcurrencyLimit(8)
    at = 0.0
    for kind, later in events:
        at += later
        if kind == "answered":
            answer(one, at)
        elif kind == "refused":
            refuse(one, at=at, began=at, beside=int(later) % 8)
        else:
            one.failed()
        assert 1 <= one.free <= 8
