"""Reads the streams of a group of shops with the tap's engine, and yields rows of one kind at a time."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from pyspark_sumeru.selections import hidden_columns, with_hashes
from sumeru_api import timestamps
from sumeru_api.errors import UnexpectedResponse
from tap_sumeru.extract.read_page import ReadPage
from tap_sumeru.output.encoding import encode, lines_of
from tap_sumeru.state.bookmarks import Bookmarks
from tap_sumeru.sync.advice import advice
from tap_sumeru.sync.engine import Engine
from tap_sumeru.sync.results import Failure, ReadDone, Results
from tap_sumeru.sync.start_log import log_opening, log_outdated
from tap_sumeru.sync.summary import log_summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.config.settings import Settings
    from tap_sumeru.state.bookmarks import State
    from tap_sumeru.sync.engine import Item


class Kind(StrEnum):
    """What a raw row is."""

    RECORD = "RECORD"
    STATE = "STATE"
    FAILURE = "FAILURE"
    COMPLETE = "COMPLETE"


class Rows(NamedTuple):
    """Rows of one kind, of one stream of one shop.

    Attributes:
        kind: What they are.
        stream: Name of the stream.
        shop: Name of the shop.
        ids: The id of each record, or that of the read.
        lines: Each row as JSON, in UTF-8.
        at: When they were read, in microseconds since 1970; later rows of a read have a later time.
    """

    kind: Kind
    stream: str
    shop: str
    ids: Sequence[str]
    lines: Sequence[bytes]
    at: int


class GroupRead:
    """One read of a group of shops.

    First come the records; then, for each stream of each shop, its state, and that it is complete or why it
    has failed. A stream without either was not read to its end.

    Args:
        settings: The settings, with the shops of the group.
        selections: The streams to read.
        state: The state to continue from.
        read_id: Names this read in the rows that are not records.
        max_seconds: When to stop, None to read to the end.
        seed: Salt of hashes.
        clock: A monotonic clock, in seconds.
        now: Returns the present.
    """

    def __init__(
        self,
        settings: Settings,
        selections: Sequence[StreamSelection],
        state: State,
        *,
        read_id: str = "",
        max_seconds: float | None = None,
        seed: str = "",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._selections = selections
        self._bookmarks = Bookmarks(state)
        self._read_id = read_id
        self._max_seconds = max_seconds
        self._seed = seed
        self._clock = clock
        self._now = now
        self._started_at = now()
        self._last = 0
        self._engine = Engine(settings, selections, self._bookmarks, self._started_at)
        self._hidden = {one.name: hidden_columns(one.name, settings.pii) for one in selections}
        self._shops = [shop.name for shop in settings.shops]
        self._results = Results([one.name for one in selections], self._shops)
        for one in selections:
            key = settings.options[one.name].replication_key
            self._results.by_stream[one.name].replication_key = "" if one.full_table else key
        self._complete: dict[tuple[str, str], ReadDone] = {}

    def rows(self) -> Iterator[Rows]:
        """Yield the rows of the read."""
        started_at = self._clock()
        log_opening(self._settings, self._selections, self._bookmarks)
        log_outdated(self._engine.outdated())
        items = self._engine.items()  # kept until the end: without a reference to it, it closes the engine
        try:
            for item in items:
                yield from self._take(item)
                if self._ends(self._clock() - started_at):
                    break
        finally:
            self._engine.close()
        yield from self._results_of_all()
        log_summary(self._results, self._engine.queues, self._clock() - started_at)

    @property
    def failures(self) -> Sequence[Failure]:
        """The failures so far."""
        return self._results.failures

    def _ends(self, seconds: float) -> bool:
        if self._settings.stop_on_error and self._results.failures:
            return True
        return self._max_seconds is not None and seconds >= self._max_seconds

    def _take(self, item: Item | None) -> Iterator[Rows]:
        match item:
            case ReadPage():
                yield from self._take_page(item)
            case ReadDone():
                if not self._results.has_failed(item.stream, item.shop):
                    self._complete[item.stream, item.shop] = item
                self._results.done(item)
            case Failure():
                self._fail(item)

    def _take_page(self, page: ReadPage) -> Iterator[Rows]:
        if self._results.has_failed(page.stream, page.shop):
            return  # it was read before the failure was known
        if page.records:
            try:
                lines = lines_of(self._visible(page))
            except Exception as error:  # noqa: BLE001 - a record that fails ends its stream alone
                reason = UnexpectedResponse(f"a record cannot be written ({type(error).__name__})")
                self._fail(Failure(page.shop, (page.stream,), whole_shop=False, error=reason))
                self._engine.give_up(page.stream, page.shop, reason)
                return
            ids = [_id_of(record) for record in page.records]
            yield Rows(Kind.RECORD, page.stream, page.shop, ids, lines, self._time())
        self._results.written(page)
        if page.bookmark is not None:
            self._bookmarks.commit(page.stream, page.shop, page.bookmark)

    def _visible(self, page: ReadPage) -> Sequence[Any]:
        hidden = self._hidden[page.stream] if self._settings.pii == "hash" else ()
        return list(with_hashes(page.records, hidden, self._seed)) if hidden else page.records

    def _fail(self, failure: Failure) -> None:
        has_failed = self._results.has_failed
        left = tuple(one for one in failure.streams if not has_failed(one, failure.shop))
        if left:
            self._results.failed(replace(failure, streams=left))

    def _time(self) -> int:
        """Return the present in microseconds, later than any time before."""
        self._last = max(int(self._now().timestamp() * 1_000_000), self._last + 1)
        return self._last

    def _results_of_all(self) -> Iterator[Rows]:
        failures = {(one, failure.shop): failure for failure in self.failures for one in failure.streams}
        for selection in self._selections:
            for shop in self._shops:
                where = selection.name, shop
                yield self._result(Kind.STATE, *where, self._bookmarks.entry(*where))
                if where in failures:
                    yield self._result(Kind.FAILURE, *where, _about_failure(failures[where], selection.name))
                elif where in self._complete:
                    yield self._result(Kind.COMPLETE, *where, self._about_read(selection, shop))

    def _result(self, kind: Kind, stream: str, shop: str, content: dict[str, Any]) -> Rows:
        return Rows(kind, stream, shop, (self._read_id,), (encode(content),), self._time())

    def _about_read(self, selection: StreamSelection, shop: str) -> dict[str, Any]:
        done = self._complete[selection.name, shop]
        return {
            "all_rows": selection.full_table and done.whole,
            "started_at": timestamps.text(self._started_at),
            "date_filter": done.date_filter,
        }


def _about_failure(failure: Failure, stream: str) -> dict[str, str]:
    return {"message": f"{failure.cause}.", "advice": advice(failure.error, stream)}


def _id_of(record: Any) -> str:  # noqa: ANN401 - a dict or a struct
    id_: str = record["id"] if isinstance(record, dict) else record.id
    return id_
