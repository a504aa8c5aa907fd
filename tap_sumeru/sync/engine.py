"""The run: shops by streams, fetched in threads, emitted by one, each failure kept to itself."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from sumeru_api.client import Http
from sumeru_api.errors import ApiError, UnexpectedResponse
from sumeru_api.rate_limiter import RateLimiter
from tap_sumeru.catalog.stream_schemas import OWN_COLUMNS, Schema
from tap_sumeru.catalog.streams import STREAMS, StreamSpec
from tap_sumeru.extract.stream_reader import Reader
from tap_sumeru.fetch import Chain, Failed, Fetched, Fetcher
from tap_sumeru.lanes import Lane, Pool
from tap_sumeru.records.adaptive_decoder import AdaptiveDecoder
from tap_sumeru.records.record_builder import RecordBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from sumeru_api.shop import Shop
    from tap_sumeru.config.settings import Settings
    from tap_sumeru.state.bookmarks import Bookmarks

logger = logging.getLogger("tap-sumeru")

_MOST_THREADS = 32
_PAGES_AHEAD = 1
"""Pages that may wait to be written; the threads hold one more each."""


@dataclass(frozen=True, slots=True)
class StreamSelection:
    """A stream to read.

    Attributes:
        name: Name of the stream.
        properties: Properties of its schema.
        columns: The columns that are selected.
        replication_key: What the catalog has for it.
        full_table: Whether it is read whole.
        guarded: Columns of which a part is deselected, or that a stream map changes.
        raw: Whether records may be what only an encoder understands.
    """

    name: str
    properties: Schema
    columns: tuple[str, ...]
    replication_key: str | None = None
    full_table: bool = False
    guarded: frozenset[str] = frozenset()
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one page, to be written.

    Attributes:
        stream: Name of their stream.
        records: The records, dicts or what a layout makes.
        written: To be called once they are written; returns whether the bookmark has moved.
        failed: To be called instead if they cannot be written, with the reason.
    """

    stream: str
    records: Sequence[Any]
    written: Callable[[], bool]
    failed: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Failure:
    """Streams of a shop that could not be read, for one reason.

    Attributes:
        shop: Name of the shop.
        streams: Names of the streams, that which met the error first.
        all_of_shop: Whether these are all of the shop's streams.
        error: The reason.
    """

    shop: str
    streams: tuple[str, ...]
    all_of_shop: bool
    error: ApiError

    @property
    def cause(self) -> str:
        """What failed, and why."""
        what = "all streams" if self.all_of_shop else ", ".join(self.streams)
        return f"Shop {self.shop}: {what} failed: {self.error.describe()}"

    @override
    def __str__(self) -> str:
        stream = self.streams[0]
        return f"{self.cause}. {self.error.advice(stream, STREAMS[stream].scope)}"


_PAUSE = Batch("", [], lambda: False, lambda _: None)
"""A moment to look at the clock and at signals."""


