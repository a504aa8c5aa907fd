"""How many rows one list has, and when: from its first page, and from a few days through the date filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError
from tap_sumeru.catalog.streams import PAGE_SIZE
from tap_sumeru.diagnose.density import Days, Density
from tap_sumeru.diagnose.list_order import oldest_first
from tap_sumeru.diagnose.sampled_days import ZONES, Sampled, WholeDays
from tap_sumeru.diagnose.workload import day_number, day_start
from tap_sumeru.extract.recovery import FilterRejected, Recovery
from tap_sumeru.extract.slices import Slice

if TYPE_CHECKING:
    from tap_sumeru.diagnose.list_order import Order
    from tap_sumeru.diagnose.sampled_days import LastDay
    from tap_sumeru.diagnose.samples import StreamSampler
    from tap_sumeru.records import ShapedPage

_PAGES = 2
"""Pages of several days to read before fewer days are tried."""
_FIRST_DAYS = 8
"""Days to sample first of a list of which nothing says how dense it is."""
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
        last_day: How the shop's API reads the last day of the filter.
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
        self, sampler: StreamSampler, shop: str, last_day: LastDay, parent: str | None = None
    ) -> None:
        self._sampler = sampler
        self._shop = shop
        self._last_day = last_day
        self._parent = parent
        self._tries = 0
        self._tail_rows = 0
        self._tail_end: float | None = None
        self._whole = False
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
        oldest = self.order.first if self.order else min(self.dates, default=end)
        if start is None or (self.order is not None and oldest > start):
            start = min(oldest, end - 1)
            self._whole = True
            self._tail_end = None if self.order else start
        if self.order is not None:
            self.density = Density(start, end, self.order.per_day)
        else:
            self.density = Density(start, end, self.seen / (end - start), _FIRST_DAYS)

    async def sample(self, allowed: int) -> bool:
        """Sample the days that leave the most open; return False if nothing more can be learned.

        Args:
            allowed: Requests that it may take, at most.
        """
        if self.density is None or not self.usable or self.complete:
            return False
        if self._tail_end is not None and self._tries < _MAX_TAIL:
            return await self._look_for_older(self.density)
        days = self.density.next_days()
        if days is None or self.next_cost > allowed:
            return False
        found = await self._read(days, allowed)
        if found is None:
            return False
        if not found.rows and not self._last_day.known and allowed > 1:
            self._last_day.included = False
            found = await self._read(days, allowed - 1) or found
        if found.complete:
            self.density.add(self._last_day.covered(days, found), found.rows)
        elif not self.density.shorten(days):
            self.density.add(days, found.rows)
            self.at_least = True
            return False
        return True

    async def _look_for_older(self, density: Density) -> bool:
        """Look for rows before the oldest one known, and let the range begin there."""
        self._tries += 1
        end = int(self._tail_end or 0.0)
        found = await self._read(Days(end - _OLDER, end), 1)
        if found is None:
            return False
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

    async def _read(self, days: Days, allowed: int) -> Sampled | None:
        """Read some days; None if the filter cannot be used."""
        found = Sampled()
        last = days.end - (1 if self._last_day.included else 0)
        window = WholeDays(day_start(days.first), day_start(last))
        most = allowed if days.end - days.first == 1 else min(_PAGES, allowed)
        try:
            async for answer in self._sampler.lists.pages(Slice(window=window, parent=self._parent)):
                page = self._sampler.shaper.shape_page(answer.page, self._shop, self._parent)
                self._take(page, days, found)
                found.pages += 1
                found.complete = answer.next_cursor is None
                if found.refuted or found.pages >= max(1, most):
                    break
        except FilterRejected:
            found.refuted = True
        except (Recovery, ApiError):
            self.usable = False
            return None
        if found.refuted:
            self.filtered = self.usable = False
        return found if self.usable else None

    def _take(self, page: ShapedPage, days: Days, found: Sampled) -> None:
        found.add([day_number(one) for one in page.timestamps if one is not None], days, len(page.records))
        self._look_for_proof(page)

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
        if self.density is None or not self.usable:
            return False
        return len(self.density.samples) >= (_SAMPLES if self.order else 1)

    @property
    def next_cost(self) -> float:
        """Requests that the next sample takes, roughly."""
        days = self.density.next_days() if self.density is not None else None
        if days is None or self.density is None:
            return 1.0
        return max(
            1.0, (days.end - days.first) * self.density.per_day((days.first + days.end) / 2) / PAGE_SIZE
        )

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
        return self.total / 2

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
        assert self.order is not None  # noqa: S101 - see above
        shared = min(end, self.now) - max(start, self.order.first)
        return self.order.per_day * max(0.0, shared)

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
