"""One sync: what the engine reads is written and told to the state, until all is read or a signal comes."""

from __future__ import annotations

import logging
import os
import signal
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tap_sumeru.errors import BatchFileError, TapError, TargetClosed
from tap_sumeru.output.messages import Output, PageWriter, write_state
from tap_sumeru.state.bookmarks import Bookmarks, State
from tap_sumeru.sync.engine import Batch, Engine, StreamSelection
from tap_sumeru.sync.summary import sum_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import FrameType

    from tap_sumeru.config.settings import Settings
    from tap_sumeru.output.batch_files import BatchFiles

logger = logging.getLogger("tap-sumeru")

_NEXT_RUN = "The next run goes on from the last STATE."
_STATE_SECONDS = 5.0
"""How often the state goes out during a long read."""
_STATE_SPACING = 0.2
"""Seconds between two of them, whatever is completed."""
_STATE_SPACING_OF_FILES = 30.0
"""The same with BATCH, where each STATE ends the files that are open."""
_STATE_BYTES_A_SECOND = 1_000_000
"""A large state goes out less often: no faster than this."""


_NAMED = 20


def named(shops: Sequence[str]) -> str:
    """Return the names of shops, of many only the first."""
    more = f" and {len(shops) - _NAMED} more" if len(shops) > _NAMED else ""
    return ", ".join(shops[:_NAMED]) + more


class Stopped:
    """Remembers that a signal asked the run to stop."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self, signum: int, _: FrameType | None) -> None:
        """Take the signal; the second one ends the process at once, be it in the middle of a write."""
        if self.signal is not None:
            os._exit(128 + signum)
        self.signal = signum


@contextmanager
def stoppable() -> Iterator[Stopped]:
    """Turn SIGTERM and SIGINT into a wish to stop, for as long as a run lasts."""
    stopped = Stopped()
    before: dict[signal.Signals, Any] = {}
    try:
        for signum in (signal.SIGTERM, signal.SIGINT):
            before[signum] = signal.signal(signum, stopped)
    except ValueError:
        logger.debug("Not in the main thread: signals are left to others.")
    try:
        yield stopped
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


class Run:
    """One sync.

    Args:
        settings: The settings.
        outputs: What to write, by stream.
        wanted: What to read.
        state: The state, moved as records are written.
        writer: Where to write to.
        files: Hold the records, if they go into files.
        clock: A monotonic clock, in seconds.
        now: Tells the present.
    """

    def __init__(
        self,
        settings: Settings,
        outputs: Mapping[str, Output],
        wanted: list[StreamSelection],
        state: State,
        writer: PageWriter,
        *,
        files: BatchFiles | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._outputs = outputs
        self._wanted = wanted
        self._state = state
        self._writer = writer
        self._files = files
        self._clock = clock
        self._state_due = clock() + _STATE_SECONDS
        self._state_earliest = clock() + (0 if files is None else _STATE_SPACING_OF_FILES)
        self._state_dirty = False
        self._engine = Engine(settings, wanted, Bookmarks(state), now)

    def sync(self) -> int:
        """Sync all that is wanted; return the exit code: 0, 1, or 128 and the signal that stopped it."""
        began = self._clock()
        batches = self._engine.batches()
        with stoppable() as stopped:
            try:
                self._read(batches, stopped)
                if stopped.signal is None:
                    self._activate_versions()
                self._write_state()
            except (TargetClosed, BatchFileError) as error:
                logger.error("Stopped: %s. %s", error, _NEXT_RUN)  # noqa: TRY400 - it is no fault of ours
                return 1
            finally:
                if self._files is not None:
                    self._files.discard()
                batches.close()  # after the last STATE: it may take a moment
        sum_up(self._engine, self._clock() - began)
        if stopped.signal is not None:
            name = signal.Signals(stopped.signal).name
            logger.warning("Stopped by %s. %s", name, _NEXT_RUN)
            return 128 + stopped.signal
        if self._engine.failures and self._settings.stop_on_error:
            logger.warning("Stopped at the first failure, as `on_error` asks. %s", _NEXT_RUN)
        return 1 if self._engine.failures else 0

    def _read(self, batches: Iterable[Batch], stopped: Stopped) -> None:
        for wanted in self._wanted:
            self._outputs[wanted.name].write_schema()
        for batch in batches:
            if self._write(batch):
                self._state_due = self._clock()
            self._write_state_if_due()
            if stopped.signal is not None:
                return

    def _write(self, batch: Batch) -> bool:
        """Write the records of a batch; return whether a bookmark has moved by it."""
        try:
            if batch.records:
                self._outputs[batch.stream].write_records(batch.records)
        except (OSError, TapError):
            raise
        except Exception as error:  # noqa: BLE001 - a stream map fails its stream alone
            batch.failed(f"a record cannot be written ({type(error).__name__}); check `stream_maps`")
            return False
        self._state_dirty |= bool(batch.stream)
        return batch.written()

    def _write_state_if_due(self) -> None:
        now = self._clock()
        if self._state_dirty and now >= max(self._state_due, self._state_earliest):
            self._write_state()

    def _write_state(self) -> None:
        if self._files is not None:
            self._files.flush()
        size = write_state(self._writer, self._state)
        now = self._clock()
        self._state_due = now + _STATE_SECONDS
        spacing = _STATE_SPACING if self._files is None else _STATE_SPACING_OF_FILES
        self._state_earliest = now + max(spacing, size / _STATE_BYTES_A_SECOND)
        self._state_dirty = False

    def _activate_versions(self) -> None:
        unfinished: dict[str, list[str]] = {}
        for reader in self._engine.readers:
            if not self._engine.complete(reader):
                unfinished.setdefault(reader.spec.name, []).append(reader.shop.name)
        for wanted in self._wanted:
            if not wanted.full_table:
                continue
            if self._files is not None:
                logger.warning("%s: deleted rows stay, since files of BATCH carry no version.", wanted.name)
                continue
            if self._settings.sharded:
                logger.warning("%s: deleted rows stay, since other shards hold the rest of it.", wanted.name)
            elif wanted.name in unfinished:
                shops = named(unfinished[wanted.name])
                logger.warning(
                    "%s: deleted rows of all shops stay, since not read whole was: %s.", wanted.name, shops
                )
            else:
                self._outputs[wanted.name].write_activate_version()
