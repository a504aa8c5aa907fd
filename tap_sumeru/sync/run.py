"""One sync: pages that the engine reads are written and committed, until all is read or a signal comes."""

from __future__ import annotations

import logging
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sumeru_api.errors import UnexpectedResponse
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.errors import BatchFileError, StreamMapError, TapError, TargetClosed
from tap_sumeru.extract.read_page import ReadPage
from tap_sumeru.state.bookmarks import Bookmarks, State
from tap_sumeru.sync.engine import Engine
from tap_sumeru.sync.machine_summary import log_machine_summary
from tap_sumeru.sync.metrics import Metrics
from tap_sumeru.sync.results import Failure, ReadDone, Results
from tap_sumeru.sync.signals import stop_on_signal
from tap_sumeru.sync.start_log import log_opening, log_outdated
from tap_sumeru.sync.state_writer import StateWriter
from tap_sumeru.sync.summary import log_summary
from tap_sumeru.sync.watch import Watch
from tap_sumeru.sync.wording import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sumeru_api.errors import ApiError
    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.config.settings import Settings
    from tap_sumeru.output.batch_files import BatchFiles
    from tap_sumeru.output.messages import MessageWriter
    from tap_sumeru.output.stream_writer import StreamWriter
    from tap_sumeru.sync.engine import Item
    from tap_sumeru.sync.signals import StopRequest

logger = logging.getLogger("tap-sumeru")

_NEXT_RUN = "The next run continues from the last STATE."


