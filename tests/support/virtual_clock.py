"""An event loop with a virtual clock: waits of hours take no real time."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

ResultT = TypeVar("ResultT")


class DeadlockError(RuntimeError):
    """All tasks wait, and no scheduled event can wake one of them."""


class _Selector(selectors.BaseSelector):
    """Advances a clock instead of blocking.

    Args:
        advance: Moves the clock by a number of seconds.
    """

    def __init__(self, advance: Callable[[float], None]) -> None:
        self._advance = advance
        self._selector = selectors.DefaultSelector()

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = self._selector.select(0)
        if not events:
            if timeout is None:
                raise DeadlockError("all tasks wait, and nothing is scheduled")
            self._advance(timeout)
        return events

    @override
    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._selector.register(fileobj, events, data)

    @override
    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._selector.unregister(fileobj)

    @override
    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._selector.get_map()

    @override
    def close(self) -> None:
        self._selector.close()


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock starts at 0 and moves when all tasks wait.

    Args:
        tick: Seconds by which each reading of the clock moves it, as a real clock moves between readings.
    """

    def __init__(self, tick: float = 0.0) -> None:
        self._now = 0.0
        self._tick = tick
        super().__init__(_Selector(self._advance))

    def _advance(self, seconds: float) -> None:
        self._now += max(0.0, seconds)

    def spend(self, seconds: float) -> None:
        """Let time pass within a callback, as a long calculation does."""
        self._now += seconds

    @override
    def time(self) -> float:
        now = self._now
        self._now += self._tick
        return now


def run_virtual(main: Coroutine[Any, Any, ResultT], *, tick: float = 0.0) -> ResultT:
    """Run a coroutine on a virtual clock and return its result.

    Args:
        main: The coroutine.
        tick: Seconds by which each reading of the clock moves it.

    Raises:
        DeadlockError: All tasks wait and nothing is scheduled.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualClockLoop(tick)) as runner:
        return runner.run(main)


def now() -> float:
    """Return the time of the running loop's clock."""
    return asyncio.get_running_loop().time()


def spend(seconds: float) -> None:
    """Keep the running loop busy for so many seconds."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualClockLoop)
    loop.spend(seconds)
