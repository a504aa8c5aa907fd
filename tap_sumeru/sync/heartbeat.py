"""Calls a function every so many seconds from a thread of its own, so that nothing else can delay it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("tap-sumeru")


class Heartbeat:
    """Calls a function at regular times until the `with` block ends.

    A thread is needed: the main thread may wait for the target, and the event loop may have ended.

    Args:
        beat: The function. If it fails, that is logged by type alone, and it is called again the next time.
        first: Seconds until the first call.
        interval: Seconds between two calls.
        clock: A monotonic clock, in seconds.
    """

    def __init__(
        self, beat: Callable[[], None], first: float, interval: float, clock: Callable[[], float]
    ) -> None:
        self._beat = beat
        self._first = first
        self._interval = interval
        self._clock = clock
        self._end = threading.Event()
        self._thread = threading.Thread(target=self.run, args=(self._end.wait,), name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def run(self, wait: Callable[[float], bool]) -> None:
        """Call the function at its times.

        Args:
            wait: Waits for a number of seconds; returns True once there is nothing more to do.
        """
        due = self._clock() + self._first
        while not wait(max(0.0, due - self._clock())):
            try:
                self._beat()
            except Exception as error:  # noqa: BLE001 - a line that cannot be written must not end the sync
                logger.warning("Progress cannot be shown (%s).", type(error).__name__)
            due = max(due + self._interval, self._clock())
