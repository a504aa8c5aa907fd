"""What the requests of a token wait for, as another thread would see it at any moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sumeru_api.request_queue import Reason, RequestQueue, Wait
from support.factories import rate_limiter
from support.virtual_clock import now, run_virtual

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

NO_HEADERS: Mapping[str, str] = {}


def new_queue(concurrency: int = 8) -> RequestQueue:
    return RequestQueue(rate_limiter(concurrency=concurrency, jitter=lambda: 1.0))


def waits(main: Coroutine[None, None, RequestQueue], *times: float) -> list[Wait | None]:
    """Return what a queue waits for some seconds after the coroutine has ended."""

    async def ask() -> list[Wait | None]:
        queue = await main
        start, seen = now(), []
        for time in times:
            await asyncio.sleep(start + time - now())
            seen.append(queue.wait_at(now()))
        return seen

    return run_virtual(ask())


def test_a_pause_of_the_rate_limit_ends_at_its_time() -> None:
    async def main() -> RequestQueue:
        queue = new_queue()
        await queue.turn()
        queue.refused_by_limit({"Retry-After": "40"}, 0.0)
        waiting = asyncio.create_task(queue.turn())
        waiting.add_done_callback(lambda _: queue.answered(NO_HEADERS))
        await asyncio.sleep(0)
        return queue

    until = Wait(Reason.RATE_LIMIT, until=41.0)  # one second of jitter
    assert waits(main(), 0.0, 30.0, 40.9, 41.5) == [until, until, until, None]


def test_nobody_waits_while_no_request_is_due() -> None:
    async def main() -> RequestQueue:
        queue = new_queue()
        await queue.turn()
        queue.refused_by_limit({"Retry-After": "40"}, 0.0)
        return queue

    assert waits(main(), 1.0) == [None]


def test_a_host_is_silent_from_the_last_response_or_from_the_first_request_on() -> None:
    async def main() -> RequestQueue:
        queue = new_queue()
        await queue.turn()
        queue.answered(NO_HEADERS)
        await asyncio.sleep(100)  # nothing is requested, so nobody waits
        for _ in range(2):
            await queue.turn()
        await asyncio.sleep(5)
        queue.answered(NO_HEADERS)
        return queue

    assert waits(main(), 9.0, 10.0, 70.0) == [
        None,
        Wait(Reason.RESPONSE, since=105.0),
        Wait(Reason.RESPONSE, since=105.0),
    ]


def test_a_pause_after_failures_is_not_a_pause_of_the_rate_limit() -> None:
    async def main() -> RequestQueue:
        queue = new_queue()
        for _ in range(3):
            queue.failed(await queue.turn())
        waiting = asyncio.create_task(queue.turn())
        waiting.add_done_callback(lambda _: queue.answered(NO_HEADERS))
        await asyncio.sleep(0)
        return queue

    # Two seconds of backoff after the second failure, four after the third.
    assert waits(main(), 0.0, 5.0) == [Wait(Reason.RETRY, until=6.0), None]


def test_a_failed_request_waits_to_be_sent_again() -> None:
    async def main() -> RequestQueue:
        queue = new_queue()
        await queue.turn()
        queue.answered(NO_HEADERS)
        queue.retrying(60.0)
        queue.retrying(5.0)
        return queue

    assert waits(main(), 59.0, 60.0) == [Wait(Reason.RETRY, until=60.0), None]


def test_the_limit_is_known_from_the_first_response_on() -> None:
    queue = RequestQueue(rate_limiter(share=0.5))

    async def main() -> None:
        await queue.turn()
        queue.answered({"X-RateLimit-Limit": "120"})

    assert queue.per_minute is None
    run_virtual(main())
    assert queue.per_minute == 60.0
