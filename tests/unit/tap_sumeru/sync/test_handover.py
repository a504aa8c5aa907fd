"""Hand-over between the event loop and the main thread: ordered, bounded, and no wake-up is lost."""

from __future__ import annotations

import asyncio
import threading
import time
from random import Random

import pytest
from typing_extensions import override

from tap_sumeru.sync.handover import Handover

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
                await self._handover.wait_to_start()
            await self._handover.wait_for_room()
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
            await handover.wait_for_room()
            handover.put(item)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.005):
                await handover.wait_for_room()
        assert handover.get(0) == "a"
        await handover.wait_for_room()
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
        waiting = asyncio.create_task(handover.wait_for_room())
        await asyncio.sleep(0)
        waiting.cancel()
        handover.put(2)

    asyncio.run(main())
    assert [handover.get(0.1), handover.get(0.1), handover.get(0.001)] == [1, 2, None]


def test_large_items_fill_the_room_of_many() -> None:
    async def main() -> None:
        handover: Handover[str] = Handover(10, len)
        handover.put("a" * 9)
        await handover.wait_for_room()
        handover.put("b" * 50)
        waiting = asyncio.create_task(handover.wait_for_room())
        await asyncio.sleep(0)
        assert handover.get(0) == "a" * 9
        await asyncio.sleep(0.001)
        assert not waiting.done()
        assert handover.get(0) == "b" * 50
        await waiting

    asyncio.run(main())


def test_room_that_is_made_while_nobody_waits_wakes_nobody() -> None:
    async def main() -> None:
        handover: Handover[int] = Handover(1, one_each)
        for number in range(100):
            await handover.wait_for_room()
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
