"""Reads one stream of one shop, from top to bottom: parents, slices of rows, a probe of the date filter."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from sumeru_api.errors import ApiError
from sumeru_api.responses import Page
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
from tap_sumeru.state.bookmarks import Bookmark

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from sumeru_api.client import Client
    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.config.settings import StreamOptions
    from tap_sumeru.extract.list_reader import ListPage
    from tap_sumeru.extract.read_page import PageSink
    from tap_sumeru.extract.slices import Slice
    from tap_sumeru.records import RecordShaper, ShapedPage

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
        full_table: Whether the whole stream is read, whatever the bookmark says.

    Attributes:
        trust: What is known about the date filter.
        listed: Ids of all rows read, if they are kept for the children of the rows.
        parents: The parents of the rows.
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
        self.listed: list[str | None] | None = None
        self._spec = spec
        self._details = options.details
        self._shop = client.shop.name
        self._bookmark = bookmark
        self._shaper = shaper
        self._sink = sink
        self._query = Query(spec, options, fields)
        self._lists = ListReader(spec, client, self._query, shaper, details=options.details)
        self.parents = Parents(spec, self._shop, self._lists)
        self._plan = ReadPlan(
            options,
            # A full read neither uses nor leaves a bookmark.
            Bookmark({}, options.replication_key, options.date_filter) if full_table else bookmark,
            self.trust,
            self._query,
            now=now,
            start=None if full_table else client.shop.start_date,
            end=None if full_table else end_date,
            by_day=shaper.by_day,
            traffic=client.queue,
        )
        self._reads_all = not options.filters and (full_table or end_date is None)
        # A slice got a response; the plan is about to be made again; nothing more is to be read.
        self._answered = self._outdated = self._given_up = False

    def list_all(self) -> bool:
        """Keep the ids of all rows in `listed`; return False if this read does not return all rows."""
        if self._reads_all:
            self.listed = []
        return self._reads_all

    @property
    def listing(self) -> Listing:
        """What `listed` holds, once the read has ended."""
        return Listing(self.listed or [], self._plan.started_at)

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
            if self._plan.forget_future():
                self._log("the bookmark lies in the future; reading from the start", logging.WARNING)
            await self._read_rows()
        except ApiError:
            self.trust.acquit()
            self._put_bookmark()
            raise

    async def _find_parents(self, listing: Listing | None) -> None:
        listing = listing or await self.parents.list()
        self._plan.parents = self.parents.ids(listing)
        if listing.started_at is not None:
            self._plan.requested(listing.started_at)

    def give_up(self) -> None:
        """Read no further.

        Cancelling the task is not enough: if one of its tasks fails in the same moment, Python 3.11 loses the
        cancellation.
        """
        self._given_up = True

    async def _read_rows(self) -> None:
        cursor = self._plan.plan(whole=self.listed is not None)
        while not self._plan.empty:
            try:
                await self._read_slices(cursor)
                await self.parents.check(self._plan.parents)
            except Recovery:  # whatever raised it has recorded what not to rely on again
                if self._given_up:
                    raise asyncio.CancelledError from None
                cursor = self._plan.plan(whole=self.listed is not None)
                continue
            if not (self.trust.unproven and self._plan.windowed and self._answered):
                break
            self._log("the API's date filter could not be verified, so this stream is read again in full")
            cursor = self._plan.plan_unfiltered()
        if not self._plan.empty:
            self._plan.keep_all()
            self._put_bookmark()
            if await probe(self.trust, self._lists, self._shaper, self._shop):
                self._put_bookmark()

    async def _read_slices(self, cursor: str | None) -> None:
        self._answered = self._outdated = False
        self.parents.begin()
        try:
            async with asyncio.TaskGroup() as group:
                self._open_slices(group, cursor)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        if not self._plan.complete:
            # A task group takes a task that was cancelled from elsewhere for one that has ended well.
            raise asyncio.CancelledError

    def _open_slices(self, group: asyncio.TaskGroup, cursor: str | None = None) -> None:
        for slice_ in self._plan.next_slices():
            group.create_task(self._read_slice(group, slice_, cursor))
            cursor = None

    async def _read_slice(self, group: asyncio.TaskGroup, slice_: Slice, cursor: str | None) -> None:
        try:
            await self._read_list(group, slice_, cursor)
        except ApiError as error:
            if slice_.parent is None or self._outdated:
                raise
            self._plan.leave_out(slice_, missing=self.parents.leave_out(slice_.parent, error))
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
                start_over = self._plan.split(slice_, refusal)
                self._log(*refusal.notice(all_rows=start_over))
                if start_over:
                    self._start_over()
            except FieldsRejected:
                self._query.fields = ()
            except FilterRejected:
                if slice_.parent is not None:  # it may be this parent that the API does not accept
                    await self._lists.check(replace(slice_, window=None))
                self._outdated = True
                self.trust.rejected()
                raise
            else:
                return
            cursor = None

    async def _take(self, slice_: Slice, answer: ListPage) -> None:
        """Hand over the records of a page, with the bookmark that holds once they are written."""
        page = answer.page
        self._check_plan()
        self._answered = True
        self.trust.confirm_rejection()
        self._plan.requested(answer.requested_at)
        shaped = self._shaper.shape_page(page, self._shop, slice_.parent)
        if page.next_cursor is not None and slice_.progress.take(shaped.identity, rows=len(page.rows)):
            return  # handed over before the list was begun again
        if self._details and isinstance(page, Page):
            await self._complete_rows(slice_, page)
            shaped = self._shaper.shape_page(page, self._shop, slice_.parent)
        self._check_ids(shaped)
        self._check_filter(slice_, shaped)
        records = shaped.records_within(partial(self._plan.holds, slice_))
        await self._sink.room()
        self._check_plan()
        # From here on nothing waits: pages are put in the order in which the bookmark counts on them.
        self._advance(slice_, page.next_cursor)
        bookmark = self._bookmark.snapshot()
        self._sink.put(ReadPage(self._spec.name, self._shop, records, bookmark, shaped.mismatches or None))

    def _check_plan(self) -> None:
        """Take nothing more of a plan that is given up; its tasks may run once more.

        A bookmark that follows a finished window would claim what a refuted filter may have left out.
        """
        if self._outdated:
            raise asyncio.CancelledError

    async def _complete_rows(self, slice_: Slice, page: Page) -> None:
        def wanted(row: dict[str, Any]) -> bool:
            timestamp = self._shaper.timestamp(row, page, slice_.parent)
            return timestamp is None or self._plan.holds(slice_, timestamp)

        await self._lists.complete_rows(slice_, page, wanted)

    def _check_ids(self, shaped: ShapedPage) -> None:
        if self._query.fields and None in shaped.ids:
            self._query.fields = ()  # an id may have to be made from attributes that were not requested
            self._start_over()
        if self.listed is not None:
            self.listed += shaped.ids

    def _check_filter(self, slice_: Slice, shaped: ShapedPage) -> None:
        if not shaped.records:
            return
        if slice_.window is None:
            self._plan.keyless |= None in shaped.timestamps
            self.trust.consider(shaped, slice_.parent)
        elif not self.trust.verify(slice_.window.reach, shaped, whole=not self._query.fields):
            self._put_bookmark()
            self._start_over()

    def _start_over(self) -> NoReturn:
        self._outdated = True
        raise StartOver

    def _advance(self, slice_: Slice, next_cursor: str | None) -> None:
        if next_cursor is None:
            last = self._plan.finish(slice_)
            if last is not None:
                self._plan.keep(last)
        elif slice_.window is None and slice_.parent is None:
            self._plan.keep_position(cursor=next_cursor, page_size=slice_.page_size)

    def _put_bookmark(self) -> None:
        bookmark = self._bookmark.snapshot()
        if bookmark is not None:
            self._sink.put(ReadPage(self._spec.name, self._shop, bookmark=bookmark))

    def _log(self, text: str, level: int = logging.INFO) -> None:
        logger.log(level, "Shop %s: %s: %s.", self._shop, self._spec.name, text)
