"""Reads one list of a stream, page by page; a request that fails for good may allow another way to go on."""

from __future__ import annotations

import logging
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from sumeru_api.errors import ApiError, ApiUnavailable, UnexpectedResponse
from sumeru_api.pagination import Pages
from sumeru_api.responses import parse_page
from tap_sumeru.catalog.streams import PAGE_SIZE
from tap_sumeru.extract.details import Details
from tap_sumeru.extract.list_limits import ListLimits, quarter, smaller_page
from tap_sumeru.extract.recovery import CursorExpired, TooDeep, recovery
from tap_sumeru.extract.slices import NO_ID, Kind
from tap_sumeru.extract.stated_total import StatedTotal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from sumeru_api.client import Client, Params
    from sumeru_api.responses import Page, Response
    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.extract.queries import Query
    from tap_sumeru.extract.slices import Slice
    from tap_sumeru.records import RecordShaper
    from tap_sumeru.records.adaptive_decoder import DecodedPage

logger = logging.getLogger("tap-sumeru")

_REFUSED = range(400, 500)


class ListPage(NamedTuple):
    """A page of a list.

    Attributes:
        page: Its rows.
        requested_at: When it was requested, by the server's clock.
        whole: Whether all attributes of its rows were requested.
        limit: How many rows were requested.
        headers: Headers of the response.
    """

    page: Page | DecodedPage
    requested_at: datetime
    whole: bool = True
    limit: int = PAGE_SIZE
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def next_cursor(self) -> str | None:
        """Cursor of the next page, None on the last page."""
        return self.page.next_cursor


