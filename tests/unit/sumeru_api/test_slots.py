"""Slots: bounded, first come, first served; whoever holds one for too long no longer counts."""

from __future__ import annotations

import asyncio
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.slots import Slots
from support.virtual_clock import now, run_virtual, spend


async def hold(slots: Slots, seconds: float) -> tuple[float, float]:
    """Hold a slot for some seconds; return from when to when."""
    slot = await slots.acquire()
    since = now()
    try:
        await asyncio.sleep(seconds)
    finally:
        slot.release()
    return since, now()


@given(count=st.integers(1, 8), seed=st.integers(0, 2**32 - 1))
def test_no_more_slots_are_held_than_there_are(count: int, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - for test data
    held, most = 0, 0

    async def one(slots: Slots) -> None:
        nonlocal held, most
        await asyncio.sleep(random.random() * 3)
        slot = await slots.acquire()
        held += 1
        most = max(most, held)
        await asyncio.sleep(random.random())
        held -= 1
        slot.release()

    async def main() -> None:
        slots = Slots(count, max_hold_seconds=1.0)
        async with asyncio.TaskGroup() as group:
            for _ in range(30):
                group.create_task(one(slots))

    run_virtual(main())
    assert most <= count


def test_slots_are_given_in_the_order_in_which_they_were_wanted() -> None:
    async def main() -> list[tuple[float, float]]:
        slots = Slots(1, max_hold_seconds=100.0)
        return await asyncio.gather(*(hold(slots, 1.0) for _ in range(4)))

    assert run_virtual(main()) == [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 4.0)]


def test_a_slot_that_is_held_for_too_long_goes_to_the_next() -> None:
    async def main() -> list[tuple[float, float]]:
        slots = Slots(1, max_hold_seconds=1.0)
        return list(await asyncio.gather(hold(slots, 10.0), hold(slots, 0.5), hold(slots, 0.5)))

    assert run_virtual(main()) == [(0.0, 10.0), (1.0, 1.5), (1.5, 2.0)]


def test_a_slot_that_was_passed_on_is_not_given_back_twice() -> None:
    async def main() -> list[tuple[float, float]]:
        slots = Slots(1, max_hold_seconds=1.0)
        await hold(slots, 10.0)
        return list(await asyncio.gather(hold(slots, 0.5), hold(slots, 0.5)))

    assert run_virtual(main()) == [(10.0, 10.5), (10.5, 11.0)]


def test_who_hangs_holds_up_the_others_for_no_longer_than_the_patience() -> None:
    async def main() -> float:
        slots = Slots(2, max_hold_seconds=1.0)
        hanging = [asyncio.create_task(hold(slots, 3600.0)) for _ in range(10)]
        await asyncio.sleep(0)
        since, _ = await hold(slots, 0.0)
        for task in hanging:
            task.cancel()
        return since

    assert run_virtual(main()) == 5.0


@given(count=st.integers(1, 8), rounds=st.integers(1, 60), busy=st.floats(0.001, 1.0))
def test_a_busy_process_starts_no_more_than_it_can_finish(count: int, rounds: int, busy: float) -> None:
    held, most = 0, 0

    async def one(slots: Slots) -> None:
        nonlocal held, most
        slot = await slots.acquire()
        held += 1
        most = max(most, held)
        for _ in range(rounds):
            spend(busy)
            await asyncio.sleep(0)
        held -= 1
        slot.release()

    async def main() -> None:
        slots = Slots(count, max_hold_seconds=0.0625)  # which is shorter than all of `busy`, or than most
        async with asyncio.TaskGroup() as group:
            for _ in range(4 * count):
                group.create_task(one(slots))

    run_virtual(main())
    assert most == count


@given(busy=st.floats(0.001, 1.0), hanging=st.integers(1, 8))
def test_who_hangs_in_a_busy_process_holds_up_the_others_for_a_number_of_rounds(
    busy: float, hanging: int
) -> None:
    rounds = 0

    async def work() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            spend(busy)
            await asyncio.sleep(0)

    async def main() -> None:
        slots = Slots(hanging, max_hold_seconds=0.0625)
        tasks = [asyncio.create_task(hold(slots, 1e9)) for _ in range(hanging)]
        busy_task = asyncio.create_task(work())
        await asyncio.sleep(0)
        await hold(slots, 0.0)
        for task in (*tasks, busy_task):
            task.cancel()

    run_virtual(main())
    assert 60 <= rounds <= 150


def test_a_slot_can_be_released_more_than_once() -> None:
    async def main() -> list[tuple[float, float]]:
        slots = Slots(1, max_hold_seconds=100.0)
        slot = await slots.acquire()
        for _ in range(3):
            slot.release()
        return list(await asyncio.gather(hold(slots, 1.0), hold(slots, 1.0)))

    assert run_virtual(main()) == [(0.0, 1.0), (1.0, 2.0)]


def test_a_slot_is_given_back_by_who_is_cancelled() -> None:
    async def main() -> float:
        slots = Slots(1, max_hold_seconds=100.0)
        holder, waiting = (asyncio.create_task(hold(slots, 50.0)) for _ in range(2))
        await asyncio.sleep(1.0)
        waiting.cancel()
        holder.cancel()
        since, _ = await hold(slots, 0.0)
        return since

    assert run_virtual(main()) == 1.0


def test_whoever_has_a_slot_waits_until_it_is_ready_which_takes_no_patience() -> None:
    async def main() -> list[tuple[float, float]]:
        slots = Slots(1, max_hold_seconds=1.0, wait_until_ready=lambda: asyncio.sleep(10.0))
        return list(await asyncio.gather(hold(slots, 5.0), hold(slots, 0.5)))

    assert run_virtual(main()) == [(10.0, 15.0), (21.0, 21.5)]


def test_a_slot_is_given_back_if_it_never_gets_ready() -> None:
    calls = 0

    async def ready() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError
        await asyncio.sleep(1.0 if calls == 3 else 100.0)

    async def main() -> float:
        slots = Slots(1, max_hold_seconds=1.0, wait_until_ready=ready)
        failing, cancelled = (asyncio.create_task(slots.acquire()) for _ in range(2))
        await asyncio.sleep(2.0)
        cancelled.cancel()
        await asyncio.wait([failing, cancelled])
        assert isinstance(failing.exception(), OSError)
        since, _ = await hold(slots, 0.0)
        return since

    assert run_virtual(main()) == 3.0
