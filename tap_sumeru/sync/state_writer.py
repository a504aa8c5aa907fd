"""Decides when STATE goes out: soon after a bookmark has moved, otherwise every few seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from tap_sumeru.output.batch_files import BatchFiles
    from tap_sumeru.output.messages import MessageWriter

_INTERVAL = 5.0
"""Seconds between two STATE messages during a long read."""
_MIN_INTERVAL = 0.2
"""Seconds between two STATE messages, however often bookmarks move."""
_MIN_INTERVAL_BATCH = 30.0
"""The same with BATCH, where each STATE closes the open files."""
_BYTES_PER_SECOND = 1_000_000
"""A large state goes out less often: at most at this rate."""


class StateWriter:
    """Writes the state of a run.

    Args:
        state: The state; it changes as pages are written.
        writer: Writes messages.
        files: The BATCH files, which must be complete before a STATE; None without BATCH.
        clock: A monotonic clock, in seconds.
    """

    def __init__(
        self,
        state: Mapping[str, Any],
        writer: MessageWriter,
        files: BatchFiles | None,
        clock: Callable[[], float],
    ) -> None:
        self._state = state
        self._writer = writer
        self._files = files
        self._clock = clock
        self._min_interval = _MIN_INTERVAL if files is None else _MIN_INTERVAL_BATCH
        now = clock()
        self._due = now + _INTERVAL
        self._earliest = now + (0.0 if files is None else self._min_interval)
        self._changed = False

    def changed(self, *, moved: bool) -> None:
        """Record that the state has changed, and whether a bookmark has moved, which makes a STATE due."""
        self._changed = True
        if moved:
            self._due = self._clock()

    def write_if_due(self) -> None:
        """Write the state if it has changed and its time has come."""
        if self._changed and self._clock() >= max(self._due, self._earliest):
            self.write()

    def write(self) -> None:
        """Write the state now."""
        if self._files is not None:
            self._files.flush()
        size = self._writer.write_state(self._state)
        now = self._clock()
        self._due = now + _INTERVAL
        self._earliest = now + max(self._min_interval, size / _BYTES_PER_SECOND)
        self._changed = False
