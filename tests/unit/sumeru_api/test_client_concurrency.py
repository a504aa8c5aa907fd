"""Many requests at once: bounded, cancelled without a trace, and none held up by a host that hangs."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.errors import ApiUnavailable, HostNotResponding
from sumeru_api.shop import Shop
from sumeru_api.slots import Slots
from support.client_setup import FAILED, OK, ClientSetup
from support.fake_api import FakeApi
from support.fake_session import FakeSession, in_turn, of_api, response
from support.virtual_clock import now, run_virtual

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sumeru_api.responses import Page
    from support.fake_session import Outcome, SentRequest


def test_concurrent_requests_to_a_silent_host_fail_together() -> None:
    session = FakeSession(in_turn([OK, FAILED]), latency=lambda: 60.0)

    async def main() -> list[Page | BaseException]:
        setup = ClientSetup(session, max_retries=2)
        await setup.get()
        results = await asyncio.gather(*(setup.get() for _ in range(8)), return_exceptions=True)
        assert setup.limiter.in_flight == 0
        return results

    results = run_virtual(main())
    assert HostNotResponding in set(map(type, results))
    assert set(map(type, results)) <= {HostNotResponding, ApiUnavailable}
    assert len(session.sent) <= 1 + 8 * 3


def test_a_host_that_answers_some_requests_is_responding() -> None:
    random = Random(7)  # noqa: S311 - for test data
    outcomes: list[Outcome] = [FAILED, OK]
    session = FakeSession(lambda _: random.choice(outcomes), latency=random.random)

    async def main() -> None:
        setup = ClientSetup(session, max_retries=50)
        async with asyncio.TaskGroup() as group:
            for _ in range(100):
                group.create_task(setup.get())
        assert (setup.queue.requests, setup.limiter.in_flight) == (100, 0)

    run_virtual(main())


async def cancel_after(seconds: float, work: Coroutine[Any, Any, object]) -> None:
    task = asyncio.create_task(work)
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert now() == seconds, "cancelling takes no time"


def test_a_cancelled_request_in_flight_gives_its_place_back() -> None:
    session = FakeSession(in_turn([OK]), latency=lambda: 60.0)

    async def main() -> None:
        setup = ClientSetup(session)
        await cancel_after(1.0, setup.get())
        assert (session.in_flight, setup.limiter.in_flight, setup.queue.backlogged) == (0, 0, False)
        assert (await setup.get()).rows

    run_virtual(main())


def test_a_request_that_is_cancelled_while_it_waits_for_a_slot_gives_its_place_back() -> None:
    session = FakeSession(in_turn([OK]), latency=lambda: 0.5)

    async def main() -> None:
        slots = Slots(1, max_hold_seconds=100.0)
        setup = ClientSetup(session, slots=slots)
        slot = await slots.acquire()
        await cancel_after(1.0, setup.get())
        slot.release()
        assert (len(session.sent), setup.limiter.in_flight) == (0, 0)
        assert (await setup.get()).rows

    run_virtual(main())


def test_no_request_is_sent_before_its_response_can_be_taken() -> None:
    session = FakeSession(in_turn([OK]))

    async def main() -> None:
        room = asyncio.Event()

        async def ready() -> None:
            await room.wait()

        setup = ClientSetup(session, slots=Slots(1, max_hold_seconds=1.0, wait_until_ready=ready))
        await cancel_after(1.0, setup.get())
        assert setup.limiter.in_flight == 0
        waiting = asyncio.create_task(setup.get())
        await asyncio.sleep(1.0)
        assert session.sent == []
        room.set()
        assert (await waiting).rows

    run_virtual(main())
    assert session.times == [2.0]


def test_cancelling_the_requests_of_a_shop_does_not_wait_for_those_that_have_not_started() -> None:
    session = FakeSession(in_turn([response(429, Retry_After="800")]))

    async def main() -> None:
        setup = ClientSetup(session)

        async def many() -> None:
            async with asyncio.TaskGroup() as group:
                for _ in range(50):
                    group.create_task(setup.get())

        await cancel_after(1.0, many())
        assert (setup.limiter.in_flight, setup.queue.backlogged) == (0, False)

    run_virtual(main())
    assert len(session.sent) == 1


@given(concurrency=st.integers(1, 12), slots=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
def test_neither_the_concurrency_nor_the_slots_are_exceeded(concurrency: int, slots: int, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - for test data
    outcomes: list[Outcome] = [OK, OK, OK, response(500), response(429, Retry_After="2"), FAILED]
    session = FakeSession(lambda _: random.choice(outcomes), latency=random.random)

    async def main() -> None:
        setup = ClientSetup(
            session, concurrency=concurrency, slots=Slots(slots, max_hold_seconds=10.0), max_retries=100
        )
        async with asyncio.TaskGroup() as group:
            for _ in range(30):
                group.create_task(setup.get())
        assert setup.limiter.in_flight == 0

    run_virtual(main())
    assert session.max_in_flight <= min(concurrency, slots)


def test_the_requests_of_all_shops_share_the_slots() -> None:
    session = FakeSession(in_turn([OK]), latency=lambda: 0.01)

    async def main() -> list[int]:
        slots = Slots(4, max_hold_seconds=10.0)
        setups = [ClientSetup(session, concurrency=2, slots=slots) for _ in range(3)]
        async with asyncio.TaskGroup() as group:
            for setup in setups * 100:
                group.create_task(setup.get())
        return [setup.queue.requests for setup in setups]

    assert run_virtual(main()) == [100, 100, 100]
    assert session.max_in_flight == 4


def test_a_shop_with_many_requests_does_not_keep_another_waiting() -> None:
    session = FakeSession(in_turn([OK]), latency=lambda: 0.01)

    async def main() -> None:
        slots = Slots(1, max_hold_seconds=10.0)
        long, short = (
            ClientSetup(session, concurrency=2, slots=slots, shop=Shop(name, name))
            for name in ("long", "short")
        )
        async with asyncio.TaskGroup() as group:
            for setup in [long] * 100 + [short] * 10:
                group.create_task(setup.get())

    run_virtual(main())
    places = [i for i, request in enumerate(session.sent) if request.authorization == "Bearer short"]
    assert places[0] < 5
    assert places[-1] < 30


def test_a_host_that_hangs_does_not_hold_up_other_shops() -> None:
    def latency(request: SentRequest) -> Outcome:
        assert request.authorization == "Bearer other"
        return OK

    hanging, session = FakeSession(in_turn([OK]), latency=lambda: 3600.0), FakeSession(latency)

    async def main() -> float:
        slots = Slots(2, max_hold_seconds=1.0)
        stuck = [asyncio.create_task(ClientSetup(hanging, slots=slots).get()) for _ in range(6)]
        await asyncio.sleep(0)
        await ClientSetup(session, slots=slots, shop=Shop("other", "other")).get()
        for task in stuck:
            task.cancel()
        return now()

    assert run_virtual(main()) == 3.0


def test_a_paced_token_gets_through_all_requests_whatever_the_clock_shows_in_between() -> None:
    """A scheduler that compares two readings of the clock can spin for ever between them."""
    random = Random(3)  # noqa: S311 - for test data
    headers = {"X_RateLimit_Limit": "20000"}
    good = response(200, {"data": [{"id": "1"}]}, **headers)
    bad = response(500, **headers)
    session = FakeSession(
        lambda _: bad if random.random() < 0.2 else good, latency=lambda: random.random() / 10
    )

    async def main() -> float:
        setup = ClientSetup(session, max_retries=50)
        async with asyncio.TaskGroup() as group:
            for _ in range(2000):
                group.create_task(setup.get())
        assert setup.limiter.in_flight == 0
        return now()

    took = run_virtual(main(), tick=1e-7)
    assert len(session.sent) > 2000
    assert len(session.sent) / took * 60 <= 2 * 20_000


@pytest.mark.parametrize("limit", [60, 120, 300, 600])
@pytest.mark.parametrize("seconds", [5.0, 30.0, 60.0])
def test_requests_that_were_held_back_are_not_sent_on_top_of_what_the_limit_allows(
    limit: int, seconds: float
) -> None:
    """As when the target takes no records for a while."""
    api = FakeApi(limit)
    session = FakeSession(of_api(api), latency=lambda: 0.1)

    async def main() -> None:
        ready = asyncio.Event()
        ready.set()

        async def wait() -> None:
            await ready.wait()

        setup = ClientSetup(session, slots=Slots(256, max_hold_seconds=1.0, wait_until_ready=wait))

        async def send() -> None:
            for _ in range(20):
                await setup.get()

        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(send())
            await asyncio.sleep(30.0)
            ready.clear()
            await asyncio.sleep(1.0)
            sent = len(session.sent)
            await asyncio.sleep(seconds)
            assert len(session.sent) == sent
            ready.set()

    run_virtual(main())
    assert api.refused == 0
