"""Pages of rows: each is compared with earlier ones, completed, shaped and checked."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sumeru_api.responses import Page
from tap_sumeru.extract.page_checks import PageChecks
from tap_sumeru.extract.recovery import StartOver
from tap_sumeru.extract.row_ids import RowIds

if TYPE_CHECKING:
    from typing import Any

    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.extract.details import Details
    from tap_sumeru.extract.filter_trust import FilterTrust
    from tap_sumeru.extract.list_reader import ListPage
    from tap_sumeru.extract.queries import Query
    from tap_sumeru.extract.read_plan import ReadPlan
    from tap_sumeru.extract.slices import Slice
    from tap_sumeru.records import RecordShaper, ShapedPage
    from tap_sumeru.state.bookmarks import Bookmark

logger = logging.getLogger("tap-sumeru")


class RowPages:
    """The pages of the read of one stream of one shop.

    Args:
        spec: The stream.
        shop: Name of the shop.
        bookmark: What is known about the stream; it learns from the pages.
        trust: What is known about the date filter; it learns from the pages.
        plan: What is read.
        shaper: Shapes the records.
        query: Builds the requests.
        details: Completes the rows, if that is requested.
    """

    def __init__(
        self,
        spec: StreamSpec,
        shop: str,
        bookmark: Bookmark,
        trust: FilterTrust,
        plan: ReadPlan,
        shaper: RecordShaper,
        *,
        query: Query,
        details: Details,
    ) -> None:
        self._name, self._shop = spec.name, shop
        self._plan = plan
        self._query = query
        self._details = details
        self._shaper = shaper
        self._row_ids = RowIds(spec, bookmark, query, plan, shop)
        self._fields_confirmed = False
        self._checks = PageChecks(spec.name, bookmark, trust, plan, shaper)

    @property
    def comparing(self) -> bool:
        """Whether rows are compared with all others of the read, so that a later run cannot continue it."""
        return self._row_ids.comparing

    async def shaped(self, slice_: Slice, answer: ListPage) -> ShapedPage | None:
        """Return the records of a page, None if an earlier try of its list has brought the same page.

        Args:
            slice_: The list.
            answer: The page.

        Raises:
            StartOver: The read cannot go on as planned.
            ApiError: The list makes no progress, or the details cannot be read.
        """
        page = answer.page
        shaped = self._shape(slice_, answer)
        if not answer.whole:
            self._check_fields(shaped)
        if page.next_cursor is not None:
            progress = slice_.progress
            if progress.take(shaped.identity, rows=len(page.rows), ids=shaped.ids):
                return None
        if self._details.requested and isinstance(page, Page):
            await self._complete(slice_, page)
            shaped = self._shape(slice_, answer)
        self._row_ids.check(slice_, shaped, whole=answer.whole)
        self._checks.check(slice_, shaped, all_attributes=answer.whole)
        return shaped

    def _check_fields(self, page: ShapedPage) -> None:
        """Request all attributes from now on if not all that `fields` names are there: it may hide some.

        Raises:
            StartOver: Some are not.
        """
        if self._fields_confirmed or not page.records:
            return
        returned = {name for index in range(len(page.records)) for name in page.names(index)}
        self._fields_confirmed = returned.issuperset(self._query.fields[1:])
        if not self._fields_confirmed:
            self._query.fields = ()
            logger.info(
                "Shop %s: %s: the API does not return everything that `fields` names; reading the list again "
                "with all attributes.",
                self._shop,
                self._name,
            )
            raise StartOver

    def _shape(self, slice_: Slice, answer: ListPage) -> ShapedPage:
        return self._shaper.shape_page(
            answer.page,
            self._shop,
            slice_.parent,
            natural_key=self._row_ids.natural_key,
            own_ids=self._row_ids.own_ids,
        )

    async def _complete(self, slice_: Slice, page: Page) -> None:
        def wanted(row: dict[str, Any]) -> bool:
            timestamp = self._shaper.timestamp(row, page, slice_.parent)
            return timestamp is None or self._plan.range.holds(slice_, timestamp)

        await self._details.complete(page, *self._query.of(slice_), wanted)
