"""What a run has written so far, which reads are complete, and which have failed."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from typing_extensions import override

from tap_sumeru.sync.advice import advice, common_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from sumeru_api.errors import ApiError
    from tap_sumeru.extract.read_page import ReadPage


class ReadDone(NamedTuple):
    """A stream of a shop was read to its end.

    Attributes:
        stream: Name of the stream.
        shop: Name of the shop.
        date_filter: What is known about the date filter, in a word.
        whole: Whether no parent was skipped, so that rows that were not read no longer exist.
        short: Whether the API counts more rows than it lists, so that some may exist that were not read.
    """

    stream: str
    shop: str
    date_filter: str
    whole: bool = True
    short: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Streams of a shop that could not be read or written, for one reason.

    Attributes:
        shop: Name of the shop.
        streams: Names of the streams, the one that met the error first.
        whole_shop: Whether these are all streams of the shop.
        error: The reason.
    """

    shop: str
    streams: tuple[str, ...]
    whole_shop: bool
    error: ApiError

    @property
    def cause(self) -> str:
        """What failed, and why."""
        what = "all streams" if self.whole_shop else ", ".join(self.streams)
        return f"Shop {self.shop}: {what} failed: {self.error.describe()}"

    @override
    def __str__(self) -> str:
        return f"{self.cause}. {advice(self.error, *self.streams)}"


@dataclass(slots=True)
class StreamResult:
    """The result of one stream, over all shops.

    Attributes:
        rows: Records written.
        date_filters: What is known about the date filter, counted over the complete shops.
        unfinished: Names of the shops that are not complete.
        partial: Names of the shops that are complete but for parents that were skipped.
        short: Names of the complete shops in which the API counts more rows than it lists.
        mismatches: By column, how many values did not have the type of the column.
        replication_key: Its replication key, empty if it is read as FULL_TABLE.
        dated: Whether any row has a replication key.
        failed: How many shops have failed.
        ended_at: When the last shop had ended, None if some have not.
        replaced: How many characters could not be decoded.
    """

    rows: int = 0
    date_filters: Counter[str] = field(default_factory=Counter)
    unfinished: dict[str, None] = field(default_factory=dict)
    partial: list[str] = field(default_factory=list)
    short: list[str] = field(default_factory=list)
    mismatches: Counter[str] = field(default_factory=Counter)
    replication_key: str = ""
    dated: bool = False
    failed: int = 0
    ended_at: float | None = None
    replaced: int = 0

    @property
    def complete(self) -> int:
        """How many shops are complete."""
        return self.date_filters.total()


class Results:
    """The results of a run.

    Args:
        streams: Names of the selected streams.
        shops: Names of the shops.
        clock: A monotonic clock, in seconds.

    Attributes:
        by_stream: The result of each stream.
        failures: The failures so far.
    """

    def __init__(
        self, streams: list[str], shops: list[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._started_at = clock()
        self.shops = len(shops)
        self.by_stream = {name: StreamResult(unfinished=dict.fromkeys(shops)) for name in streams}
        self.failures: list[Failure] = []
        self._failed: set[tuple[str, str]] = set()

    def written(self, page: ReadPage) -> None:
        """Record that a page is written."""
        result = self.by_stream[page.stream]
        result.rows += len(page.records)
        result.dated |= page.dated
        if page.mismatches:
            result.mismatches.update(page.mismatches)
        result.replaced += page.replaced

    def done(self, done: ReadDone) -> None:
        """Record that a read is complete, and all its pages written."""
        if not self.has_failed(done.stream, done.shop):
            result = self.by_stream[done.stream]
            result.date_filters[done.date_filter] += 1
            del result.unfinished[done.shop]
            if not done.whole:
                result.partial.append(done.shop)
            if done.short:
                result.short.append(done.shop)
            self._note_end(result)

    def failed(self, failure: Failure) -> None:
        """Record a failure."""
        self.failures.append(failure)
        self._failed.update((stream, failure.shop) for stream in failure.streams)
        for stream in failure.streams:
            self.by_stream[stream].failed += 1
            self._note_end(self.by_stream[stream])

    def merged_failures(self) -> list[Failure]:
        """Return the failures; those of a shop are one if all its streams fail as at a wrong address."""
        by_shop: dict[str, list[Failure]] = {}
        for failure in self.failures:
            by_shop.setdefault(failure.shop, []).append(failure)
        merged: dict[str, Failure] = {}
        for shop, failures in by_shop.items():
            error = common_error([failure.error for failure in failures])
            streams = tuple(stream for failure in failures for stream in failure.streams)
            if error is not None and len(streams) == len(self.by_stream):
                merged[shop] = Failure(shop, streams, whole_shop=True, error=error)
        return list(dict.fromkeys(merged.get(failure.shop, failure) for failure in self.failures))

    def _note_end(self, result: StreamResult) -> None:
        if result.complete + result.failed == self.shops:
            result.ended_at = self._clock()

    def seconds(self, result: StreamResult) -> float:
        """Return the seconds from the start of the run to the end of a stream, or to now."""
        ended_at = self._clock() if result.ended_at is None else result.ended_at
        return ended_at - self._started_at

    def has_failed(self, stream: str, shop: str) -> bool:
        """Return whether a stream of a shop has failed."""
        return (stream, shop) in self._failed

    @property
    def rows(self) -> int:
        """Records written, of all streams."""
        return sum(result.rows for result in self.by_stream.values())

    @property
    def complete(self) -> int:
        """How many reads are complete, of all streams and shops."""
        return sum(result.complete for result in self.by_stream.values())

    @property
    def reads(self) -> int:
        """How many reads there are: one for each stream of each shop."""
        return len(self.by_stream) * self.shops
