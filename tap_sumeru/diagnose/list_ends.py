"""Rows per day at the beginning of a list, and at its end if the API sorts it."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

from typing_extensions import override

from sumeru_api.errors import ApiError
from sumeru_api.timestamps import parse
from tap_sumeru.diagnose.density import Density
from tap_sumeru.diagnose.workload import day_number
from tap_sumeru.extract.list_reader import ListReader
from tap_sumeru.extract.queries import Query
from tap_sumeru.extract.recovery import Recovery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sumeru_api.client import Params
    from tap_sumeru.diagnose.list_order import Order
    from tap_sumeru.diagnose.samples import StreamSampler
    from tap_sumeru.extract.slices import Slice

WHOLE_DAYS = 7
"""Days that each end should cover, since sales depend on the hour and on the day of the week."""
_MIN_ROWS = 10


class _SortedQuery(Query):
    """Builds requests for a list in the order of a column.

    Args:
        sampler: The stream.
        sort: The column, with `-` in front for descending order.
    """

    def __init__(self, sampler: StreamSampler, sort: str) -> None:
        super().__init__(sampler.spec, sampler.options)
        self._sort = sort

    @override
    def of(self, slice_: Slice) -> tuple[str, Params]:
        """Return path and parameters of the first page of a slice."""
        path, params = super().of(slice_)
        return path, (*params, ("sort", self._sort))


class ListEnd:
    """The first rows of a list in the order of a date.

    Args:
        sampler: Reads them.
        shop: Name of the shop.
        slice_: The list.
        column: The date.
        descending: Whether the newest row comes first.

    Attributes:
        dates: The dates of the rows, in days since 1970.
        pages: Pages that were read.
        more: Whether more rows may follow that can be read.
    """

    def __init__(
        self, sampler: StreamSampler, shop: str, slice_: Slice, column: str, *, descending: bool
    ) -> None:
        query = _SortedQuery(sampler, f"-{column}" if descending else column)
        self._pages = ListReader(
            sampler.spec, sampler.client, query, sampler.shaper, smaller_pages=False
        ).pages(slice_)
        self._shaper, self._shop, self._parent = sampler.shaper, shop, slice_.parent
        self._column = column
        self._descending = descending
        self.dates: list[float] = []
        self.pages = 0
        self.more = True

    async def read(self) -> bool:
        """Read the next page; return False if the rows are not in order, or a page cannot be read."""
        try:
            answer = await anext(self._pages)
        except (StopAsyncIteration, ApiError, Recovery):
            self.more = False
            return False
        page = self._shaper.shape_page(answer.page, self._shop, self._parent)
        dates = [date_of(record.get(self._column)) for record in page.records]
        known = [one for one in dates if one is not None]
        self.more = answer.next_cursor is not None
        if len(known) < len(dates) or not self._in_order([*self.dates[-1:], *known]):
            self.more = False
            return False
        self.dates += known
        self.pages += 1
        return True

    def _in_order(self, dates: Sequence[float]) -> bool:
        return all((a >= b) if self._descending else (a <= b) for a, b in pairwise(dates))

    def span(self, start: float, now: float) -> tuple[float, float, int] | None:
        """Return from when to when the rows are, and how many; None if they say too little.

        If the newest come first, no other row lies between them and the present.

        Args:
            start: Earlier rows are left out.
            now: The present; later rows are left out.
        """
        dates = [one for one in self.dates if start <= one <= now]
        all_later = self._descending and len(dates) < len(self.dates) and min(self.dates) < start
        if len(dates) < _MIN_ROWS and not all_later:
            return None
        low = start if all_later else min(dates)
        high = now if self._descending else max(dates)
        return (low, high, len(dates) - (not all_later)) if high > low else None

    def days(self, now: float) -> float:
        """Return how many days the rows cover."""
        found = self.span(-inf, now)
        return 0.0 if found is None else found[1] - found[0]


def date_of(value: object) -> float | None:
    """Return a date in days since 1970, None if a value is none."""
    timestamp = parse(value) if isinstance(value, str) else None
    return None if timestamp is None else day_number(timestamp)


class ListEnds:
    """Both ends of a list, for one that no date filter divides.

    Args:
        sampler: Reads them.
        shop: Name of the shop.
        slice_: The list.
        order: The order in which the API lists the rows, None if no date sorts them.
        now: The present, by the server's clock.
    """

    def __init__(
        self, sampler: StreamSampler, shop: str, slice_: Slice, order: Order | None, now: float
    ) -> None:
        column = order.name if order else sampler.key
        self._order = order
        self._now = now
        self._oldest = ListEnd(sampler, shop, slice_, column, descending=False)
        self._newest = ListEnd(sampler, shop, slice_, column, descending=True)

    async def read(self) -> bool:
        """Read a page at the end that is known less; return False if that would add nothing."""
        days = {self._newest: self._newest.days(self._now), self._oldest: self._oldest_days}
        known = [end for end in days if end.more and days[end] < WHOLE_DAYS]
        return bool(known) and await min(known, key=lambda one: days[one]).read()

    @property
    def weight(self) -> int:
        """How many more pages teach as much as the first one: each says less than the one before."""
        return max(1, 2 * min(self._oldest.pages, self._newest.pages))

    @property
    def _oldest_days(self) -> float:
        listed = self._order.rows / self._order.per_day if self._order else 0.0
        return max(listed, self._oldest.days(self._now))

    def density(self) -> Density | None:
        """Return the rows per day between the ends, None if an end is unknown."""
        newest, oldest = self._newest.span(-inf, self._now), self._oldest.span(-inf, self._now)
        if oldest is None and self._order is not None:
            low, per_day, rows = self._order.first, self._order.per_day, self._order.rows
            oldest = (low, low + rows / per_day, rows)
        if newest is None or oldest is None:
            return None
        density = Density(oldest[0], self._now, oldest[2] / (oldest[1] - oldest[0]))
        density.add_part(*oldest)
        density.add_part(*newest)
        return density
