"""SIGTERM and SIGINT: the first asks what runs to stop, the second ends the process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import FrameType

logger = logging.getLogger("tap-sumeru")

ResultT = TypeVar("ResultT")


class StopRequest:
    """Remembers the signal that asked the run to stop.

    Args:
        on_stop: Called when the first signal comes, between two steps of whatever runs in the main thread.

    Attributes:
        signal: The signal, None as long as none has come.
    """

    def __init__(self, on_stop: Callable[[], object] = lambda: None) -> None:
        self.signal: int | None = None
        self._on_stop = on_stop

    def __call__(self, signum: int, _: FrameType | None) -> None:
        """Take a signal; the second one ends the process at once, even in the middle of a write."""
        if self.signal is not None:
            os._exit(128 + signum)
        self.signal = signum
        self._on_stop()


@contextmanager
def stop_on_signal(on_stop: Callable[[], object] = lambda: None) -> Iterator[StopRequest]:
    """Turn SIGTERM and SIGINT into a request to stop, for the duration of a run.

    Args:
        on_stop: As for `StopRequest`.
    """
    request = StopRequest(on_stop)
    before: dict[signal.Signals, Any] = {}
    try:
        for signum in (signal.SIGTERM, signal.SIGINT):
            before[signum] = signal.signal(signum, request)
    except ValueError:
        logger.debug("This is not the main thread, so signals are left to others.")
    try:
        yield request
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def run_until_signal(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Return the result of a coroutine; the first signal cancels it.

    An exception that a signal handler raises can strike inside of the event loop or of a library, which
    report it with a traceback or lose it.

    Raises:
        SystemExit: A signal came; the exit code names it.
    """
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        task = loop.create_task(work)

        async def result() -> ResultT:
            return await task

        with stop_on_signal(lambda: loop.call_soon_threadsafe(task.cancel)) as stop:
            try:
                return runner.run(result())
            finally:
                if stop.signal is not None:
                    sys.exit(128 + stop.signal)
