"""SIGTERM and SIGINT: the first asks the run to stop after the current page, the second ends the process."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

logger = logging.getLogger("tap-sumeru")


class StopRequest:
    """Remembers the signal that asked the run to stop.

    Attributes:
        signal: The signal, None as long as none has come.
    """

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self, signum: int, _: FrameType | None) -> None:
        """Take a signal; the second one ends the process at once, even in the middle of a write."""
        if self.signal is not None:
            os._exit(128 + signum)
        self.signal = signum


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Turn SIGTERM and SIGINT into a request to stop, for the duration of a run."""
    request = StopRequest()
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
