"""Reads days of one list through the date filter: whole, or only the first and the last rows of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError
from tap_sumeru.diagnose.list_ends import ListEnd
from tap_sumeru.diagnose.sampled_days import Sampled, WholeDays
from tap_sumeru.diagnose.workload import day_number, day_start
from tap_sumeru.extract.recovery import FilterRejected, Recovery
from tap_sumeru.extract.slices import Slice

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_sumeru.diagnose.density import Days
    from tap_sumeru.diagnose.sampled_days import ApiBehaviour
    from tap_sumeru.diagnose.samples import StreamSampler
    from tap_sumeru.records import ShapedPage


class FilteredDays:
    """Days of one list.

    Args:
        sampler: Reads them.
        shop: Name of the shop.
        behaviour: How the shop's API behaves, as far as is known.
        parent: Id of the parent, None if the stream has none.
        look: Called with each page of whole days.

    Attributes:
        refuted: Whether a row has shown that the filter does not act on the replication key.
    """

    def __init__(
        self,
        sampler: StreamSampler,
        shop: str,
        behaviour: ApiBehaviour,
        parent: str | None,
        look: Callable[[ShapedPage], None],
    ) -> None:
        self._sampler = sampler
        self._shop = shop
        self._behaviour = behaviour
        self._parent = parent
        self._look = look
        self.refuted = False

    def _slice(self, days: Days) -> Slice:
        last = days.end - (1 if self._behaviour.last_day.included else 0)
        return Slice(window=WholeDays(day_start(days.first), day_start(last)), parent=self._parent)

    async def read(self, days: Days, most: int) -> Sampled | None:
        """Read some days with so many requests at most; None if the filter cannot be used."""
        found = Sampled()
        try:
            async for answer in self._sampler.lists.pages(self._slice(days)):
                page = self._sampler.shaper.shape_page(answer.page, self._shop, self._parent)
                dates = [day_number(one) for one in page.timestamps if one is not None]
                found.add(dates, days, len(page.records))
                self._look(page)
                found.pages += 1
                found.complete = answer.next_cursor is None
                if found.refuted or found.pages >= max(1, most):
                    break
        except FilterRejected:
            found.refuted = True
        except (Recovery, ApiError):
            return None
        self.refuted |= found.refuted
        return None if found.refuted else found

    async def read_ends(self, days: Days) -> Sampled | None:
        """Read the first and the last rows of days with two requests; None if the API does not sort them."""
        found = Sampled()
        for descending in (False, True):
            key, slice_ = self._sampler.key, self._slice(days)
            end = ListEnd(self._sampler, self._shop, slice_, key, descending=descending)
            self._behaviour.sorts = await end.read()
            if not end.dates:
                return None
            found.add(end.dates, days, len(end.dates))
            found.part += max(end.dates) - min(end.dates)
            found.complete = not end.more
            if found.complete:
                found.part = 0.0
                break
        self.refuted |= found.refuted
        return None if found.refuted or not (found.complete or found.part) else found
