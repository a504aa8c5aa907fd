"""Reads one list of a stream, page by page; a request that fails for good may allow another way to go on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sumeru_api.client import parse_page
from sumeru_api.errors import ApiError
from sumeru_api.pagination import Pages
from tap_sumeru.catalog.streams import PAGE_SIZE
from tap_sumeru.extract.details import Details
from tap_sumeru.extract.recovery import recovery
from tap_sumeru.extract.slices import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sumeru_api.client import Client, Params
    from sumeru_api.responses import Page, Response
    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.extract.queries import Query
    from tap_sumeru.extract.slices import Slice
    from tap_sumeru.records import RecordShaper
    from tap_sumeru.records.adaptive_decoder import DecodedPage


class ListPage(NamedTuple):
    """A page of a list.

    Attributes:
        page: Its rows.
        requested_at: When it was requested, by the server's clock.
        whole: Whether all attributes of its rows were requested.
    """

    page: Page | DecodedPage
    requested_at: datetime
    whole: bool = True

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

    Attributes:
        details: Completes the rows, if that is requested.
    """

    def __init__(
        self, spec: StreamSpec, client: Client, query: Query, shaper: RecordShaper, *, details: bool = False
    ) -> None:
        self._spec = spec
        self._client = client
        self._query = query
        self._shaper = shaper
        self.details = Details(spec, client, requested=details)

    def pages(self, slice_: Slice, cursor: str | None = None) -> Pages[ListPage]:
        """Return the pages of a list, from its first page or from a cursor.

        Iterating raises:
            Recovery: The list cannot be read like this, but in another way.
            ApiError: The list cannot be read.
        """
        path, params = self._query.of(slice_)
        parse = self._parse if slice_.kind is Kind.PARENTS or self.details.requested else self._parse_rows
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
        has_fields = any(name == "fields" for name, _ in params)
        try:
            answer = await self._client.get(path, asked, parse, self._spec.name)
        except ApiError as error:
            next_step = recovery(error, slice_, at_cursor=cursor is not None, has_fields=has_fields)
            raise next_step from None
        slice_.pages += 1
        return answer._replace(whole=False) if has_fields else answer

    def _parse_rows(self, response: Response) -> ListPage:
        page = None if response.replaced else self._shaper.decode(response.body)
        return self._parse(response) if page is None else ListPage(page, response.requested_at)

    def _parse(self, response: Response) -> ListPage:
        page = parse_page(response, limit=PAGE_SIZE, bare=self._spec.bare)
        return ListPage(page, response.requested_at)