class ListReader:
    """Reads the lists of one stream of one shop.

    Args:
        spec: The stream.
        client: The API of the shop.
        query: Builds the requests.
        shaper: Decodes the pages of rows.
        details: Whether each row is completed from its own endpoint.
        smaller_pages: Whether a page that the server fails to return is requested with fewer rows.

    Attributes:
        details: Completes the rows, if that is requested.
        short: Lists that ended although the API counts more rows, when they were last read.
    """

    def __init__(
        self,
        spec: StreamSpec,
        client: Client,
        query: Query,
        shaper: RecordShaper,
        *,
        details: bool = False,
        smaller_pages: bool = True,
    ) -> None:
        self._spec = spec
        self._client = client
        self._query = query
        self._shaper = shaper
        self.details = Details(spec, client, shaper.key, requested=details)
        self._smaller_pages = smaller_pages
        self._warned_of_total = False
        self.short: set[Kind] = set()
        self._limits, self._limits_of_parents = ListLimits(), ListLimits()

    def pages(self, slice_: Slice, cursor: str | None = None) -> Pages[ListPage]:
        """Return the pages of a list, from its first page or from a cursor.

        Iterating raises:
            Recovery: The list must be read in another way.
            ApiError: The list cannot be read.

        Raises:
            UnexpectedResponse: Its parent has no id, so that it cannot be requested.
        """
        if slice_.parent == NO_ID:
            raise UnexpectedResponse(f"a row of {self._spec.parent} has no id")
        path, params = self._query.of(slice_)
        of_parents = slice_.kind is Kind.PARENTS
        limits = self._limits_of_parents if of_parents else self._limits
        parse = self._parse if of_parents or self.details.requested else self._parse_rows
        fetch = partial(self._fetch, slice_, limits, path, params, parse)
        if cursor is None and slice_.is_all and not any(name.startswith("filter[") for name, _ in params):
            fetch = partial(self._fetch_counted, fetch, StatedTotal(), slice_)
        return Pages(fetch, cursor)

    async def _fetch_counted(
        self,
        fetch: Callable[[str | None], Awaitable[ListPage]],
        stated: StatedTotal,
        slice_: Slice,
        cursor: str | None,
    ) -> ListPage:
        """Fetch a page of a list of all rows, and warn if the list ends although the API counts more rows."""
        answer = await fetch(cursor)
        stated.take(answer.page, answer.headers)
        if answer.next_cursor is not None:
            return answer
        self.short.discard(slice_.kind)
        if stated.exceeds_rows:
            self.short.add(slice_.kind)
        if stated.exceeds_rows and not self._warned_of_total:
            self._warned_of_total = True
            logger.warning(
                "Shop %s: %s: the API counts %d rows, but lists only %d; some may be missing.",
                self._client.shop.name,
                self._spec.parent if slice_.kind is Kind.PARENTS else self._spec.name,
                stated.total,
                stated.rows,
            )
        return answer

    async def check(self, slice_: Slice) -> None:
        """Request the first page of a list; raises as iterating over its pages does."""
        await anext(self.pages(slice_))

    async def _fetch(
        self,
        slice_: Slice,
        limits: ListLimits,
        path: str,
        params: Params,
        parse: Callable[..., ListPage],
        cursor: str | None,
    ) -> ListPage:
        at_cursor = cursor is not None
        if not slice_.pages and slice_.page_size:  # a saved cursor may depend on the size of its pages
            limits.page_size = min(limits.page_size, slice_.page_size)
        asked = params if cursor is None else (*params, ("cursor", cursor))
        has_fields = any(name == "fields" for name, _ in params)
        # Of a list that goes on from a saved cursor, the size of the pages is not known.
        before = (slice_.page_rows if slice_.pages else 1) if at_cursor else None
        parse = partial(parse, before=before)
        try:
            answer = await self._get(limits, path, asked, parse, at_cursor=at_cursor)
        except ApiError as error:
            next_step = recovery(
                error, slice_, at_cursor=at_cursor, has_fields=has_fields, depth=limits.depth
            )
            if isinstance(next_step, TooDeep):
                limits.depth = limits.depth or next_step.rows
            elif isinstance(next_step, CursorExpired) and isinstance(error, ApiUnavailable) and slice_.pages:
                self._shrink(limits, PAGE_SIZE // 2)  # the cursor may hold the size of its pages
            raise next_step from None
        if at_cursor and not slice_.pages and not answer.page.rows and answer.next_cursor is None:
            raise CursorExpired  # more rows followed when the place was saved
        if slice_.page_size != limits.page_size:
            if slice_.page_size:
                slice_.progress.forget_pages()
            slice_.page_size = limits.page_size
        slice_.pages += 1
        slice_.page_rows = len(answer.page.rows)
        return answer._replace(whole=False) if has_fields else answer

    async def _get(
        self,
        limits: ListLimits,
        path: str,
        params: Params,
        parse: Callable[..., ListPage],
        *,
        at_cursor: bool,
    ) -> ListPage:
        """Request a page, and then smaller ones if it may have been too large for the server."""
        size, failed = limits.page_size, None
        while True:
            request = _sized(params, parse, size)
            get = partial(self._client.get, path, *request, self._spec.name)
            try:
                if failed is not None:
                    answer = await get(max_retries=0)
                else:
                    smaller = quarter(size)
                    last_try = partial(_sized, params, parse, smaller) if smaller else None
                    answer = await get(last_try=last_try)
            except ApiError as error:
                other_size = at_cursor and error.status in _REFUSED  # than that of the cursor
                if failed is not None and (other_size or isinstance(error, UnexpectedResponse)):
                    self._shrink(limits, size)
                    raise
                may_shrink = self._smaller_pages
                smaller = smaller_page(size, error, again=failed is not None) if may_shrink else None
                failed = failed or error
                if smaller is None:
                    raise failed from None
                size = smaller
            else:
                self._shrink(limits, answer.limit)
                return answer

    def _shrink(self, limits: ListLimits, size: int) -> None:
        """Request no larger pages from now on."""
        if size < limits.page_size:
            limits.page_size = size
            logger.warning(
                "Shop %s: %s: the API failed to return larger pages; requesting %d rows at a time.",
                self._client.shop.name,
                self._spec.name,
                size,
            )

    def _parse_rows(
        self, response: Response, *, limit: int = PAGE_SIZE, before: int | None = None
    ) -> ListPage:
        page = None if response.replaced else self._shaper.decode(response.body)
        if page is None:
            return self._parse(response, limit=limit, before=before)
        return ListPage(page, response.requested_at, limit=limit, headers=response.headers)

    def _parse(self, response: Response, *, limit: int = PAGE_SIZE, before: int | None = None) -> ListPage:
        """Parse a page; after others, which had `pagination`, one without it must be shorter to be the last.

        Args:
            response: The response.
            limit: How many rows were requested.
            before: Rows of the page before it, None if it is the first.
        """
        full = min(limit, before or limit)
        page = parse_page(response, limit=full, bare=self._spec.bare, first=before is None)
        return ListPage(page, response.requested_at, limit=limit, headers=response.headers)


def _sized(
    params: Params, parse: Callable[..., ListPage], size: int
) -> tuple[Params, Callable[[Response], ListPage]]:
    """Return parameters and parser of a request for a number of rows."""
    if size == PAGE_SIZE:
        return params, parse  # they are made for it
    sized = tuple((name, str(size) if name == "limit" else value) for name, value in params)
    return sized, partial(parse, limit=size)
