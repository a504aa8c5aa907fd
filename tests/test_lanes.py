"""`lanes`: shops take turns, each behind its governor, in a bounded number of threads."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from sumeru_api.rate_limiter import RateLimiter
from sumeru_api.shop import Shop
from tap_sumeru.lanes import Lane, Pool

if TYPE_CHECKING:
    from collections.abc import Callable


class Work:
    """Requests that are answered at once, counted by lane."""

    def __init__(self, wanted: int) -> None:
        self.done: Counter[str] = Counter()
        self.order: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()
        self._left = threading.Semaphore(0)
        self._wanted = wanted

    def request(self, lane: Lane) -> None:
        with lane.request() as answered:
            with self._lock:
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
            answered(200, {})
            with self._lock:
                self.at_once -= 1
                self.done[lane.shop.name] += 1
                self.order.append(lane.shop.name)
        self._left.release()

    def wait(self) -> None:
        for _ in range(self._wanted):
            assert self._left.acquire(timeout=10)


@dataclass
class Do:
    """A task."""

    what: Callable[[], None] = lambda: None
    cancelled: bool = False

    def __call__(self) -> None:
        self.what()


def lanes(pool: Pool, *names: str) -> list[Lane]:
    return [Lane(Shop(name, "token"), RateLimiter(concurrency=2), pool) for name in names]


def test_a_lane_is_crowded_while_requests_wait_for_their_turn() -> None:
    (lane,) = lanes(Pool(1), "a")
    seen = [lane.crowded]
    lane.submit(Do())
    seen.append(lane.crowded)
    lane.take(0.0)
    seen.append(lane.crowded)
    assert seen == [False, True, False]
    assert lane.at_once == 2


def test_every_request_of_every_shop_is_made_and_no_thread_stays() -> None:
    before = threading.active_count()
    pool, work = Pool(4), Work(300)
    shops = lanes(pool, "a", "b", "c")
    pool.start()
    for _ in range(100):
        for lane in shops:
            lane.submit(Do(partial(work.request, lane)))
    work.wait()
    pool.stop()
    assert work.done == {"a": 100, "b": 100, "c": 100}
    assert work.most_at_once <= 4
    assert [lane.requests for lane in shops] == [100, 100, 100]
    assert threading.active_count() == before


def test_a_shop_with_much_work_does_not_keep_another_waiting() -> None:
    pool, work = Pool(1), Work(110)
    long, short = lanes(pool, "long", "short")
    for _ in range(100):
        long.submit(Do(partial(work.request, long)))
    for _ in range(10):
        short.submit(Do(partial(work.request, short)))
    pool.start()
    work.wait()
    pool.stop()
    assert work.order.index("short") < 5
    assert [i for i, name in enumerate(work.order) if name == "short"][-1] < 30


def test_a_delayed_task_waits_for_its_time() -> None:
    now = [0.0]
    pool = Pool(1, clock=lambda: now[0])
    (lane,) = lanes(pool, "a")
    lane.submit(Do(), delay=5)
    assert lane.wait(0.0) == 5
    assert lane.wait(4.0) == 1
    assert lane.wait(5.0) == 0


def test_nothing_to_do_and_nothing_to_wait_for() -> None:
    (lane,) = lanes(Pool(1), "a")
    assert lane.wait(0.0) is None
    lane.submit(Do())
    assert lane.wait(0.0) == 0
    lane.take(0.0)
    lane.submit(Do())
    assert lane.wait(0.0) is None, "until the first answer one request is in flight"


def test_what_nobody_waits_for_is_not_asked() -> None:
    (lane,) = lanes(Pool(1), "a")
    task = Do(cancelled=True)
    lane.submit(task)
    assert lane.wait(0.0) is None


def test_a_request_that_fails_gives_its_place_back() -> None:
    (lane,) = lanes(Pool(1), "a")
    lane.submit(Do())
    lane.take(0.0)
    with pytest.raises(OSError, match="unplugged"), lane.request():
        raise OSError("unplugged")
    lane.submit(Do())
    assert lane.wait(0.0) == 0
    assert lane.requests == 0


def test_a_thread_whose_answer_is_long_in_coming_gets_a_stand_in() -> None:
    before = threading.active_count()
    now = [0.0]
    pool, work = Pool(1, clock=lambda: now[0]), Work(1)
    hanging, other = lanes(pool, "hanging", "other")
    begun, end = threading.Event(), threading.Event()

    def hang() -> None:
        with hanging.request() as answered:
            begun.set()
            end.wait()
            answered(200, {})

    hanging.submit(Do(hang))
    pool.start()
    assert begun.wait(timeout=10)
    other.submit(Do(partial(work.request, other)))
    threads = threading.active_count()
    pool.relieve()
    assert threading.active_count() == threads, "it has only begun to wait"
    now[0] = 1.5
    pool.relieve()
    work.wait()
    end.set()
    pool.stop()
    assert threading.active_count() == before


def test_stopping_does_not_wait_for_work_that_has_not_begun() -> None:
    before = threading.active_count()
    pool = Pool(2)
    (lane,) = lanes(pool, "a")
    lane.submit(Do(), delay=3600)
    pool.start()
    pool.stop()
    assert threading.active_count() == before


class Due(RateLimiter):
    """Paces a token that may ask again at a given time."""

    at = 0.5

    @override
    def wait(self, now: float) -> float | None:
        return max(0.0, self.at - now)


def test_a_request_that_falls_due_between_two_readings_of_the_clock_is_made() -> None:
    """With an older reading the pool took the lane for listed and for not due in turn, for ever."""
    readings = itertools.count()
    pool, governor, done = Pool(1, clock=lambda: float(next(readings))), Due(), threading.Event()
    lane = Lane(Shop("paced", "token"), governor, pool)
    lane.submit(Do(done.set))  # reading 0: the pool sleeps until 0.5
    governor.at = 1.5  # an answer has moved it meanwhile, to between readings 1 and 2
    pool.start()
    made = done.wait(timeout=5)
    pool.stopped.set()  # ends a pool that works, and leaves the daemon thread of one that spins
    assert made
    pool.stop()
