"""Request queue: requests of a token start in order, as soon as the rate limit allows, and never above it."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from sumeru_api.rate_limiter import RateLimiter
from sumeru_api.request_queue import RequestQueue
from support.factories import rate_limiter
from support.fake_api import EPOCH, FakeApi
from support.virtual_clock import now, run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def steady_limiter(concurrency: int = 8) -> RateLimiter:
    """Return a limiter without jitter."""
    return rate_limiter(concurrency=concurrency, jitter=lambda: 0.0)


async def send(
    queue: RequestQueue,
    seconds: float = 0.0,
    headers: Mapping[str, str] | None = None,
    *,
    refused: bool = False,
) -> float:
    """Send a request that is answered after some seconds; return when it started."""
    started_at = await queue.turn()
    await asyncio.sleep(seconds)
    if refused:
        queue.refused_by_limit(headers or {}, started_at)
    else:
        queue.answered(headers or {})
    return started_at


async def send_to(api: FakeApi, queue: RequestQueue, seconds: float) -> None:
    """Send a request to an API until its rate limit does not refuse it."""
    while True:
        started_at = await queue.turn()
        await asyncio.sleep(seconds / 2)
        status, headers = api.ask(now())
        await asyncio.sleep(seconds / 2)
        if status == 200:
            queue.answered(headers)
            return
        queue.refused_by_limit(headers, started_at)


async def after_first_responses(queue: RequestQueue) -> None:
    for _ in range(8):
        await send(queue)


@pytest.mark.parametrize("latency", [0.0, 0.05, 0.15])
def test_requests_run_at_600_per_minute_without_a_429(latency: float) -> None:
    api, limiter = FakeApi(600), rate_limiter()

    async def main() -> float:
        queue = RequestQueue(limiter)
        async with asyncio.TaskGroup() as group:
            for _ in range(1800):
                group.create_task(send_to(api, queue, latency))
        assert (queue.requests, queue.refused) == (1800, 0)
        return now()

    took = run_virtual(main())
    assert (api.refused, limiter.in_flight) == (0, 0)
    assert 1800 / took * 60 >= 0.97 * 600


def test_requests_start_in_the_order_in_which_they_came() -> None:
    random, order = Random(1), []  # noqa: S311 - for test data

    async def main() -> None:
        queue = RequestQueue(steady_limiter(concurrency=3))

        async def one(number: int) -> None:
            await queue.turn()
            order.append(number)
            await asyncio.sleep(random.random())
            queue.answered({})

        async with asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(one(number))

    run_virtual(main())
    assert order == list(range(200))


def test_a_429_pauses_all_requests_of_the_token() -> None:
    async def main() -> list[float]:
        queue = RequestQueue(steady_limiter())
        await after_first_responses(queue)
        async with asyncio.TaskGroup() as group:
            group.create_task(send(queue, 1.0, {"Retry-After": "30"}, refused=True))
            others = [group.create_task(send(queue, 2.0)) for _ in range(20)]
        assert queue.refused == 1
        return [other.result() for other in others]

    starts = run_virtual(main())
    assert starts[:7] == [0.0] * 7, "they were in flight before the 429 came"
    assert min(starts[7:]) == 31.0


@given(
    concurrency=st.integers(1, 16),
    seed=st.integers(0, 2**32 - 1),
    limit=st.sampled_from([None, 60, 600, 6000]),
)
def test_the_concurrency_is_never_exceeded(concurrency: int, seed: int, limit: int | None) -> None:
    random, limiter = Random(seed), rate_limiter(concurrency=concurrency)  # noqa: S311 - for test data
    in_flight, most = 0, 0
    headers = {} if limit is None else {"X-RateLimit-Limit": str(limit)}

    async def one(queue: RequestQueue) -> None:
        nonlocal in_flight, most
        await asyncio.sleep(random.random())
        started_at = await queue.turn()
        in_flight += 1
        most = max(most, in_flight)
        await asyncio.sleep(random.random())
        in_flight -= 1
        end: Callable[[], None] = random.choice(
            [
                lambda: queue.answered(headers),
                lambda: queue.refused_by_limit({**headers, "Retry-After": "1"}, started_at),
                lambda: queue.failed(started_at),
                queue.cancelled,
            ]
        )
        end()

    async def main() -> None:
        queue = RequestQueue(limiter)
        async with asyncio.TaskGroup() as group:
            for _ in range(40):
                group.create_task(one(queue))
        assert not queue.backlogged

    run_virtual(main())
    assert most <= concurrency
    assert limiter.in_flight == 0


def test_a_queue_is_backlogged_while_requests_wait_for_their_turn() -> None:
    async def main() -> list[bool]:
        queue = RequestQueue(steady_limiter(concurrency=2))
        seen = [queue.backlogged]
        tasks = [asyncio.create_task(send(queue, 1.0)) for _ in range(2)]
        await asyncio.sleep(0.5)
        seen.append(queue.backlogged)  # until the first response, one request is in flight
        await asyncio.sleep(1.0)
        seen.append(queue.backlogged)
        await asyncio.gather(*tasks)
        assert queue.concurrency == 2
        return [*seen, queue.backlogged]

    assert run_virtual(main()) == [False, True, False, False]


@pytest.mark.parametrize("paused", [True, False])
def test_a_request_that_is_cancelled_while_it_waits_gives_its_place_back(paused: bool) -> None:
    limiter = steady_limiter(concurrency=1)

    async def main() -> None:
        queue = RequestQueue(limiter)
        await after_first_responses(queue)
        if paused:
            await send(queue, 0.0, {"Retry-After": "100"}, refused=True)
        else:
            holder = asyncio.create_task(send(queue, 100.0))
            await asyncio.sleep(0)
        cancelled = [asyncio.create_task(queue.turn()) for _ in range(3)]
        last = asyncio.create_task(send(queue))
        await asyncio.sleep(1.0)
        for task in cancelled:
            task.cancel()
        await asyncio.wait(cancelled)
        assert now() == 1.0, "nobody waits for a request that has not started"
        assert all(task.cancelled() for task in cancelled)
        assert limiter.in_flight == (0 if paused else 1)
        assert await last == 100.0
        if not paused:
            await holder
        assert not queue.backlogged
        assert queue.requests == 10

    run_virtual(main())
    assert limiter.in_flight == 0


def test_a_cancelled_request_lets_the_next_one_start() -> None:
    async def main() -> float:
        queue = RequestQueue(steady_limiter(concurrency=1))
        await queue.turn()
        following = asyncio.create_task(send(queue))
        await asyncio.sleep(5.0)
        queue.cancelled()
        return await following

    assert run_virtual(main()) == 5.0


def test_a_request_that_fails_lets_the_next_one_start() -> None:
    async def main() -> tuple[float, int]:
        queue = RequestQueue(steady_limiter(concurrency=1))
        started_at = await queue.turn()
        following = asyncio.create_task(send(queue))
        await asyncio.sleep(5.0)
        queue.failed(started_at)
        return await following, queue.requests

    assert run_virtual(main()) == (5.0, 1), "a request without a response is not counted"


def test_unanswered_requests_are_counted_once_none_is_in_flight() -> None:
    async def main() -> list[int]:
        queue = RequestQueue(steady_limiter())
        await after_first_responses(queue)
        first, second = await queue.turn(), await queue.turn()
        await asyncio.sleep(1.0)
        counts = []
        queue.failed(first)
        counts.append(queue.unanswered)  # the second may still be answered
        queue.failed(second)
        counts.append(queue.unanswered)  # they were in flight at the same time
        await asyncio.sleep(1.0)
        queue.failed(await queue.turn())
        counts.append(queue.unanswered)
        await send(queue)
        return [*counts, queue.unanswered]

    assert run_virtual(main()) == [0, 1, 2, 0]


def test_held_are_the_seconds_for_which_the_rate_limit_held_back_a_request() -> None:
    used_up = {
        "X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(EPOCH + 20), "Date": formatdate(EPOCH, usegmt=True),
    }  # fmt: skip

    async def main() -> float:
        queue = RequestQueue(steady_limiter())
        await send(queue, 0.0, used_up)
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(send(queue))
        return queue.held

    # Three requests waited, all at the same time.
    assert run_virtual(main()) == pytest.approx(20.05, abs=0.2)


def test_waiting_for_other_requests_or_for_a_silent_host_is_not_held_by_the_rate_limit() -> None:
    async def main() -> float:
        queue = RequestQueue(rate_limiter(concurrency=1, jitter=lambda: 1.0))
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(send(queue, 10.0))
        for _ in range(3):
            queue.failed(await queue.turn())
        return queue.held

    assert run_virtual(main()) == 0.0


class Due(RateLimiter):
    """Allows the next request at a given time."""

    at = 0.5

    @override
    def wait(self, now: float, cost: int = 1) -> float | None:
        return max(0.0, self.at - now)


@pytest.mark.parametrize("at", [0.5, 1.5, 2.5, 7.25])
def test_a_request_that_falls_due_between_two_readings_of_the_clock_starts(at: float) -> None:
    """A loop that decides with an older reading of the clock could spin for ever."""
    limiter = Due(1.0, 8)
    limiter.at = at

    async def main() -> float:
        return await RequestQueue(limiter).turn()

    assert run_virtual(main(), tick=1.0) >= at