class Engine:
    """Reads streams of shops.

    Args:
        settings: The settings.
        wanted: The streams to read.
        bookmarks: What earlier runs have left; moved as records are written.
        clock: Tells the present.
    """

    def __init__(
        self,
        settings: Settings,
        wanted: Iterable[StreamSelection],
        bookmarks: Bookmarks,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.failures: list[Failure] = []
        self._settings = settings
        threads = max(1, min(_MOST_THREADS, settings.concurrency * len(settings.shops)))
        self._http = Http(settings)
        self._pool = Pool(threads)
        self._fetcher = Fetcher(self._http, self._pool, settings.max_retries, depth=_PAGES_AHEAD)
        by_token = {(shop.token, shop.api_url): self._lane(shop) for shop in settings.shops}
        self.lanes = list(by_token.values())
        self._lanes = {shop.name: by_token[shop.token, shop.api_url] for shop in settings.shops}
        self._outdated: Counter[tuple[str, str]] = Counter()
        now = clock()
        streams = list(wanted)
        self.readers = [reader for stream in streams for reader in self._readers(stream, bookmarks, now)]
        self._tell_outdated()
        self._of_shop: dict[str, list[Reader]] = {}
        for reader in self.readers:
            self._of_shop.setdefault(reader.shop.name, []).append(reader)
        self._waiting = self._pair()  # readers of children, by that of their parents
        self._unfinished = set(self.readers)
        self._failed: set[Reader] = set()

    def _pair(self) -> dict[Reader, Reader]:
        """Let one read serve both, where a stream and the children of its rows are wanted."""
        by_name = {(reader.shop.name, reader.spec.name): reader for reader in self.readers}
        pairs = ((by_name.get((one.shop.name, one.spec.parent)), one) for one in self.readers)
        return {parents: one for parents, one in pairs if parents is not None and parents.list_all()}

    def _tell_outdated(self) -> None:
        for (name, option), count in self._outdated.items():
            told = f"{name}: `{option}` has changed since the last run"
            shops = f"{count} shop" if count == 1 else f"{count} shops"
            logger.warning("%s; reading it again from the start, for %s.", told, shops)

    def _lane(self, shop: Shop) -> Lane:
        governor = RateLimiter(self._settings.rate_limit_share, self._settings.concurrency)
        return Lane(shop, governor, self._pool)

    def _readers(self, stream: StreamSelection, bookmarks: Bookmarks, now: datetime) -> Iterator[Reader]:
        """Yield the readers of a stream, one a shop."""
        spec = STREAMS[stream.name]
        left_out = set(stream.properties) - set(stream.columns)
        options = self._settings.options[stream.name].without(left_out)
        key = stream.replication_key or options.replication_key
        options = replace(options, replication_key=key)
        layouts = None
        if stream.raw:
            layouts = AdaptiveDecoder(spec, stream.properties, stream.columns, key, options.include)
        for shop in self._settings.shops:
            bookmark = bookmarks.of(spec.name, shop.name, key, options.date_filter, options.fingerprint)
            if bookmark.outdated_by and not stream.full_table:
                self._outdated[spec.name, bookmark.outdated_by] += 1
            shaper = RecordBuilder(
                spec,
                stream.properties,
                stream.columns,
                key,
                options.include,
                guarded=stream.guarded,
                layouts=layouts,
            )
            yield Reader(
                spec,
                options,
                shop,
                bookmark,
                shaper,
                now=now,
                end_date=self._settings.end_date,
                fields=_fields(spec, stream, key, options.include),
                full_table=stream.full_table,
                traffic=self._lanes[shop.name],
            )

    def batches(self) -> Generator[Batch, None, None]:
        """Yield what is read, page by page, in whatever order it comes; see `failures` afterwards."""
        self._pool.start()
        try:
            held = set(self._waiting.values())
            for reader in (*self._waiting, *self.readers):  # parents first: others wait for them
                if reader not in held:
                    held.add(reader)
                    self._start(reader, reader.begin())
            while self._unfinished:
                self._pool.relieve()
                result = self._fetcher.result()
                if result is None:
                    yield _PAUSE
                elif not result.chain.cancelled:
                    yield from self._handle(result)
                if self.failures and self._settings.stop_on_error:
                    return
        finally:
            self._pool.stop()
            self._http.close()

    def _handle(self, result: Fetched | Failed) -> Iterator[Batch]:
        reader: Reader = result.chain.owner
        try:
            if isinstance(result, Failed):
                self._start(reader, reader.failed(result))
                return
            records = reader.take(result)
        except ApiError as error:
            self._fail(reader, error)
            return
        except Exception as error:  # noqa: BLE001 - what a row does to us, it does to its stream alone
            self._fail(reader, UnexpectedResponse(f"a row cannot be read ({type(error).__name__})"))
            return

        def written() -> bool:
            reader.plan.moved = False
            self._start(reader, reader.written(result))
            return reader.plan.moved

        yield Batch(
            reader.spec.name, records, written, lambda reason: self._fail(reader, UnexpectedResponse(reason))
        )

    def _start(self, reader: Reader, chains: Iterable[Chain]) -> None:
        for chain in chains:
            self._fetcher.start(self._lanes[reader.shop.name], chain)
        if reader.finished:
            self._unfinished.discard(reader)
            self._start_children(reader)

    def _start_children(self, parents: Reader) -> None:
        children = self._waiting.pop(parents, None)
        if children is None:
            return
        try:
            self._start(children, children.begin_under(parents))
        except ApiError as error:
            self._fail(children, error)

    def _fail(self, reader: Reader, error: ApiError) -> None:
        """Give up what a failure concerns: a stream of a shop, or all that the shop has not finished."""
        mine = self._of_shop[reader.shop.name]
        lost = [one for one in mine if one in self._unfinished] if error.whole_shop else []
        lost = [reader, *(one for one in lost if one is not reader)]
        names = tuple(one.spec.name for one in lost)
        self.failures.append(Failure(reader.shop.name, names, len(lost) == len(mine) > 1, error))
        logger.info("%s.", self.failures[-1].cause)
        for one in lost:
            one.cancel()
            self._unfinished.discard(one)
            self._failed.add(one)
        children = self._waiting.pop(reader, None)
        if children is not None and children not in lost:
            self._fail(children, children.of_parents(error))

    def complete(self, reader: Reader) -> bool:
        """Return whether a stream of a shop is read whole, and written."""
        return reader.finished and reader not in self._failed


def _fields(spec: StreamSpec, stream: StreamSelection, key: str, include: tuple[str, ...]) -> tuple[str, ...]:
    """Return the attributes to ask for: none, meaning all, if none is left out.

    Every date is asked for, wanted or not, since the date filter is verified by them.
    """
    here = {name for name in stream.properties if name not in OWN_COLUMNS}
    here -= {spec.parent_column, *spec.include, *include}
    selected = set(stream.columns)
    if here <= selected:
        return ()
    dates = {name for name in here if stream.properties[name].get("format") in ("date", "date-time")}
    asked = (selected & here) | dates | {key, *spec.natural_key}
    return ("id", *sorted(asked))