class Run:
    """One sync.

    Args:
        settings: The settings.
        selections: The streams to read.
        writers: What writes each stream, by name.
        state: The state; it changes as pages are written.
        writer: Writes messages.
        files: Take the records, if BATCH is configured.
        clock: A monotonic clock, in seconds.
        now: Returns the present.
    """

    def __init__(
        self,
        settings: Settings,
        selections: Sequence[StreamSelection],
        writers: Mapping[str, StreamWriter],
        state: State,
        writer: MessageWriter,
        *,
        files: BatchFiles | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._selections = selections
        self._writers = writers
        self._files = files
        self._clock = clock
        self._bookmarks = Bookmarks(state)
        self._state = StateWriter(state, writer, files, clock)
        self._engine = Engine(settings, selections, self._bookmarks, now())
        shops = [shop.name for shop in settings.shops]
        self._results = Results([one.name for one in selections], shops, clock)
        for one in selections:
            key = one.replication_key or settings.options[one.name].replication_key
            self._results.by_stream[one.name].replication_key = "" if one.full_table else key
        self._metrics = Metrics(self._results, self._engine.counts, shops)
        output = "the target" if files is None else "the target, or the storage of the BATCH files"
        share = settings.rate_limit_share
        self._watch = Watch(self._engine, self._results, self._metrics, share, output)

    def sync(self) -> int:
        """Sync all selected streams.

        Returns:
            The exit code: 0, 1, or 128 plus the signal that stopped the run.
        """
        started_at = self._clock()
        items = self._engine.items()  # kept until the end: without a reference to it, it closes the engine
        log_opening(self._settings, self._selections, self._bookmarks)
        self._log_outdated()
        broken: TapError | None = None
        with stop_on_signal() as stop, self._watch.heartbeat():
            try:
                self._read(items, stop)
                self._watch.writes()
                if stop.signal is None:
                    self._activate_versions()
                self._state.write()
            except (TargetClosed, BatchFileError) as error:
                broken = error
            finally:
                if self._files is not None:
                    self._files.discard()
                self._engine.close()  # after the last STATE: it may take a moment
        code = 1 if broken else self._exit_code(stop)
        self._log_end(code, self._clock() - started_at)
        self._log_reasons(stop, broken)
        return code

    def _exit_code(self, stop: StopRequest) -> int:
        if stop.signal is not None:
            return 128 + stop.signal
        return 1 if self._results.failures or self._results.complete < self._results.reads else 0

    def _log_end(self, code: int, seconds: float) -> None:
        results, queues = self._results, self._engine.queues
        self._metrics.finish()
        log_machine_summary(results, queues, self._engine.counts, code, seconds)
        log_summary(results, queues, seconds)

    def _log_reasons(self, stop: StopRequest, broken: TapError | None) -> None:
        """Log why the run is not complete, at the very end: some tools show the last line only."""
        if stop.signal is not None:
            logger.warning("Stopped by %s. %s", signal.Signals(stop.signal).name, _NEXT_RUN)
        elif self._results.failures and self._settings.stop_on_error:
            logger.warning("Stopped at the first failure, because `on_error` is `stop`. %s", _NEXT_RUN)
        for failure in self._results.merged_failures():
            logger.error("%s", failure)
        if broken is not None:
            logger.error("Stopped: %s. %s", broken, _NEXT_RUN)

    def _log_outdated(self) -> None:
        log_outdated(self._engine.outdated())

    def _read(self, items: Iterable[Item | None], stop: StopRequest) -> None:
        self._watch.writes()
        for selection in self._selections:
            self._writers[selection.name].write_schema()
        self._state.write()  # some targets take the first STATE of a run for what they have loaded
        self._watch.written()
        for item in items:
            self._watch.writes()
            if item is not None:
                self._take(item)
            self._state.write_if_due()
            self._watch.written()
            if stop.signal is not None or (self._results.failures and self._settings.stop_on_error):
                return

    def _take(self, item: Item) -> None:
        match item:
            case ReadPage():
                self._write(item)
            case ReadDone():
                self._results.done(item)
            case Failure():
                self._fail_once(item)

    def _write(self, page: ReadPage) -> None:
        """Write the records of a page, then commit its bookmark."""
        if self._results.has_failed(page.stream, page.shop):
            return  # it was read before the failure was known
        try:
            if page.records:
                self._writers[page.stream].write_records(page.records)
        except (OSError, TapError):
            raise
        except StreamMapError as error:
            self._give_up(page, error)
            return
        except Exception as error:  # noqa: BLE001 - a record that fails ends its stream alone
            cause = f"a record cannot be written ({type(error).__name__}); check `stream_maps`"
            self._give_up(page, UnexpectedResponse(cause))
            return
        self._results.written(page)
        moved = False
        if page.bookmark is not None:
            moved = self._bookmarks.commit(page.stream, page.shop, page.bookmark)
        self._state.changed(moved=moved)

    def _give_up(self, page: ReadPage, error: ApiError) -> None:
        self._fail(Failure(page.shop, (page.stream,), whole_shop=False, error=error))
        self._engine.give_up(page.stream, page.shop, error)

    def _fail_once(self, failure: Failure) -> None:
        """Leave out streams that this run gave up before their readers met errors of their own."""
        has_failed = self._results.has_failed
        left = tuple(one for one in failure.streams if not has_failed(one, failure.shop))
        if left:
            whole_shop = failure.whole_shop and left == failure.streams
            self._fail(replace(failure, streams=left, whole_shop=whole_shop))

    def _fail(self, failure: Failure) -> None:
        self._results.failed(failure)
        logger.info("%s.", failure.cause)

    def _activate_versions(self) -> None:
        for selection in self._selections:
            if not selection.full_table:
                continue
            reason = self._reason_to_keep(selection.name)
            if reason:
                logger.warning("%s: deleted rows stay in the warehouse, because %s.", selection.name, reason)
            else:
                self._writers[selection.name].write_activate_version()

    def _reason_to_keep(self, stream: str) -> str:
        """Return why the rows that a full read did not return must stay; empty if they may go."""
        result = self._results.by_stream[stream]
        if self._files is not None:
            return "BATCH files carry no version"
        if self._settings.sharded:
            return "other shards hold the rest of the stream"
        if result.partial:
            return f"some {STREAMS[stream].parent} were skipped in {names(result.partial)}"
        if result.short:
            return f"the API counts more rows than it lists in {names(result.short)}"
        unfinished = list(result.unfinished)
        return f"not all shops were read to the end: {names(unfinished)}" if unfinished else ""
