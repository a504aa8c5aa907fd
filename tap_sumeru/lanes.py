"""Who may ask next: the shops' queues of work, each behind its governor, shared by one pool of threads."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sumeru_api.rate_limiter import RateLimiter
    from sumeru_api.shop import Shop


_TOO_MANY = 429
_PATIENCE = 1.0
"""Seconds after which a thread that waits for an answer is no longer counted on."""
_MOST_THREADS = 256
"""Threads of a pool, stand-ins included."""


class Task(Protocol):
    """Something that makes one request."""

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for it any more."""

    def __call__(self) -> None:
        """Do it."""


class Lane:
    """One token's requests: those that wait their turn, and those that wait for a time.

    Args:
        shop: The shop; of several with the same token and host any of them.
        governor: What paces its token.
        pool: The threads that do the work.
    """

    def __init__(self, shop: Shop, governor: RateLimiter, pool: Pool) -> None:
        self.shop = shop
        self.requests = 0
        """Requests answered so far."""
        self.refused = 0
        """Those among them that the rate limit refused."""
        self.held = 0.0
        """Seconds for which the rate limit has held back what was due."""
        self._governor = governor
        self._pool = pool
        self._ready: deque[Task] = deque()
        self._later: list[tuple[float, int, Task]] = []
        self._order = itertools.count()
        self._held_since: float | None = None
        self.listed = False  # whether the pool has this lane among those with something to do

    def submit(self, task: Task, delay: float = 0.0) -> None:
        """Have a task done in a thread, not before `delay` seconds have passed."""
        with self._pool.changed:
            if delay > 0:
                heapq.heappush(self._later, (self._pool.clock() + delay, next(self._order), task))
            else:
                self._ready.append(task)
            self._pool.look_at(self)
            if not self._pool.works_here():
                self._pool.wake()

    @contextmanager
    def request(self) -> Iterator[Callable[[int, Mapping[str, str]], float]]:
        """Frame a request that the pool let start; tell what it yields the answer's status and headers."""
        told = False
        began = self._pool.clock()

        def answered(status: int, headers: Mapping[str, str]) -> float:
            nonlocal told
            told = True
            with self._pool.changed:
                self.requests += 1
                self.refused += status == _TOO_MANY
                return self._governor.answered(self._pool.clock(), status, headers)

        try:
            yield answered
        finally:
            with self._pool.changed:
                if not told:
                    self._governor.failed(self._pool.clock(), began)
                self._pool.asked()
                self._pool.look_at(self)
                self._pool.wake()

    @property
    def silence(self) -> int:
        """How often in a row the host gave no answer; 0 as long as one may be under way."""
        with self._pool.changed:
            return 0 if self._governor.in_flight else self._governor.silence

    @property
    def at_once(self) -> int:
        """How many requests may be under way."""
        return self._governor.concurrency

    @property
    def crowded(self) -> bool:
        """Whether some wait for their turn, so that further ones would only wait with them."""
        return bool(self._ready)

    def wait(self, now: float) -> float | None:
        """Return the seconds until there is something to do; None if that hangs on something else."""
        while self._later and self._later[0][0] <= now:
            self._ready.append(heapq.heappop(self._later)[2])
        while self._ready and self._ready[0].cancelled:
            self._ready.popleft()
        if self._ready:
            wait = self._governor.wait(now)
            if wait and not self._governor.silence and self._held_since is None:
                self._held_since = now
            return wait
        return self._later[0][0] - now if self._later else None

    def take(self, now: float) -> Task:
        """Return the next task, whose request starts now."""
        if self._held_since is not None:
            self.held += now - self._held_since
            self._held_since = None
        self._governor.started(now)
        return self._ready.popleft()


class Pool:
    """A bounded pool of threads that serves all lanes in turn.

    A thread whose answer is long in coming gets a stand-in, so that no host that hangs holds up the others.

    Args:
        threads: How many threads, besides stand-ins.
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, threads: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.changed = threading.Condition()
        self.stopped = threading.Event()
        self._lanes: deque[Lane] = deque()
        self._asleep: list[tuple[float, int, Lane]] = []
        self._order = itertools.count()
        self._size = threads
        self._threads: list[threading.Thread] = []
        self._idents: set[int] = set()
        self._asking: dict[int, float] = {}  # since when each thread waits for an answer
        self._relieve_at = 0.0

    def start(self) -> None:
        """Start the threads."""
        self._grow(self._size)

    def _grow(self, size: int) -> None:
        for i in range(len(self._threads), size):
            self._threads.append(threading.Thread(target=self._work, name=f"fetch-{i}", daemon=True))
            self._threads[-1].start()

    def relieve(self) -> None:
        """Start a stand-in for each thread that waits for long, if there is work to do."""
        now = self.clock()
        if now < self._relieve_at:
            return
        self._relieve_at = now + _PATIENCE / 4
        with self.changed:
            stuck = sum(since <= now - _PATIENCE for since in self._asking.values())
            idle = not self._lanes and not (self._asleep and self._asleep[0][0] <= now)
        if not idle:
            self._grow(min(self._size + stuck, _MOST_THREADS))

    def stop(self, patience: float = 1.0) -> None:
        """Stop the threads; one that waits for an answer is left behind after `patience` seconds."""
        self.stopped.set()
        with self.changed:
            self.changed.notify_all()
        end = self.clock() + patience
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, end - self.clock()))

    def look_at(self, lane: Lane) -> None:
        """Take note that something about a lane has changed. The caller holds `changed`."""
        now = self.clock()
        wait = lane.wait(now)
        if wait is None:
            return  # looked at again when an answer or new work comes
        if wait > 0:
            heapq.heappush(self._asleep, (now + wait, next(self._order), lane))
        elif not lane.listed:
            lane.listed = True
            self._lanes.append(lane)

    def wake(self) -> None:
        """Wake a thread if there is something to do, or to wait for. The caller holds `changed`."""
        if self._lanes or self._asleep:
            self.changed.notify()

    def works_here(self) -> bool:
        """Whether this is a thread of the pool: one that has its answer looks for work by itself."""
        return threading.get_ident() in self._idents

    def asked(self) -> None:
        """Take note that this thread has its answer. The caller holds `changed`."""
        self._asking.pop(threading.get_ident(), None)

    def _work(self) -> None:
        self._idents.add(threading.get_ident())
        while (task := self._next()) is not None:
            task()

    def _next(self) -> Task | None:
        with self.changed:
            while not self.stopped.is_set():
                now = self.clock()
                while self._asleep and self._asleep[0][0] <= now:
                    self.look_at(heapq.heappop(self._asleep)[2])
                task = self._look()
                if task is not None:
                    self._asking[threading.get_ident()] = now
                    self.wake()
                    return task
                self.changed.wait(max(0.0, self._asleep[0][0] - now) if self._asleep else None)
            return None

    def _look(self) -> Task | None:
        while self._lanes:
            lane = self._lanes.popleft()
            lane.listed = False
            # Read anew each time: a lane that fell due since an older reading would come back for ever.
            now = self.clock()
            due = lane.wait(now) == 0
            task = lane.take(now) if due else None
            self.look_at(lane)
            if task is not None:
                return task
        return None
