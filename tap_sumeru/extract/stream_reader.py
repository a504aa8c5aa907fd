"""Reads one stream of one shop, from top to bottom: parents, slices of rows, a probe of the date filter."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError, RequestRejected
from tap_sumeru.extract.audit import AuditSchedule
from tap_sumeru.extract.filter_probe import probe
from tap_sumeru.extract.filter_trust import FilterTrust
from tap_sumeru.extract.list_reader import ListReader
from tap_sumeru.extract.parents import Listing, Parents
from tap_sumeru.extract.queries import Query
from tap_sumeru.extract.read_page import ReadPage
from tap_sumeru.extract.read_plan import ReadPlan
from tap_sumeru.extract.recovery import (
    CursorExpired,
    FieldsRejected,
    FilterRejected,
    Recovery,
    StartOver,
    TooDeep,
)
from tap_sumeru.extract.row_pages import RowPages
from tap_sumeru.state.bookmarks import Bookmark

if TYPE_CHECKING:
    from datetime import datetime

    from sumeru_api.client import Client
    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.config.settings import StreamOptions
    from tap_sumeru.extract.list_reader import ListPage
    from tap_sumeru.extract.read_page import PageSink
    from tap_sumeru.extract.slices import Slice
    from tap_sumeru.records import RecordShaper

logger = logging.getLogger("tap-sumeru")


class StreamReader:
    """Reads one stream of one shop.

    Args:
        spec: The stream.
        options: How to read it.
        client: The API of the shop.
        bookmark: What earlier reads have left.
        shaper: Shapes the records.
        sink: Takes the pages.
        now: The present, by our clock.
        end_date: Exclusive end of the read, None for no end.
        fields: Attributes to request, empty for all.
        full_table: Whether the whole stream is read; this neither uses nor leaves a bookmark.

    Attributes:
        trust: What is known about the date filter.
        ids_for_children: Ids of all rows read, if they are kept for the children of the rows.
        parents: The parents of the rows.
        progress: How far the read has come, for the log.
    """

    def __init__(
        self,
        spec: StreamSpec,
        options: StreamOptions,
        client: Client,
        bookmark: Bookmark,
        shaper: RecordShaper,
        sink: PageSink,
        *,
        now: datetime,
        end_date: datetime | None = None,
        fields: tuple[str, ...] = (),
        full_table: bool = False,
    ) -> None:
        self.trust = FilterTrust(bookmark, usable=options.date_filter is not None and not full_table)
        self.ids_for_children: list[str | None] | None = None
        self._spec, self._shop, self._full_table = spec, client.shop.name, full_table
        self._bookmark, self._shaper, self._sink = bookmark, shaper, sink
        self._query = Query(spec, options, fields)
        self._lists = ListReader(spec, client, self._query, shaper, details=options.details)
        self.parents = Parents(spec, self._shop, self._lists)
        self._plan = ReadPlan(
            options,
            Bookmark({}, options.replication_key, options.date_filter) if full_table else bookmark,
            self.trust,
            self._query,
            now=now,
            start=None if full_table else client.shop.start_date,
            end=None if full_table else end_date,
            by_day=shaper.by_day,
            traffic=client.queue,
            audits=AuditSchedule(options.audit_interval, self._shop, spec.name),
        )
        self.progress = self._plan.progress
        what = spec, self._shop, bookmark, self.trust, self._plan, shaper
        self._pages = RowPages(*what, query=self._query, details=self._lists.details)
        self._reads_all = not options.filters and (full_table or end_date is None)
        # A slice got a response; the plan is about to be made again; nothing more is to be read.
        self._answered = self._outdated = self._given_up = False

    def collect_ids(self) -> bool:
        """Keep the ids of all rows for their children; return False if this read does not return all rows."""
        if self._reads_all:
            self.ids_for_children = []
        return self._reads_all

    @property
    def listing(self) -> Listing:
        """What `ids_for_children` holds, once the read has ended."""
        return Listing(self.ids_for_children or [], self._plan.range.started_at)

    async def read(self, parents: Listing | None = None) -> None:
        """Read the stream from where the bookmark says.

        Args:
            parents: The parents of the rows, if another read has listed them.

        Raises:
            ApiError: The stream could not be read to its end.
        """
        try:
            if self._spec.parent:
                await self._find_parents(parents)
            await self._read_rows()
        except ApiError:
            self.trust.undo_rejection()
            self._put_bookmark()
            raise
        finally:
            self._lists.details.report()

    async def _find_parents(self, listing: Listing | None) -> None:
        listing = listing or await self.parents.list()
        self._plan.parents = self.parents.ids(listing)
        if listing.started_at is not None:
            self._plan.requested(listing.started_at)

    def give_up(self) -> None:
        """Read no further: Python 3.11 loses a cancellation if one of the tasks fails in the same moment."""
        self._given_up = True

    async def _read_rows(self) -> None:
        cursor = self._plan.plan(whole=self.ids_for_children is not None)
        while not self._plan.empty:
            try:
                await self._read_slices(cursor)
                await self.parents.check(self._plan.parents)
            except (Recovery, ApiError) as error:  # a recovery has recorded what not to rely on again
                if self._given_up:
                    raise asyncio.CancelledError from None
                if isinstance(error, RequestRejected) and not self._plan.windowed and self.trust.accept():
                    self._plan.audit.warn_of_required_filter()
                elif isinstance(error, ApiError):
                    self._plan.audit.postpone(error, answered=self._answered)
                cursor = self._plan.plan(whole=self.ids_for_children is not None)
                continue
            if not (self._plan.unverified and self._answered):
                break
            self._log("the API's date filter could not be verified, so this stream is read again in full")
            cursor = self._plan.plan_unfiltered()
        self._lists.details.check()
        if not self._plan.empty:
            await self._complete()

    async def _complete(self) -> None:
        """Record that everything is read, then probe the date filter."""
        self._plan.keep_all()
        if self._full_table and self._plan.range.started_at is not None:
            self.trust.try_again()
            self._bookmark.audited(self._plan.range.started_at)
        self._put_bookmark()
        since, distance = self._plan.range.began, self._bookmark.distance
        if await probe(self.trust, self._lists, self._shaper, self._shop, began=since, distance=distance):
            self._put_bookmark()

    async def _read_slices(self, cursor: str | None) -> None:
        self._answered = self._outdated = False
        self.parents.begin()
        try:
            async with asyncio.TaskGroup() as group:
                first, *others = self._plan.next_slices() or (None,)
                for slice_ in others:
                    group.create_task(self._read_slice(group, slice_))
                if first is not None:  # most reads have one slice, which needs no task of its own
                    await self._read_slice(group, first, cursor)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        if not self._plan.complete:
            # A task group takes a task that was cancelled from elsewhere for one that has ended well.
            raise asyncio.CancelledError

    def _open_slices(self, group: asyncio.TaskGroup) -> None:
        for slice_ in self._plan.next_slices():
            group.create_task(self._read_slice(group, slice_))

    async def _read_slice(self, group: asyncio.TaskGroup, slice_: Slice, cursor: str | None = None) -> None:
        try:
            await self._read_list(group, slice_, cursor)
        except StartOver:
            self._outdated = True
            self._put_bookmark()  # what the rows have shown counts even if the read fails
            raise
        except ApiError as error:
            if slice_.parent is None or self._outdated:
                raise
            missing = self.parents.leave_out(slice_.parent, error)
            self._keep(self._plan.leave_out(slice_, missing=missing))
            self._open_slices(group)

    async def _read_list(self, group: asyncio.TaskGroup, slice_: Slice, cursor: str | None) -> None:
        while True:
            try:
                async for answer in self._lists.pages(slice_, cursor):
                    self.parents.answered()
                    await self._take(slice_, answer)
                    del answer  # thousands of slices may wait for their next page: none keeps the last one
                    self._open_slices(group)
            except CursorExpired:
                self._log("the cursor has expired; reading the list again")
            except TooDeep as refusal:
                self._split(slice_, refusal)
            except FieldsRejected:
                self._query.fields = ()
                slice_.begin()  # the same rows come again, with all attributes
                self._log("the API does not accept `fields`; reading the list again with all attributes")
            except FilterRejected:
                if slice_.parent is not None:  # it may be this parent that the API does not accept
                    await self._lists.check(replace(slice_, window=None))
                self._outdated = True
                self.trust.rejected()
                raise
            else:
                return
            cursor = None

    def _split(self, slice_: Slice, refusal: TooDeep) -> None:
        """Let a list that is too deep be read in smaller windows."""
        if slice_.window is None and self._plan.audit.avoidable:
            self._plan.audit.postpone(refusal.because("an audit cannot be divided"))
            raise StartOver
        start_over = self._plan.split(slice_, refusal)
        self._log(*refusal.notice(all_rows=start_over))
        if start_over:
            raise StartOver

    async def _take(self, slice_: Slice, answer: ListPage) -> None:
        """Hand over the records of a page, with the bookmark that holds once they are written."""
        self._check_plan()
        self._answered = True
        self.trust.confirm_rejection()
        again = self._plan.requested(answer.requested_at)
        if self._plan.forget_future():
            self._log("the bookmark lies in the future; reading from the start", logging.WARNING)
            again = True
        if again:
            raise StartOver
        shaped = await self._pages.shaped(slice_, answer)
        if shaped is None:
            return  # handed over before the list was begun again
        if self.ids_for_children is not None:
            self.ids_for_children += shaped.ids
        records = self._plan.range.select(slice_, shaped)
        await self._sink.wait_for_room()
        self._check_plan()
        # From here on nothing waits: pages are put in the order in which the bookmark counts on them.
        self._advance(slice_, answer.next_cursor)
        seen = shaped.mismatches or None, bool(shaped.span), shaped.replaced
        self._sink.put(ReadPage(self._spec.name, self._shop, records, self._bookmark.snapshot(), *seen))

    def _check_plan(self) -> None:
        """Discard the pages of an abandoned plan, whose tasks may run once more.

        A bookmark that follows a finished window would claim what a refuted filter may have left out.
        """
        if self._outdated:
            raise asyncio.CancelledError

    def _advance(self, slice_: Slice, next_cursor: str | None) -> None:
        if next_cursor is None:
            self._keep(self._plan.finish(slice_))
        elif slice_.is_all and not (self._pages.comparing or self._lists.details.all_failed):
            self._plan.keep_position(cursor=next_cursor, page_size=slice_.page_size)

    def _keep(self, last: Slice | None) -> None:
        if last is not None and not self._lists.details.all_failed:
            self._plan.keep(last)

    def _put_bookmark(self) -> None:
        if (bookmark := self._bookmark.snapshot()) is not None:
            self._sink.put(ReadPage(self._spec.name, self._shop, bookmark=bookmark))

    def _log(self, text: str, level: int = logging.INFO) -> None:
        logger.log(level, "Shop %s: %s: %s.", self._shop, self._spec.name, text)
