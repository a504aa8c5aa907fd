"""How one stream of one shop is read: what is asked for, what its pages say, and what makes up for a failure.

It decides; it neither fetches nor writes. The engine starts the chains that it names, gives it their pages,
writes the records that it returns, and then says so.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from sumeru_api.errors import ApiError, NotFound, UnexpectedResponse
from sumeru_api.responses import Page, row_id
from tap_sumeru.extract.filter_trust import FilterTrust, others_of
from tap_sumeru.extract.queries import Query
from tap_sumeru.extract.read_plan import Plan
from tap_sumeru.extract.slices import Kind, Slice
from tap_sumeru.fetch import Chain, Failed, Fetched
from tap_sumeru.records.columnar import rows_of
from tap_sumeru.state.bookmarks import Bookmark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sumeru_api.responses import Row
    from sumeru_api.shop import Shop
    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.config.settings import StreamOptions
    from tap_sumeru.extract.read_plan import Traffic
    from tap_sumeru.records.record_builder import RecordBuilder
    from tap_sumeru.records.rows import Rows

logger = logging.getLogger("tap-sumeru")

_MOST_RESTARTS = 3
_PROBE_PAGES = 10
_REFUSALS = (400, 422)
"""The API does not accept a parameter."""
_EXPIRED = (400, 410, 422)
"""The same, or the cursor is gone."""
_TOO_LONG = 414


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
        traffic: The requests of the shop.
    """

    def __init__(
        self,
        spec: StreamSpec,
        options: StreamOptions,
        shop: Shop,
        bookmark: Bookmark,
        shaper: RecordBuilder,
        *,
        now: datetime,
        end_date: datetime | None = None,
        fields: tuple[str, ...] = (),
        full_table: bool = False,
        traffic: Traffic,
    ) -> None:
        self.spec = spec
        self.shop = shop
        self.shaper = shaper
        self.written_rows = 0
        self.finished = False
        usable = options.date_filter is not None and not full_table
        self.trust = FilterTrust(bookmark, usable=usable)
        self._options = options
        self._query = Query(spec, options, fields)
        self.plan = Plan(
            options,
            # A full read leaves no bookmark, and takes none.
            Bookmark({}, options.replication_key, options.date_filter) if full_table else bookmark,
            self.trust,
            self._query,
            now=now,
            first=None if full_table else shop.start_date,
            end=None if full_table else end_date,
            by_day=shaper.by_day,
            traffic=traffic,
        )
        self._all_rows = not options.filters and (full_table or end_date is None)
        self._redo = False  # whether what is under way must be given up and planned anew
        self._reached = False  # whether any part was answered
        self._gone: dict[str, NotFound] = {}  # parents that were listed, and then answered 404
        self._chains: set[Chain] = set()
        self.listed: list[str | None] | None = None
        """Ids of all rows, if they are to be kept."""

    def begin(self) -> list[Chain]:
        """Return the chains to start with."""
        if self.spec.parent:
            return [self._chain(Slice(Kind.PARENTS))]
        return self._begin()

    def begin_under(self, parents: Reader) -> list[Chain]:
        """Return the chains to start with, given a finished reader of the parents that listed all of them.

        Raises:
            UnexpectedResponse: A parent has no id.
        """
        self._take_parents(parents.listed or [])
        return self._begin()

    def list_all(self) -> bool:
        """Have all ids kept in `listed`, for the children of the rows; return whether this read gives all."""
        if self._all_rows:
            self.listed = []
        return self._all_rows

    def of_parents(self, error: ApiError) -> ApiError:
        """Return the error that this stream meets if its parents meet one."""
        return error.told(f"the list of {self.spec.parent} failed: {error.cause}")

    # What is asked for

    def _begin(self) -> list[Chain]:
        if self.plan.forget_future():
            self._tell("the bookmark lies in the future; reading again from the start", logging.WARNING)
        cursor = self.plan.begin(whole=self.listed is not None)
        return self._finish() if self.plan.empty else self._start(cursor)

    def _start(self, cursor: str | None) -> list[Chain]:
        self._reached = False
        self._gone.clear()
        chains = self._next_chains()
        if cursor is not None:
            chains[0].cursor = cursor
        return chains or self._complete()

    def _begin_again(self) -> list[Chain]:
        self.cancel()
        self._redo = False
        return self._begin()

    def _next_chains(self) -> list[Chain]:
        return [self._chain(part) for part in self.plan.next_parts()]

    def _chain(self, part: Slice) -> Chain:
        if part.kind is Kind.PARENTS:
            path, params = self._query.parents()
        elif part.kind is Kind.PROBE and part.window is not None:
            path, params = self._query.probe(part.window, part.parent)
        else:
            path, params = self._query.rows(part.window, part.parent)
        names = self.shop.name, self.spec.name
        chain = Chain(path, params, *names, owner=self, part=part)
        if part.kind is Kind.ROWS and self._options.details:
            chain.details = partial(self._is_due, part)
        elif part.kind is Kind.ROWS and self.shaper.layouts is not None and self.listed is None:
            chain.decode = self.shaper.layouts.read
        self._chains.add(chain)
        return chain

    def _is_due(self, part: Slice, row: Row, page: Page) -> bool:
        """Return whether a listed row is worth a request of its own; asked in the fetching threads."""
        instant, _ = self.shaper.peek(row, page, part.parent)
        return instant is None or self.plan.holds(part, instant)

    # What came back

    def take(self, fetched: Fetched) -> Sequence[Any]:
        """Return the records of a page that are to be written.

        Raises:
            UnexpectedResponse: A parent has no id, or is not gone after all: its children cannot be reached.
        """
        part: Slice = fetched.chain.part
        page = fetched.page
        part.pages += 1
        self._reached = True
        self.trust.settle()
        self.plan.asked(fetched.asked_at)
        if part.kind is not Kind.ROWS:
            if part.kind is Kind.PARENTS and isinstance(page, Page):
                self._take_parents([row_id(row) for row in page.rows])
            return []
        if self._query.fields and isinstance(page, Page) and any(row_id(row) is None for row in page.rows):
            self._query.fields, self._redo = (), True
            return []
        if self.listed is not None and isinstance(page, Page):
            self.listed += [row_id(row) for row in page.rows]
        rows = rows_of(page, self.shaper, self.shop.name, part.parent)
        self._heed(part, rows)
        if self._redo:
            return []
        records = self._wanted(part, rows)
        self.written_rows += len(records)
        return records

    def _take_parents(self, found: list[str | None]) -> None:
        if None in found:
            raise UnexpectedResponse(f"a row of {self.spec.parent} has no id")
        listed = {parent for parent in found if parent is not None}
        for parent in self._gone.keys() & listed:
            cause = f"one of {self.spec.parent} is listed, but its {self.spec.name} are not found"
            raise self._gone[parent].told(cause, UnexpectedResponse)
        self.plan.parents = (self.plan.parents or set()) | listed

    def _heed(self, part: Slice, rows: Rows) -> None:
        """Let the rows say what they have to say about the date filter."""
        if part.reach is None:
            self.trust.look(rows, part.parent)
        else:
            self._redo |= not self.trust.verify(part.reach, rows, whole=not self._query.fields)

    def _wanted(self, part: Slice, rows: Rows) -> Sequence[Any]:
        if all(self.plan.holds(part, instant) for instant in rows.span):
            return rows.records
        dated = zip(rows.records, rows.instants, strict=True)
        return [record for record, instant in dated if instant is None or self.plan.holds(part, instant)]

    def written(self, fetched: Fetched) -> list[Chain]:
        """Take note that the records of a page are written; return the chains to start next."""
        part: Slice = fetched.chain.part
        more = fetched.page.next_cursor is not None
        if not more:
            self._chains.discard(fetched.chain)
        if part.kind is Kind.PARENTS:
            return [] if more else self._parents_listed()
        if part.kind is Kind.PROBE:
            return self._probed(fetched, part)
        if self._redo:
            return self._begin_again()
        if not more:
            return self._part_done(part)
        if part.window is None and part.parent is None:
            self.plan.keep_place(cursor=fetched.page.next_cursor)
        return self._next_chains()

    def _parents_listed(self) -> list[Chain]:
        if not self._gone:
            return self._begin()
        self._gone.clear()  # none of them is listed any more
        return self._complete()

    def _part_done(self, part: Slice) -> list[Chain]:
        last = self.plan.finish(part)
        chains = self._next_chains()
        if self.plan.complete:
            return self._complete()
        if last is not None and not self._gone:
            self.plan.keep(last)
        return chains

    def _complete(self) -> list[Chain]:
        if self._gone:  # unless they are still listed
            return [self._chain(Slice(Kind.PARENTS))]
        if self.trust.unproven and self.plan.windowed and self._reached:
            key = self._options.replication_key
            self._tell(f"nothing proves that the date filter acts on {key}; reading once more without it")
            self.cancel()
            return self._start(self.plan.begin_unfiltered())
        self.plan.keep_all()
        witness = self.trust.call_witness()
        if witness is not None:
            return [self._chain(Slice(Kind.PROBE, witness.window, witness.parent))]
        return self._finish()

    def _finish(self) -> list[Chain]:
        self.cancel()
        self.finished = True
        return []

    def _probed(self, fetched: Fetched, part: Slice) -> list[Chain]:
        page = fetched.page
        assert isinstance(page, Page)  # noqa: S101 - for the type checker: a probe is never left raw
        key = self._options.replication_key
        seen = (self.shaper.peek(row, page, part.parent) for row in page.rows)
        dates = ((instant, others_of(attributes, key)) for instant, attributes in seen)
        known = part.reach is not None and self.trust.hear(part.reach, dates)
        if known or fetched.page.next_cursor is None or part.pages >= _PROBE_PAGES:
            return self._finish()
        return []

    # What went wrong

    def failed(self, failed: Failed) -> list[Chain]:
        """Return the chains that make up for a failed one.

        Raises:
            ApiError: Nothing does.
        """
        part: Slice = failed.chain.part
        failed.chain.cancelled = True
        self._chains.discard(failed.chain)
        if part.kind is Kind.PROBE:
            if failed.cursor is None and failed.error.status in _REFUSALS:
                self.trust.refused()
            return self._finish()
        if isinstance(failed.error, NotFound) and part.parent is not None and not failed.detail:
            self._tell(f"one of {self.spec.parent} is gone; skipped")
            self._gone[part.parent] = failed.error
            return self._part_done(part)
        chains = None if failed.detail else self._another_way(part, failed)
        if chains is None:
            self.trust.acquit()
            raise self.of_parents(failed.error) if part.kind is Kind.PARENTS else failed.error
        return chains

    def _another_way(self, part: Slice, failed: Failed) -> list[Chain] | None:
        """Return chains that ask otherwise for what was refused; None if there is no other way."""
        status, params = failed.error.status, dict(failed.chain.params)
        if failed.cursor is not None and status in _EXPIRED and part.restarts < _MOST_RESTARTS:
            part.restarts += 1
            self._tell("the cursor has expired; reading its list again")
        elif failed.cursor is None and "fields" in params and status in (*_REFUSALS, _TOO_LONG):
            self._query.fields = ()
        elif failed.cursor is None and part.window is not None and status in _REFUSALS:
            self.trust.refused()
            return self._begin_again()
        else:
            return None
        return [self._chain(part)]

    def cancel(self) -> None:
        """Drop all chains: what still comes of them counts no more."""
        for chain in self._chains:
            chain.cancelled = True
        self._chains.clear()

    def _tell(self, what: str, level: int = logging.INFO) -> None:
        logger.log(level, "Shop %s: %s: %s.", self.shop.name, self.spec.name, what)
