"""The parents of a stream: listed before their children are read, and again if one of them is missing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from sumeru_api.errors import ApiError, NotFound, UnexpectedResponse
from sumeru_api.responses import Page, row_id
from tap_sumeru.extract.recovery import CursorExpired
from tap_sumeru.extract.slices import Kind, Slice

if TYPE_CHECKING:
    from datetime import datetime

    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.extract.list_reader import ListReader

logger = logging.getLogger("tap-sumeru")


class Listing(NamedTuple):
    """Ids of all rows of a stream, and when the list of them was begun, by the server's clock."""

    ids: list[str | None]
    started_at: datetime | None


class Parents:
    """The parents of one stream of one shop.

    Args:
        spec: The stream of the children.
        shop: Name of the shop, for the log.
        lists: Reads the lists.

    Attributes:
        missing: Parents that were listed and then answered 404, with the error.
    """

    def __init__(self, spec: StreamSpec, shop: str, lists: ListReader) -> None:
        self.missing: dict[str, NotFound] = {}
        self._spec = spec
        self._shop = shop
        self._lists = lists

    async def list(self) -> Listing:
        """Return all parents.

        Raises:
            ApiError: They could not be listed.
        """
        slice_, ids = Slice(Kind.PARENTS), list[str | None]()
        started_at: datetime | None = None
        while True:
            try:
                async for answer in self._lists.pages(slice_):
                    started_at = min(started_at or answer.requested_at, answer.requested_at)
                    if isinstance(answer.page, Page):
                        ids += map(row_id, answer.page.rows)
            except CursorExpired:
                logger.info(
                    "Shop %s: %s: the cursor has expired; reading the list again.",
                    self._shop,
                    self._spec.name,
                )
            except ApiError as error:
                raise self.failed(error) from None
            else:
                return Listing(ids, started_at)

    def failed(self, error: ApiError) -> ApiError:
        """Return the error of the children's stream if the parents could not be listed."""
        if error.affects_shop:
            return error
        return error.with_cause(f"the list of {self._spec.parent} failed: {error.cause}")

    def ids(self, listing: Listing) -> set[str]:
        """Return the ids of the parents.

        Raises:
            UnexpectedResponse: A parent has no id, so that its children cannot be requested.
        """
        if None in listing.ids:
            raise UnexpectedResponse(f"a row of {self._spec.parent} has no id")
        return {one for one in listing.ids if one is not None}

    async def confirm_missing(self) -> None:
        """Make sure that the parents that are missing are not listed any more either.

        Raises:
            UnexpectedResponse: One of them is still listed.
        """
        if not self.missing:
            return
        for parent in self.missing.keys() & self.ids(await self.list()):
            cause = f"one of {self._spec.parent} is listed, but its {self._spec.name} are not found"
            raise self.missing[parent].with_cause(cause, UnexpectedResponse)
