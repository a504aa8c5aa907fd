"""How one stream of one shop is read: in which parts, by which filter, and when a part counts as read.

It decides; it neither fetches nor writes. The engine starts the chains that it names, gives it their pages,
writes the records that it returns, and then says so.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from tap_sumeru import datefilter
from tap_sumeru.datefilter import Verdict, Witness
from tap_sumeru.errors import NotFound, ReadError, Refused
from tap_sumeru.fetch import Chain, Failed, Fetched
from tap_sumeru.state import Bookmark, Place
from tap_sumeru.streams import PAGE_SIZE, STREAMS, StreamSpec
from tap_sumeru.windows import Window, cut

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_sumeru.client import Params
    from tap_sumeru.pages import Row
    from tap_sumeru.records import Shaped, Shaper
    from tap_sumeru.settings import StreamOptions
    from tap_sumeru.shops import Shop

logger = logging.getLogger("tap-sumeru")

_MOST_RESTARTS = 3
_PROBE_PAGES = 10
_FUTURE = timedelta(days=1)


class Kind(Enum):
    """What a chain is read for."""

    ROWS = auto()
    PARENTS = auto()
    PROBE = auto()


@dataclass(eq=False, slots=True)
class Part:
    """One chain of a read.

    Attributes:
        reader: Whose part it is.
        kind: What it is read for.
        window: The window that it asks for, or None if it asks for everything.
        reach: What a correct API may give for that window.
        parent: Id of the parent whose children it reads.
        done: Whether all its rows are written.
        restarts: How often it began again because its cursor had expired.
        pages: Pages taken.
    """

    reader: Reader
    kind: Kind = Kind.ROWS
    window: Window | None = None
    parent: str | None = None
    reach: Window | None = field(init=False)
    done: bool = False
    restarts: int = 0
    pages: int = 0

    def __post_init__(self) -> None:
        self.reach = self.window and self.window.reach


class Reader:
    """Reads one stream of one shop.

    Args:
        spec: The stream.
        options: How to read it.
        shop: The shop.
        bookmark: What earlier reads have left.
        shaper: Makes the records.
        now: The present, by our clock.
        end_date: Exclusive end of the read, or None.
        fields: Attributes to ask for, or empty for all.
        full_table: Whether the stream is read whole, whatever the bookmark says.
    """

    def __init__(
        self,
        spec: StreamSpec,
        options: StreamOptions,
        shop: Shop,
        bookmark: Bookmark,
        shaper: Shaper,
        *,
        now: datetime,
        end_date: datetime | None = None,
        fields: tuple[str, ...] = (),
        full_table: bool = False,
    ) -> None:
        self.spec = spec
        self.shop = shop
        self.shaper = shaper
        self.written_rows = 0
        self.finished = False
        self._options = options
        self._bookmark = bookmark
        self._now = now
        self._fields = fields
        self._full = full_table
        self._end = None if full_table else end_date
        self._since: datetime | None = None
        self._began: datetime | None = None
        self._redo = False  # whether what is under way must be given up and planned anew
        self._parents: list[str] | None = None
        self._parts: list[Part] = []
        self._chains: set[Chain] = set()
        self._witness: Witness | None = None
        self._windowed = False

    def begin(self) -> list[Chain]:
        """Return the chains to start with."""
        if self.spec.parent:
            part = Part(self, Kind.PARENTS)
            return [self._chain(part, STREAMS[self.spec.parent].path, (("limit", str(PAGE_SIZE)),))]
        return self._plan()

    # What to read

    def _plan(self) -> list[Chain]:
        value = self._usable_bookmark()
        self._since = value - self._options.lookback if value else self.shop.start_date
        place = None if self._full else self._bookmark.place
        if place is None and not self._full and self._can_filter(first=value is None):
            return self._plan_windows()
        return self._plan_unfiltered(place)

    def _usable_bookmark(self) -> datetime | None:
        value = self._bookmark.value
        if value is not None and value > self._now + _FUTURE:
            logger.warning(
                "Shop %s: %s: the bookmark lies in the future; reading again from the start.",
                self.shop.name,
                self.spec.name,
            )
            self._bookmark.value = value = None
        return min(value, self._now) if value else None

    def _can_filter(self, *, first: bool) -> bool:
        if self._options.date_filter is None or self._since is None:
            return False
        verdict = self._bookmark.verdict
        if verdict is Verdict.UNPROVEN:
            return first or self._bookmark.unproven_from is not None
        return verdict is Verdict.PROVEN

    def _plan_windows(self) -> list[Chain]:
        assert self._since is not None  # noqa: S101 - for the type checker: see `_can_filter`
        self._windowed = True
        if self._bookmark.verdict is Verdict.UNPROVEN and self._bookmark.unproven_from is None:
            self._bookmark.unproven_from = self._since
        if self._parents is None:
            windows = cut(self._since, self._end, self._now, self._options.window_days)
            self._parts = [Part(self, window=window) for window in windows]
        elif self._end is None or self._since < self._end:
            window = Window(self._since, self._end)
            self._parts = [Part(self, window=window, parent=parent) for parent in self._parents]
        return self._start_parts()

    def _plan_unfiltered(self, place: Place | None) -> list[Chain]:
        self._windowed = False
        if self._full:
            self._since = None
        elif self._bookmark.unproven_from is not None:
            # What was read by a filter that never proved itself may lack rows, back to where it came in.
            self._since = self._bookmark.unproven_from
        if self._options.date_filter and not self._full and self._bookmark.verdict is Verdict.UNPROVEN:
            self._witness = Witness(self._options.replication_key, self._now)
        self._parts = [Part(self, parent=parent) for parent in self._parents or (None,)]
        if self._parents == []:
            self._parts = []
        cursor = None
        if place is not None and place.query == self._fingerprint():
            self._since, self._began = place.since, place.began
            cursor = place.cursor
            for part in self._parts:
                part.done = bool(part.parent and place.after and part.parent <= place.after)
        return self._start_parts(cursor)

    def _start_parts(self, cursor: str | None = None) -> list[Chain]:
        chains = [self._part_chain(part) for part in self._parts if not part.done]
        for chain in chains[: 1 if cursor else 0]:
            chain.cursor = cursor
        return chains or self._complete()

    # What to ask for

    def _part_chain(self, part: Part) -> Chain:
        path = self.spec.path.format(parent=part.parent)
        return self._chain(part, path, self._params(part.window))

    def _chain(self, part: Part, path: str, params: Params) -> Chain:
        details = self._options.details and part.kind is Kind.ROWS
        chain = Chain(path, params, owner=part, details=details)
        self._chains.add(chain)
        return chain

    def _params(self, window: Window | None) -> Params:
        params = [("limit", str(PAGE_SIZE))]
        params += [(f"filter[{name}]", value) for name, value in self._options.filters]
        if window is not None and self._options.date_filter is not None:
            bounds = zip(self._options.date_filter, window.asked, strict=True)
            params += [(name, day) for name, day in bounds if day is not None]
        if self._options.include:
            params.append(("include", ",".join(self._options.include)))
        if self._fields:
            params.append(("fields", ",".join(self._fields)))
        return tuple(params)

    def _fingerprint(self) -> str:
        query = repr((self.spec.path, self._params(None), self._options.replication_key))
        return hashlib.sha256(query.encode()).hexdigest()[:16]

    # What came back

    def take(self, fetched: Fetched) -> list[Row]:
        """Return the records of a page that are to be written."""
        part: Part = fetched.chain.owner
        part.pages += 1
        self._began = min(self._began or fetched.asked_at, fetched.asked_at)
        if part.kind is not Kind.ROWS:
            return []
        if self._fields and any(_has_no_id(row) for row in fetched.page.rows):
            self._fields, self._redo = (), True
            return []
        records = []
        for row in fetched.page.rows:
            shaped = self.shaper.shape(row, self.shop.name, fetched.page, part.parent)
            if self._wanted(part, shaped):
                records.append(shaped.record)
        if self._redo:
            return []
        self.written_rows += len(records)
        return records

    def _wanted(self, part: Part, shaped: Shaped) -> bool:
        instant = shaped.instant
        if instant is None:
            return True
        if part.window is not None and part.reach is not None:
            self._verify(part.reach, instant, shaped.attributes)
            return part.window.holds(instant)
        if self._witness is not None:
            self._witness.look(instant, shaped.attributes, part.parent)
        return (self._since is None or instant >= self._since) and (self._end is None or instant < self._end)

    def _verify(self, reach: Window, instant: datetime, attributes: Row) -> None:
        if self._bookmark.verdict is Verdict.PROVEN:
            if not reach.holds(instant):
                self._refute()
            return
        verdict = datefilter.judge(reach, self._options.replication_key, instant, attributes)
        if verdict is Verdict.REFUTED:
            self._refute()
        elif verdict is Verdict.PROVEN and not self._redo:
            self._bookmark.verdict = Verdict.PROVEN

    def _refute(self) -> None:
        """Give up a filter that gave a row which it should not have given."""
        if self._bookmark.unproven_from is None:
            # It was believed: nothing that it shortened can be relied on.
            self._bookmark.value = None
        self._bookmark.verdict = Verdict.REFUTED
        self._redo = True

    def written(self, fetched: Fetched) -> list[Chain]:
        """Take note that the records of a page are written; return the chains to start next."""
        part: Part = fetched.chain.owner
        if part.kind is Kind.PARENTS:
            return self._know_parents(fetched)
        if part.kind is Kind.PROBE:
            return self._probed(fetched)
        if self._redo:
            return self._plan_again()
        if fetched.page.next_cursor is not None:
            if part.window is None and part.parent is None:
                self._keep_place(cursor=fetched.page.next_cursor)
            return []
        return self._part_done(part)

    def _know_parents(self, fetched: Fetched) -> list[Chain]:
        found = {str(row["id"]) for row in fetched.page.rows if row.get("id") is not None}
        self._parents = sorted({*(self._parents or ()), *found})
        return [] if fetched.page.next_cursor is not None else self._plan()

    def _part_done(self, part: Part) -> list[Chain]:
        part.done = True
        prefix = self._prefix()
        if len(prefix) == len(self._parts):
            return self._complete()
        if prefix:
            last = prefix[-1]
            if last.parent is None and last.window is not None and last.window.end is not None:
                self._advance(last.window.end)
            elif last.parent is not None and last.window is None:
                self._keep_place(after=last.parent)
        return []

    def _prefix(self) -> list[Part]:
        prefix = []
        for part in self._parts:
            if not part.done:
                break
            prefix.append(part)
        return prefix

    def _keep_place(self, cursor: str | None = None, after: str | None = None) -> None:
        if not self._full and self._began is not None:
            self._bookmark.place = Place(self._began, self._since, self._fingerprint(), cursor, after)

    def _advance(self, instant: datetime | None) -> None:
        if self._began is not None and not self._full:
            self._bookmark.advance(instant or self._began, self._began)

    def _complete(self) -> list[Chain]:
        if self._windowed and self._bookmark.verdict is Verdict.UNPROVEN and self._parts:
            logger.info(
                "Shop %s: %s: nothing proves that the date filter acts on %s; reading once more without it.",
                self.shop.name,
                self.spec.name,
                self._options.replication_key,
            )
            self.cancel()
            return self._plan_unfiltered(None)
        self._advance(self._end)
        if not self._full:
            self._bookmark.place = None
            self._bookmark.unproven_from = None
        if self._witness is not None and self._witness.window is not None:
            part = Part(self, Kind.PROBE, self._witness.window, self._witness.parent)
            self._witness = None
            return [self._part_chain(part)]
        self.finished = True
        return []

    def _plan_again(self) -> list[Chain]:
        self.cancel()
        self._redo = False
        return self._plan()

    def _probed(self, fetched: Fetched) -> list[Chain]:
        part: Part = fetched.chain.owner
        key, verdicts = self._options.replication_key, set()
        for row in fetched.page.rows:
            instant, attributes = self.shaper.peek(row, fetched.page, part.parent)
            if instant is not None and part.reach is not None:
                verdicts.add(datefilter.judge(part.reach, key, instant, attributes))
        for verdict in (Verdict.REFUTED, Verdict.PROVEN):
            if verdict in verdicts:
                self._bookmark.verdict = verdict
                break
        known = self._bookmark.verdict is not Verdict.UNPROVEN
        if known or fetched.page.next_cursor is None or part.pages >= _PROBE_PAGES:
            self.cancel()
            self.finished = True
        return []

    # What went wrong

    def failed(self, failed: Failed) -> list[Chain]:
        """Return the chains that make up for a failed one.

        Raises:
            ReadError: Nothing does.
        """
        part: Part = failed.chain.owner
        if part.kind is Kind.PROBE:
            if isinstance(failed.error, Refused):
                self._bookmark.verdict = Verdict.REFUTED
            self.finished = True
            return []
        if part.kind is Kind.PARENTS:
            raise _of_parents(failed.error, self.spec.parent)
        if isinstance(failed.error, NotFound) and part.parent is not None:
            logger.info("Shop %s: %s of %s: gone; skipped.", self.shop.name, self.spec.name, part.parent)
            return self._part_done(part)
        if isinstance(failed.error, Refused):
            return self._refused(part, failed)
        raise failed.error

    def _refused(self, part: Part, failed: Failed) -> list[Chain]:
        if failed.cursor is not None and part.restarts < _MOST_RESTARTS:
            part.restarts += 1
            logger.info("Shop %s: %s: the cursor has expired; reading again.", self.shop.name, self.spec.name)
            return [self._part_chain(part)]
        if failed.cursor is None and "fields" in dict(failed.chain.params):
            self._fields = ()
            return [self._part_chain(part)]
        if failed.cursor is None and part.window is not None:
            self._bookmark.verdict = Verdict.REFUTED
            return self._plan_again()
        raise failed.error

    def cancel(self) -> None:
        """Drop all chains: what still comes of them counts no more."""
        for chain in self._chains:
            chain.cancelled = True
        self._chains.clear()

    @property
    def filter_verdict(self) -> str:
        """What is known about the date filter, in a word."""
        return "none" if self._options.date_filter is None else self._bookmark.verdict.value


def _has_no_id(row: Row) -> bool:
    attributes = row.get("attributes")
    return row.get("id") is None and not (isinstance(attributes, dict) and attributes.get("id") is not None)


def _of_parents(error: ReadError, parent: str) -> ReadError:
    cause = f"the list of {parent} failed: {error.cause}"
    return type(error)(cause, status=error.status, code=error.code, request_id=error.request_id)


def without(options: StreamOptions, unwanted: Iterable[str]) -> StreamOptions:
    """Return options that ask for no related resource of the unwanted columns."""
    return replace(options, include=tuple(name for name in options.include if name not in set(unwanted)))
