"""The parents of a stream: listed before their children are read, and left out if these cannot be read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from sumeru_api.errors import ApiError, ApiUnavailable, HostNotResponding, NotFound
from sumeru_api.responses import Page, row_id
from tap_sumeru.extract.recovery import CursorExpired, TooDeep
from tap_sumeru.extract.slices import NO_ID, Kind, Slice

if TYPE_CHECKING:
    from datetime import datetime

    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.extract.list_reader import ListReader

logger = logging.getLogger("tap-sumeru")

_GONE = (404, 410)
_MAX_UNAVAILABLE = 20
"""Parents in a row for which the server fails, each with all its retries, before the read gives up."""


class Listing(NamedTuple):
    """Ids of all rows of a stream.

    Attributes:
        ids: The ids.
        started_at: When the list of them was begun, by the server's clock.
        short: Whether the API counts more rows than it lists.
    """

    ids: list[str | None]
    started_at: datetime | None
    short: bool = False


class Parents:
    """The parents of one stream of one shop.

    Args:
        spec: The stream of the children.
        shop: Name of the shop, for the log.
        lists: Reads the lists.

    Attributes:
        missing: Parents that were listed, but whose children answered 404 or 410, with the error.
    """

    def __init__(self, spec: StreamSpec, shop: str, lists: ListReader) -> None:
        self.missing: dict[str, ApiError] = {}
        self._spec = spec
        self._shop = shop
        self._lists = lists
        self._errors: list[ApiError] = []
        self._unavailable = 0
        self._silent = self._short = False
        self._warned_of: set[str] = set()

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
                        page_ids = list(map(row_id, answer.page.rows))
                        ids += page_ids
                        if answer.next_cursor is not None:
                            slice_.progress.take(frozenset(page_ids), rows=len(page_ids))
            except CursorExpired:
                logger.info(
                    "Shop %s: %s: the cursor has expired; reading the list again.",
                    self._shop,
                    self._spec.name,
                )
            except TooDeep as refusal:
                raise self.failed(refusal.because("no date filter divides it")) from None
            except ApiError as error:
                raise self.failed(error) from None
            else:
                return Listing(ids, started_at, short=Kind.PARENTS in self._lists.short)

    def failed(self, error: ApiError) -> ApiError:
        """Return the error of the children's stream if the parents could not be listed."""
        if error.affects_shop:
            return error
        return error.with_cause(f"the list of {self._spec.parent} failed: {error.cause}")

    @property
    def short(self) -> bool:
        """Whether the API counts more of them, or more rows of the stream itself, than it has listed."""
        return self._short or bool(self._lists.short)

    def ids(self, listing: Listing) -> set[str]:
        """Return the ids of the parents; those without one count as one whose children cannot be read."""
        self._short = listing.short
        return {NO_ID if one is None else one for one in listing.ids}

    # Parents whose children cannot be read

    def begin(self) -> None:
        """Forget which parents were left out: all are read again."""
        self.missing.clear()
        self._errors.clear()
        self.answered()

    def answered(self) -> None:
        """Record that the server has answered."""
        self._unavailable, self._silent = 0, False

    def leave_out(self, parent: str, error: ApiError) -> bool:
        """Leave out a parent whose children cannot be read.

        Args:
            parent: Its id.
            error: Why.

        Returns:
            Whether it is only missing, so that the stream can still be complete.

        Raises:
            ApiError: The other parents must not be tried either.
        """
        if error.affects_shop:
            # One parent whose requests hang looks like a host that is down, until another parent is read.
            if not isinstance(error, HostNotResponding) or self._silent:
                raise error
            self._silent, error = True, error.with_cause(error.cause, ApiUnavailable)
        if error.status in _GONE:
            self.missing[parent] = error
            self.answered()
            return True
        self._errors.append(error)
        self._unavailable = self._unavailable + 1 if isinstance(error, ApiUnavailable) else 0
        if self._unavailable >= _MAX_UNAVAILABLE:
            raise self._error(f"{self._unavailable} in a row, so the rest was not tried")
        return False

    async def check(self, parents: set[str] | None) -> None:
        """Log which parents were left out, once all others have been read.

        Args:
            parents: All parents.

        Raises:
            ApiError: Some of them may still have children.
        """
        if self.missing and self.missing.keys() != self._warned_of:
            self._warned_of = set(self.missing)
            logger.warning(
                "Shop %s: %s: skipped %d of %d %s, which answered 404 or 410; each is read in full once it "
                "answers again.",
                self._shop,
                self._spec.name,
                len(self.missing),
                len(parents or ()),
                self._spec.parent,
            )
        if self._errors:
            raise self._error("all others were read")
        if parents and self.missing.keys() == parents:
            # With a wrong path or without a scope, the API may answer like this for all of them.
            for parent in self.missing.keys() & self.ids(await self.list()):
                cause = f"no {self._spec.name} of any of {len(parents)} {self._spec.parent} are found"
                raise self.missing[parent].with_cause(cause, NotFound)

    def _error(self, rest: str) -> ApiError:
        first, count = self._errors[0], len(self._errors)
        cause = f"the {self._spec.name} of {count} {self._spec.parent} cannot be read ({rest})"
        return first.with_cause(f"{cause}: {first.cause}")
