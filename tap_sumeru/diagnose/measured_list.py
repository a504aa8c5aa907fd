"""Estimates the rows of one list over time, from its first page and a few days through the date filter."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from tap_sumeru.catalog.streams import PAGE_SIZE
from tap_sumeru.diagnose.density import Days, Density
from tap_sumeru.diagnose.filtered_days import FilteredDays
from tap_sumeru.diagnose.list_ends import ListEnds
from tap_sumeru.diagnose.list_order import oldest_first
from tap_sumeru.diagnose.sampled_days import ZONES, Sampled
from tap_sumeru.diagnose.workload import day_number
from tap_sumeru.extract.slices import Slice

if TYPE_CHECKING:
    from tap_sumeru.diagnose.list_order import Order
    from tap_sumeru.diagnose.sampled_days import ApiBehaviour
    from tap_sumeru.diagnose.samples import StreamSampler
    from tap_sumeru.records import ShapedPage

_PAGES = 2
"""Pages of several days to read before fewer days are tried."""
_FIRST_DAYS = 8
"""Days to sample first of a list whose density is unknown."""
_SAMPLES = 3
"""Samples that say more about a range than the order of the list does: beginning, middle and end."""
_OLDER = 100 * 365
"""Days before the oldest row known in which older ones are looked for."""
_BACK = 4
"""How many times longer the range becomes while older rows are found."""
_MAX_TAIL = 7
"""Requests to find the oldest row of a list that no date sorts."""


class MeasuredList:
    """One list of a stream of one shop: all its rows, or the children of one parent.

    Args:
        sampler: Reads it.
        shop: Name of the shop.
        behaviour: How the shop's API behaves, as far as is known.
        parent: Id of the parent, None if the stream has none.

    Attributes:
        dates: Replication keys of the rows of the first page, in days since 1970.
        seen: Rows of the first page.
        complete: Whether the first page is the whole list.
        now: When the first page was requested, by the server's clock.
        order: The order of the rows, None if no date sorts them.
        density: Its rows per day, None before `sample_range`.
        filtered: Whether a sync may use the date filter: no row has refuted it.
        usable: Whether the date filter can be used for samples.
        provable: Whether rows were seen that prove the filter in a sync.
        at_least: Whether the list may have more rows than the estimate says, without a bound.
    """

    def __init__(
        self, sampler: StreamSampler, shop: str, behaviour: ApiBehaviour, parent: str | None = None
    ) -> None:
        self._sampler = sampler
        self._shop = shop
        self._behaviour = behaviour
        self._parent = parent
        self._ends: ListEnds | None = None
        self._days = FilteredDays(sampler, shop, behaviour, parent, self._look_for_proof)
        self._dense = False
        self._tries = 0
        self._tail_rows = 0
        self._tail_end: float | None = None
        self._whole = self._listed = False
        self.dates: list[float] = []
        self.seen = 0
        self.complete = False
        self.now = 0.0
        self.order: Order | None = None
        self.density: Density | None = None
        self.filtered = self.usable = sampler.options.date_filter is not None
        self.provable = False
        self.at_least = False

    # Requests

    async def open(self) -> None:
        """Read the first page.

        Raises:
            ApiError: It could not be read.
            Recovery: The API does not accept the request.
        """
        async for answer in self._sampler.lists.pages(Slice(parent=self._parent)):
            page = self._sampler.shaper.shape_page(answer.page, self._shop, self._parent)
            self.complete = answer.next_cursor is None
            self.now = day_number(answer.requested_at)
            self.seen = len(page.records)
            self.dates = [day_number(one) for one in page.timestamps if one is not None]
            self.usable = self.usable and len(self.dates) == self.seen > 0
            self.order = None if self.complete else oldest_first(page.records)
            self._look_for_proof(page)
            break

    def sample_range(self, start: float | None, end: float) -> None:
        """Let samples cover a range, from its start or from the oldest row."""
        self._listed = start is None
        oldest = self.order.first if self.order else min(self.dates, default=end)
        if start is None or (self.order is not None and oldest > start):
            start = min(oldest, end - 1)
            self._whole = True
            self._tail_end = None if self.order else start
        if self.order is not None:
            self.density = Density(start, end, self.order.per_day)
            if self._whole and self.order.name == self._sampler.key:
                self.density.add_part(start, start + self.order.rows / self.order.per_day, self.order.rows)
        else:
            self.density = Density(start, end, self.seen / (end - start), _FIRST_DAYS)

    async def sample(self, allowed: int) -> bool:
        """Sample the days that reduce the uncertainty most; return False if nothing more can be learned.

        Args:
            allowed: Requests that it may take, at most.
        """
        if self.density is None or self.complete:
            return False
        if self._by_ends:
            return await self._read_ends()
        if self._tail_end is not None and self._tries < _MAX_TAIL:
            return await self._look_for_older(self.density)
        return await self._sample_days(self.density, allowed)

    async def _sample_days(self, density: Density, allowed: int) -> bool:
        days = density.next_days()
        if days is None or self.next_cost > allowed:
            return False
        single = days.end - days.first == 1
        if self._is_dense(days):
            found = await self._days.read_ends(days)
            if found is not None:
                density.add_part(*found.range_of(days), found.rows)
                return True
        most = min(_PAGES if not single or self._behaviour.sorts else allowed, allowed)
        found = await self._read(days, most)
        if found is None:
            return True
        if not found.rows and not self._behaviour.last_day.known and allowed > 1:
            self._behaviour.last_day.included = False
            found = await self._read(days, most) or found
        if found.complete:
            density.add(self._behaviour.last_day.covered(days, found), found.rows)
        elif single and self._behaviour.sorts and not self._dense:
            self._dense = True
        elif not density.shorten(days):
            density.add(days, found.rows)
            self.at_least = True
            return False
        return True

    def _is_dense(self, days: Days) -> bool:
        """Whether a day has so many rows that only its first and its last ones are read."""
        dense = self._dense or (self.density is not None and self.density.next_rows > _PAGES * PAGE_SIZE)
        return dense and days.end - days.first == 1 and self._behaviour.sorts

    @property
    def _by_ends(self) -> bool:
        """Whether the ends of the list are read next, rather than days through the filter.

        They say more about a whole list, but the filter must be looked at once if a sync is to use it.
        """
        looked_at = self._listed or self._ends is not None or (self.density and self.density.samples)
        better = self._whole and self.order is not None and self._behaviour.sorts and looked_at
        return bool(better) or not self.usable

    async def _read_ends(self) -> bool:
        """Read a page at one end of the list; what lies between the ends is estimated from both."""
        if self._ends is None:
            self._ends = ListEnds(self._sampler, self._shop, Slice(parent=self._parent), self.order, self.now)
        self._behaviour.sorts = self._behaviour.sorts and await self._ends.read()
        density = self._ends.density()
        if density is not None:
            self.density, self._whole = density, True
        return self._behaviour.sorts or self.usable

    async def _look_for_older(self, density: Density) -> bool:
        """Look for rows before the oldest one known, and let the range begin there."""
        self._tries += 1
        end = int(self._tail_end or 0.0)
        found = await self._read(Days(end - _OLDER, end), 1)
        if found is None:
            return True  # the ends are left to read
        if found.complete or found.oldest is None:
            self._tail_rows, self._tail_end = found.rows, None
            return True
        # A list may be sorted newest first, so the oldest row of a page may be far from the oldest of all.
        start = min(found.oldest, density.end - _BACK * (density.end - density.start))
        self._tail_end = start
        self.density = Density(start, density.end, density.per_day(end), _FIRST_DAYS)
        if self._tries == _MAX_TAIL:
            self.at_least = True
        return True

    async def _read(self, days: Days, most: int) -> Sampled | None:
        """Read some days; None if the filter cannot be used, which leaves the ends of the list."""
        found = await self._days.read(days, most)
        self.usable = found is not None
        self.filtered = self.filtered and not self._days.refuted
        return found

    def _look_for_proof(self, page: ShapedPage) -> None:
        """Look for a row that proves the filter in a window of a sync: its other dates lie far away."""
        if self.provable:
            return
        distance = self._sampler.options.window_days + 2 * ZONES
        for i, timestamp in enumerate(page.timestamps):
            others = list(page.other_dates(i)) if timestamp is not None else []
            if others and timestamp is not None:
                away = (abs(day_number(one) - day_number(timestamp)) for one in others)
                self.provable = self.provable or all(one > distance for one in away)

    # What is known

    @property
    def measured(self) -> bool:
        """Whether samples say how many rows the list has."""
        if self.density is None:
            return False
        samples = len(self.density.samples)
        by_days = self.usable and samples >= (_SAMPLES if self.order and self._whole else 1)
        return by_days or (self._ends is not None and samples > 1)

    @property
    def next_cost(self) -> float:
        """Requests that the next sample takes, roughly; counted higher if it teaches less than the first."""
        if self._by_ends:
            return 1.0 if self._ends is None else float(self._ends.weight)
        rows = 0.0 if self.density is None else self.density.next_rows
        return min(max(1.0, rows / PAGE_SIZE), _PAGES if self._behaviour.sorts else inf)

    @property
    def guessed(self) -> bool:
        """Whether the number of rows is a guess, from how dense the first rows are."""
        return not self.complete and not self.measured and self.order is not None

    @property
    def bounded(self) -> bool:
        """Whether the number of rows is more than a lower bound."""
        return (self.complete or self.measured or self.guessed) and not self.at_least

    @property
    def total(self) -> float:
        """Rows of the whole list, as far as it is known."""
        if self.complete:
            return self.seen
        guess = max(self.order.total(self.now) if self.order else 0.0, self._floor)
        if self.density is None or not self.measured or not self._whole:
            return guess
        return max(self._tail_rows + self.density.rows(self.density.start, self.density.end), self._floor)

    @property
    def _floor(self) -> float:
        """How many rows the list has at least: a page that is not the last is followed by a row."""
        return self.seen + (0 if self.complete else 1)

    @property
    def error(self) -> float:
        """How many rows `total` may be wrong by."""
        if self.complete:
            return 0.0
        if self.density is not None and self.measured:
            return min(self.density.error, 2 * self.total)
        return self.total

    @property
    def unknown(self) -> bool:
        """Whether samples would say how many rows the list has, and nothing says so yet."""
        return self.usable and not (self.complete or self.measured or self.guessed or self.at_least)

    def between(self, start: float, end: float) -> float:
        """Return the rows between two times."""
        if self.complete or (self.order is None and not self.measured):
            return sum(start <= one < end for one in self.dates)
        if self.density is not None and self.measured:
            return self.density.rows(start, end)
        assert self.order is not None  # noqa: S101 - without one it is measured, see above
        return self.order.per_day * max(0.0, min(end, self.now) - max(start, self.order.first))

    @property
    def per_day(self) -> float:
        """Rows per day, roughly."""
        return self.total / max(1.0, self.now - min(self.dates, default=self.now))

    def kept(self, start: float | None, end: float | None) -> float:
        """Return the rows that a sync of a range keeps: those without a replication key always."""
        if (start is None and end is None) or not self.dates:
            return self.total
        undated = self.seen - len(self.dates) if self.complete else 0
        older = self._tail_rows if start is None else 0
        low = -1e9 if start is None else start
        return undated + older + self.between(low, 1e9 if end is None else end)
