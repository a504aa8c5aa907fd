"""Ids of rows: whether the API's ids are unique, and what replaces them if not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_sumeru.extract.duplicate_ids import DuplicateIds, shared_on_page
from tap_sumeru.extract.recovery import StartOver

if TYPE_CHECKING:
    from datetime import datetime

    from tap_sumeru.catalog.streams import StreamSpec
    from tap_sumeru.extract.queries import Query
    from tap_sumeru.extract.read_plan import ReadPlan
    from tap_sumeru.extract.slices import Slice
    from tap_sumeru.records import ShapedPage
    from tap_sumeru.state.bookmarks import Bookmark

logger = logging.getLogger("tap-sumeru")

_MAX_REMEMBERED = 1 << 19
_ID = "id"
_CREATED = ("created_at",)
"""What tells rows without a natural key from others with the same id: it never changes."""
_SAME_ID = (
    "Shop %s: %s: rows with different created_at have the same id, so the target keeps only one of them. "
    "Please report this."
)


class RowIds:
    """The ids of the rows of one read.

    The API's ids are used until several rows with different natural keys have the same one, as the stock of a
    product at each location may have the product's id. Other ids are made from the natural key until it
    proves not to be unique, then from the content of the rows. Two different rows with the same natural key
    prove that, also if one of them was written by an earlier read and lies before the range of this one.
    Only a young row of a later page, with another replication key, may be the same row, which has changed
    meanwhile.

    Args:
        spec: The stream.
        bookmark: Remembers that a natural key is not unique.
        query: Builds the requests.
        plan: The plan of the read.
        shop: Name of the shop, for the log.
        max_remembered: Natural keys of how many rows are remembered; later rows are compared with these.
    """

    def __init__(
        self,
        spec: StreamSpec,
        bookmark: Bookmark,
        query: Query,
        plan: ReadPlan,
        shop: str,
        *,
        max_remembered: int = _MAX_REMEMBERED,
    ) -> None:
        self._spec = spec
        self._shop = shop
        self._bookmark = bookmark
        self._query = query
        self._plan = plan
        self._max_remembered = max_remembered
        self._seen: dict[int, int] = {}
        self._young: dict[int, datetime] = {}
        self._duplicate_ids = DuplicateIds(spec.natural_key)
        self._warned = False

    @property
    def own_ids(self) -> bool:
        """Whether the ids of the API are used."""
        return not (self._spec.natural_key and _ID in self._bookmark.not_unique)

    @property
    def natural_key(self) -> bool:
        """Whether ids are made from the natural key."""
        return not set(self._spec.natural_key) <= set(self._bookmark.not_unique)

    @property
    def comparing(self) -> bool:
        """Whether rows are compared with all others of the read, so that a later run cannot continue it."""
        return bool(self._seen)

    def check(self, slice_: Slice, page: ShapedPage, *, whole: bool) -> None:
        """Make sure that the ids that were made for the rows of a page tell them from all others.

        Args:
            slice_: The list that the page belongs to.
            page: The page.
            whole: Whether all attributes of its rows were requested.

        Raises:
            StartOver: They do not; from now on all attributes are requested, or the natural key is not used.
        """
        if not whole and None in page.ids:
            self._query.fields = ()
            raise StartOver
        checked = bool(self._spec.natural_key) and self.own_ids
        if checked and self._duplicate_ids.found(slice_.parent, page, self._plan.range.is_young):
            self._give_up((_ID,), "", " and ".join((_ID, *self._spec.natural_key)))
            raise StartOver
        if not (self._spec.natural_key or self._warned) and shared_on_page(page, _CREATED):
            self._warned = True
            logger.warning(_SAME_ID, self._shop, self._spec.name)
        on_page: dict[str, int] = {}
        for index, (row_id, content) in page.made_ids.items():
            is_shared = on_page.setdefault(row_id, content) != content
            if is_shared or self._was_another(slice_, row_id, content, page.timestamps[index]):
                self._give_up(self._spec.natural_key, " without an id" if self.own_ids else "", "content")
                raise StartOver

    def _was_another(self, slice_: Slice, row_id: str, content: int, timestamp: datetime | None) -> bool:
        """Return whether another row of the read had the same natural key."""
        windowed = slice_.window is not None
        if windowed and timestamp is not None and not self._plan.range.holds(slice_, timestamp):
            return False  # the list of its own window returns it too
        key = hash((slice_.parent, row_id))
        if key not in self._seen and len(self._seen) >= self._max_remembered:
            return False
        may_have_changed = False
        if timestamp is not None and self._plan.range.is_young(timestamp):
            may_have_changed = self._young.get(key) != timestamp
            self._young[key] = timestamp
        return self._seen.setdefault(key, content) != content and not may_have_changed

    def _give_up(self, not_unique: tuple[str, ...], rows: str, source: str) -> None:
        logger.warning(
            "Shop %s: %s: several rows%s have the same %s, so their ids are made from their %s, and the "
            "stream is read from the start. Rows that were written under other ids stay in the warehouse "
            "until a FULL_TABLE read.",
            self._shop,
            self._spec.name,
            rows,
            " and ".join(not_unique),
            source,
        )
        self._bookmark.not_unique = (*self._bookmark.not_unique, *not_unique)
        self._seen.clear()
        self._young.clear()
        self._plan.forget()  # rows of earlier reads may have replaced each other
