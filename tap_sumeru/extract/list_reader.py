"""Reads one list of a stream, page by page; a request that fails for good may allow another way to go on."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from sumeru_api.client import parse_page, parse_resource
from sumeru_api.errors import ApiError
from sumeru_api.pagination import Pages
from sumeru_api.responses import Page, row_id
from tap_sumeru.extract.recovery import recovery
from tap_sumeru.extract.slices import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sumeru_api.client import Client, Params
    from sumeru_api.responses import Response, Row
    from tap_sumeru.extract.queries import Query
    from tap_sumeru.extract.slices import Slice
    from tap_sumeru.records import RecordShaper
    from tap_sumeru.records.adaptive_decoder import DecodedPage

_GONE = (404, 410)
_DETAIL_PARAMS = ("fields", "include")


class ListPage(NamedTuple):
    """A page of a list.

    Attributes:
        page: Its rows.
        requested_at: When it was requested, by the server's clock.
    """

    page: Page | DecodedPage
    requested_at: datetime

    @property
    def next_cursor(self) -> str | None:
        """Cursor of the next page, None on the last page."""
        return self.page.next_cursor


class ListReader:
    """Reads the lists of one stream of one shop.

    Args:
        stream: Name of the stream.
        client: The API of the shop.
        query: Builds the requests.
        shaper: Decodes the pages of rows.
        details: Whether each row is completed from its own endpoint.
    """

    def __init__(
        self, stream: str, client: Client, query: Query, shaper: RecordShaper, *, details: bool = False
    ) -> None:
        self._stream = stream
        self._client = client
        self._query = query
        self._shaper = shaper
        self._details = details

    def pages(self, slice_: Slice, cursor: str | None = None) -> Pages[ListPage]:
        """Return the pages of a list, from its first page or from a cursor.

        Iterating raises:
            Recovery: The list cannot be read like this, but in another way.
            ApiError: The list cannot be read.
        """
        path, params = self._query.of(slice_)
        parse = _parse if slice_.kind is Kind.PARENTS or self._details else self._parse_rows
        return Pages(partial(self._fetch, slice_, path, params, parse), cursor)

    async def _fetch(
        self,
        slice_: Slice,
        path: str,
        params: Params,
        parse: Callable[[Response], ListPage],
        cursor: str | None,
    ) -> ListPage:
        asked = params if cursor is None else (*params, ("cursor", cursor))
        try:
            answer = await self._client.get(path, asked, parse, self._stream)
        except ApiError as error:
            has_fields = any(name == "fields" for name, _ in params)
            next_step = recovery(error, slice_, at_cursor=cursor is not None, has_fields=has_fields)
            raise next_step from None
        slice_.pages += 1
        return answer

    def _parse_rows(self, response: Response) -> ListPage:
        page = self._shaper.decode(response.body)
        return _parse(response) if page is None else ListPage(page, response.requested_at)

    async def complete_rows(self, slice_: Slice, page: Page, wanted: Callable[[Row], bool]) -> None:
        """Complete rows of a page, in place, from their own endpoint.

        Args:
            slice_: The list that the page belongs to.
            page: The page.
            wanted: Returns whether a listed row is worth a request.

        Raises:
            ApiError: A row could not be read.
        """
        path, params = self._query.of(slice_)
        params = tuple((name, value) for name, value in params if name in _DETAIL_PARAMS)
        try:
            async with asyncio.TaskGroup() as group:
                for index, row in enumerate(page.rows):
                    one = row_id(row)
                    if one not in (None, ".", "..") and wanted(row):
                        url_path = f"{path}/{quote(str(one), safe='')}"
                        group.create_task(self._complete_row(page, index, url_path, params))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _complete_row(self, page: Page, index: int, path: str, params: Params) -> None:
        try:
            detail = await self._client.get(path, params, parse_resource, self._stream)
        except ApiError as error:
            if error.status not in _GONE:  # a row that is gone since it was listed stays as it was listed
                raise
        else:
            page.rows[index] = _merged(page.rows[index], detail)


def _parse(response: Response) -> ListPage:
    return ListPage(parse_page(response), response.requested_at)


def _merged(listed: Row, detail: Row) -> Row:
    """Return a row as its own endpoint has it, with what only the list has."""
    row = {**listed, **detail}
    for part in ("attributes", "relationships"):
        if isinstance(listed.get(part), dict) and isinstance(detail.get(part), dict):
            row[part] = {**listed[part], **detail[part]}
    return row
