"""`handover`: who waits for room, in which order, and what happens if they are cancelled."""

from __future__ import annotations

import asyncio

import pytest

from tap_sumeru.sync.handover import MAX_PUTTING, Handover

_PATIENCE = 60.0
"""Seconds after which a lost wake-up counts as one, however busy the machine is."""


def one_each(_: object) -> int:
    return 1


async def note(log: list[str], name: str, handover: Handover[str], *, starts: bool = False) -> None:
    await (handover.wait_to_start() if starts else handover.wait_for_room())
    log.append(name)
    if not starts:
        handover.put(name)


def test_who_waits_for_room_is_served_in_order_and_nothing_starts_while_many_wait() -> None:
    names = [f"item {number}" for number in range(MAX_PUTTING + 1)]

    async def main() -> list[str]:
        log: list[str] = []
        handover: Handover[str] = Handover(1, one_each)
        handover.put("full")
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(note(log, name, handover))
            await asyncio.sleep(0)
            group.create_task(note(log, "start", handover, starts=True))
            await asyncio.sleep(0.001)
            assert log == []
            for taken in ("full", *names):
                assert handover.get(0.1) == taken
                await asyncio.sleep(0.001)
        return log

    log = asyncio.run(main())
    assert [name for name in log if name != "start"] == names
    assert log.index("start") <= 2, "as soon as fewer wait"


def test_something_new_starts_at_once_while_few_wait() -> None:
    async def main() -> list[str]:
        log: list[str] = []
        handover: Handover[str] = Handover(1, one_each)
        handover.put("full")
        waiting = asyncio.create_task(note(log, "waiting", handover))
        await asyncio.sleep(0)
        await note(log, "start", handover, starts=True)
        assert handover.get(0.1) == "full"
        await waiting
        return log

    assert asyncio.run(main()) == ["start", "waiting"]


def test_a_newcomer_does_not_overtake_who_waits() -> None:
    async def main() -> list[str]:
        log: list[str] = []
        handover: Handover[str] = Handover(2, one_each)
        for _ in range(2):
            handover.put("full")
        waiting = asyncio.create_task(note(log, "waiting", handover))
        await asyncio.sleep(0)
        handover.get(0)
        asyncio.get_running_loop().call_later(0.001, handover.get, 0)
        await note(log, "newcomer", handover)
        await waiting
        return log

    assert asyncio.run(main()) == ["waiting", "newcomer"]


def test_who_is_cancelled_while_waiting_holds_up_nobody() -> None:
    async def main() -> list[str]:
        log: list[str] = []
        handover: Handover[str] = Handover(1, one_each)
        handover.put("full")
        tasks = [asyncio.create_task(note(log, f"{number}", handover)) for number in range(4)]
        await asyncio.sleep(0)
        for task in tasks[:2]:
            task.cancel()
        assert handover.get(0) == "full"
        await tasks[2]
        tasks[3].cancel()
        assert handover.get(0) == "2"
        async with asyncio.timeout(_PATIENCE):
            await note(log, "last", handover)
        return log

    assert asyncio.run(main()) == ["2", "last"]


def test_whoever_is_cancelled_when_its_turn_has_come_passes_it_on() -> None:
    async def main() -> list[str]:
        log: list[str] = []
        handover: Handover[str] = Handover(1, one_each)
        handover.put("full")
        first, second = (asyncio.create_task(note(log, name, handover)) for name in ("first", "second"))
        await asyncio.sleep(0)
        assert handover.get(0) == "full"
        asyncio.get_running_loop().call_soon(first.cancel)  # right after it was given its turn
        async with asyncio.timeout(_PATIENCE):
            await second
        return log

    assert asyncio.run(main()) == ["second"]


@pytest.mark.parametrize("taken_first", [True, False])
def test_many_that_are_cancelled_while_waiting_do_not_keep_others_from_starting(*, taken_first: bool) -> None:
    async def main() -> None:
        handover: Handover[str] = Handover(1, one_each)
        handover.put("full")
        waiting = [asyncio.create_task(handover.wait_for_room()) for _ in range(2 * MAX_PUTTING)]
        await asyncio.sleep(0)
        starting = [asyncio.create_task(handover.wait_to_start()) for _ in range(3)]
        await asyncio.sleep(0)
        if taken_first:
            handover.get(0)
        for task in waiting:
            task.cancel()
        await asyncio.sleep(0.001)
        handover.get(0)
        async with asyncio.timeout(_PATIENCE):
            await asyncio.gather(*starting)

    asyncio.run(main())
