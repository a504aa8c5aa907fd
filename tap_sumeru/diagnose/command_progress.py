"""Shows the progress of a command that visits stream after stream: a bar for a person, lines for a log."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from tap_sumeru.sync.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("tap-sumeru")

_INTERVAL_SECONDS = 30.0


class CommandProgress(ExitStack):
    """Counts the steps of a command while the `with` block lasts.

    Where nobody watches, a line every 30 seconds says how many are done, so that no wait is silent.

    Args:
        label: What the command does, such as `Checking`.
        total: The number of steps.
        clock: A monotonic clock, in seconds.
    """

    def __init__(self, label: str, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._label = label
        self._total = total
        self._done = 0
        watched = sys.stderr is not None and sys.stderr.isatty()
        bar = click.progressbar(length=total, label=label, file=sys.stderr, hidden=not watched)
        self._bar = self.enter_context(bar)
        if not watched:
            self.enter_context(Heartbeat(self.report, _INTERVAL_SECONDS, _INTERVAL_SECONDS, clock))

    def done(self) -> None:
        """Count one more step."""
        self._done += 1
        self._bar.update(1)

    def report(self) -> None:
        """Log how far the command has come."""
        logger.info("%s: %d of %d done; waiting for the API.", self._label, self._done, self._total)
