"""Hand-over between the event loop and the main thread: ordered, bounded, and no wake-up is lost."""

from __future__ import annotations

import asyncio
import threading
import time
from random import Random

import pytest
from typing_extensions import override

from tap_sumeru.sync.handover import MAX_PUTTING, Handover

_PATIENCE = 60.0
"""Seconds after which a lost wake-up counts as one, however busy the machine is."""


def one_each(_: object) -> int:
    return 1


class Producers:
    """An event loop in a thread of its own, whose tasks put numbered items.

    Args:
        handover: Takes the items.
        tasks: Number of tasks.
        each: Items that each task puts.
        random: Decides where the tasks pause.

    Attributes:
        error: The error that ended the loop, if any.
    """

    def __init__(self, handover: Handover[tuple[int, int]], tasks: int, each: int, random: Random) -> None:
        self._handover = handover
        self._tasks = tasks
        self._each = each
        self._random = random
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            asyncio.run(self._put_all())
        except BaseException as error:  # noqa: BLE001 - raised again by `join`
            self.error = error

    async def _put_all(self) -> None:
        async with asyncio.timeout(_PATIENCE), asyncio.TaskGroup() as group:
            for task in range(self._tasks):
                group.create_task(self._put(task))

    async def _put(self, task: int) -> None:
        for number in range(self._each):
            if self._random.random() < 0.3:
                await asyncio.sleep(0)
            if self._random.random() < 0.3:
                await self._handover.idle()
            await self._handover.room()
            self._handover.put((task, number))

    def join(self) -> None:
        self._thread.join()
        if self.error is not None:
            raise self.error


class PausingHandover(Handover[tuple[int, int]]):
    """Lets the other thread go on at random, right after it was looked whether there is room."""

    random = Random(1)  # noqa: S311 - for test data

    @override
    def _has_room(self, below: int) -> bool:
        found = super()._has_room(below)
        if self.random.random() < 0.3:
            time.sleep(self.random.choice([0, 1e-6, 1e-5]))
        return found


@pytest.mark.parametrize("capacity", [1, 2, 3, 4])
@pytest.mark.parametrize("tasks", [1, 2, 5])
def test_no_wake_up_is_lost_and_no_item_overtakes_another(capacity: int, tasks: int) -> None:
    random = Random(capacity * 10 + tasks)  # noqa: S311 - for test data
    for _ in range(20):
        handover = PausingHandover(capacity, one_each)
        each = 60 // tasks
        producers = Producers(handover, tasks, each, random)
        taken: dict[int, list[int]] = {task: [] for task in range(tasks)}
        for _ in range(tasks * each):
            if random.random() < 0.2:
                time.sleep(random.random() / 10_000)
            item = handover.get(_PATIENCE)
            assert item is not None
            taken[item[0]].append(item[1])
        producers.join()
        assert taken == {task: list(range(each)) for task in range(tasks)}


def test_no_more_items_wait_than_the_capacity() -> None:
    async def main() -> list[str]:
        handover: Handover[str] = Handover(2, one_each)
        for item in "ab":
            await handover.room()
            handover.put(item)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.005):
                await handover.room()
        assert handover.get(0) == "a"
        await handover.room()
        handover.put("c")
        handover.put("beyond the capacity")
        await asyncio.sleep(0)
        return [handover.get(0) or "" for _ in range(3)]

    assert asyncio.run(main()) == ["b", "c", "beyond the capacity"]


def test_getting_from_an_empty_handover_gives_nothing() -> None:
    assert Handover[str](1, one_each).get(0.001) is None


def test_the_last_items_can_be_taken_after_the_loop_has_ended() -> None:
    """A task that was cancelled while it waited for room still counts as waiting, without a loop."""
    handover: Handover[int] = Handover(1, one_each)

    async def main() -> None:
        handover.put(1)
        waiting = asyncio.create_task(handover.room())
        await asyncio.sleep(0)
        waiting.cancel()
        handover.put(2)

    asyncio.run(main())
    assert [handover.get(0.1), handover.get(0.1), handover.get(0.001)] == [1, 2, None]


def test_large_items_fill_the_room_of_many() -> None:
    async def main() -> None:
        handover: Handover[str] = Handover(10, len)
        handover.put("a" * 9)
        await handover.room()
        handover.put("b" * 50)
        waiting = asyncio.create_task(handover.room())
        await asyncio.sleep(0)
        assert handover.get(0) == "a" * 9
        await asyncio.sleep(0.001)
        assert not waiting.done()
        assert handover.get(0) == "b" * 50
        await waiting

    asyncio.run(main())


async def note(log: list[str], name: str, handover: Handover[str], *, starts: bool = False) -> None:
    await (handover.idle() if starts else handover.room())
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
        waiting = [asyncio.create_task(handover.room()) for _ in range(2 * MAX_PUTTING)]
        await asyncio.sleep(0)
        starting = [asyncio.create_task(handover.idle()) for _ in range(3)]
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


def test_room_that_is_made_while_nobody_waits_wakes_nobody() -> None:
    async def main() -> None:
        handover: Handover[int] = Handover(1, one_each)
        for number in range(100):
            await handover.room()
            handover.put(number)
            await asyncio.sleep(0)
            assert handover.get(0) == number

    asyncio.run(main())


def test_what_is_put_in_one_round_of_the_event_loop_is_handed_over_at_once() -> None:
    async def main() -> list[int | None]:
        handover: Handover[int] = Handover(10, one_each)
        for number in range(3):
            handover.put(number)
        before = handover.get(0)
        await asyncio.sleep(0)
        return [before, *(handover.get(0) for _ in range(4))]

    assert asyncio.run(main()) == [None, 0, 1, 2, None]


def test_the_last_item_comes_after_all_others_however_the_event_loop_ends() -> None:
    handover: Handover[str] = Handover(10, one_each)

    async def main() -> None:
        handover.put("first")
        await asyncio.sleep(0)
        handover.put("second")
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(main())
    handover.end("last")
    assert [handover.get(0) for _ in range(4)] == ["first", "second", "last", None]
