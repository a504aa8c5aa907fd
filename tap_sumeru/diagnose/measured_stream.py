"""Rows and requests of the first sync of one stream: of its list, or of the lists of some of its parents."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import gcd, inf, sqrt
from statistics import mean, stdev
from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError
from sumeru_api.responses import row_id
from tap_sumeru.diagnose.measured_list import MeasuredList
from tap_sumeru.diagnose.workload import day_number, list_pages, probe_pages, window_pages
from tap_sumeru.extract.recovery import Recovery
from tap_sumeru.extract.slices import Kind, Slice
from tap_sumeru.sync.advice import with_advice

if TYPE_CHECKING:
    from datetime import datetime

    from tap_sumeru.diagnose.sampled_days import ApiBehaviour
    from tap_sumeru.diagnose.samples import StreamSampler

_MAX_PARENT_PAGES = 3
_PARENT_SPREAD = 0.5
"""How much the lists of two parents usually differ in length."""


class Certainty(Enum):
    """How an estimate was made, the best first."""

    EXACT = "exact"
    MEASURED = "measured"
    GUESSED = "guessed"
    AT_LEAST = "at least"


@dataclass(frozen=True, slots=True)
class StreamEstimate:
    """What the first sync of a stream takes.

    Attributes:
        stream: Its name.
        rows: Rows in the range.
        requests: Requests.
        margin: Part of the requests by which they may be wrong.
        longest: The most requests that follow one another.
        certainty: How the estimate was made.
        read_twice: Whether the stream is read once more without the date filter, since nothing proves it.
        error: Why there is no estimate, and what to do; empty if there is one.
    """

    stream: str
    rows: float = 0.0
    requests: float = 0.0
    margin: float = 0.0
    longest: float = 0.0
    certainty: Certainty = Certainty.EXACT
    read_twice: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class EstimatedRange:
    """What a first sync of a stream reads.

    Attributes:
        start: Where it begins, None for all history.
        end: Where it ends, exclusive, None for the present.
        now: The present, by our clock.
        windowed: Whether it may be read through the date filter.
        lists_parents: Whether the parents are listed for this stream alone.
    """

    start: datetime | None
    end: datetime | None
    now: datetime
    windowed: bool
    lists_parents: bool = False

    @property
    def first(self) -> float | None:
        """Where it begins, in days since 1970."""
        return None if self.start is None else day_number(self.start)

    @property
    def last(self) -> float | None:
        """Where it ends, in days since 1970."""
        return None if self.end is None else day_number(self.end)


class MeasuredStream:
    """One stream of one shop.

    Args:
        sampler: Reads it.
        shop: Name of the shop.
        behaviour: How the shop's API behaves, as far as is known.
        range_: What is read.

    Attributes:
        error: Why the stream cannot be read, empty if it can.
        api_error: The error of the API that says so, None if there is none.
        ends_shop: Whether no other stream of the shop can be read either, for the same reason.
    """

    def __init__(
        self, sampler: StreamSampler, shop: str, behaviour: ApiBehaviour, range_: EstimatedRange
    ) -> None:
        self.error = ""
        self.api_error: ApiError | None = None
        self.ends_shop = False
        self._sampler = sampler
        self._shop = shop
        self._behaviour = behaviour
        self._range = range_
        self._lists: list[MeasuredList] = []
        self._parents: list[str | None] = [None]
        self._parent_pages = 0
        self._all_parents = True
        self._exhausted = False

    @property
    def name(self) -> str:
        """Name of the stream."""
        return self._sampler.spec.name

    # Requests

    async def open(self) -> None:
        """Read the first page, for a child stream that of one parent."""
        try:
            if self._sampler.spec.parent:
                await self._list_parents()
            if self._parents:
                await self._open_next()
        except ApiError as error:
            self.api_error, self.error = error, with_advice(error, self.name)
            self.ends_shop = self._sampler.queue.ends_with(error)
        except Recovery:
            self.error = "the API does not accept the request; check `stream_options`"

    async def _list_parents(self) -> None:
        found: list[str] = []
        async for answer in self._sampler.lists.pages(Slice(Kind.PARENTS)):
            self._parent_pages += 1
            found += [one for one in map(row_id, answer.page.rows) if one is not None]
            self._all_parents = answer.next_cursor is None
            if self._parent_pages == _MAX_PARENT_PAGES:
                break
        self._parents = list(found)

    async def _open_next(self) -> None:
        index = spread_index(len(self._lists), len(self._parents))
        one = MeasuredList(self._sampler, self._shop, self._behaviour, self._parents[index])
        await one.open()
        if self._windowed(one) and one.provable:
            one.sample_range(self._range.first, min(one.now, self._range.last or one.now))
        else:
            one.sample_range(None, one.now)
        self._lists.append(one)

    async def refine(self, allowed: int) -> None:
        """Learn more with some requests."""
        if self._next_is_parent:
            try:
                await self._open_next()
            except (ApiError, Recovery):
                self._exhausted = True
            return
        least_known = max(self._lists, key=lambda one: one.error)
        self._exhausted = not await least_known.sample(allowed)

    @property
    def _next_is_parent(self) -> bool:
        """Whether the list of another parent says more than another sample of those that are known."""
        unsure = self._parent_doubt >= self._list_doubt
        unknown = any(one.unknown for one in self._lists)
        return len(self._lists) < len(self._parents) and unsure and not unknown

    # What is known

    @property
    def next_cost(self) -> float:
        """Requests that `refine` takes, roughly; more of them if it teaches less than the ones before."""
        if self._next_is_parent:
            return float(2 * len(self._lists))
        return max(self._lists, key=lambda one: one.error).next_cost

    @property
    def doubt(self) -> float:
        """How many requests the estimate may be wrong by; 0 if more samples teach nothing."""
        if self._exhausted or self.error or not self._lists:
            return 0.0
        if any(one.unknown for one in self._lists):
            return inf
        estimate = self.estimate()
        return estimate.margin * estimate.requests

    def _windowed(self, one: MeasuredList) -> bool:
        return self._range.windowed and self._range.start is not None and one.filtered

    def estimate(self) -> StreamEstimate:
        """Return what is known so far."""
        if self.error or not self._lists:
            return StreamEstimate(self.name, requests=float(self._parent_pages), error=self.error)
        times = len(self._parents) / len(self._lists)
        reads = [self._read(one) for one in self._lists]
        rows = times * sum(one.kept(self._range.first, self._range.last) for one in self._lists)
        requests = times * sum(reads) + self._extra_requests(rows)
        return StreamEstimate(
            self.name,
            rows,
            requests,
            sqrt(self._list_doubt**2 + self._parent_doubt**2),
            max(0 if self._windowed(one) and one.provable else list_pages(one.total) for one in self._lists),
            self._certainty(),
            any(self._windowed(one) and not one.provable for one in self._lists),
        )

    def _read(self, one: MeasuredList) -> float:
        """Return the requests that the rows of a list take."""
        options, range_ = self._sampler.options, self._range
        if not self._windowed(one):
            return list_pages(one.total)
        assert range_.start is not None  # noqa: S101 - see `_windowed`
        grows = not options.details
        pages = window_pages(
            one.between, range_.start, range_.end, range_.now, options.window_days, grows=grows
        )
        return pages if one.provable else pages + list_pages(one.total)

    def _extra_requests(self, rows: float) -> float:
        """Return the requests for parents, for details, and for the probe of the date filter."""
        extra = float(self._parent_pages) if self._range.lists_parents else 0.0
        if self._sampler.options.details:
            extra += rows
        unfiltered = [one for one in self._lists if not (self._windowed(one) and one.provable)]
        if unfiltered and unfiltered[0].filtered and unfiltered[0].dates:
            extra += probe_pages(unfiltered[0].per_day)
        return extra

    @property
    def _list_doubt(self) -> float:
        """Part by which the rows of the known lists may be wrong."""
        total = sum(one.total for one in self._lists)
        return sqrt(sum(one.error**2 for one in self._lists)) / max(1.0, total)

    @property
    def _parent_doubt(self) -> float:
        """Part by which the rows may be wrong because not every parent's list is known."""
        known, totals = len(self._lists), [one.total for one in self._lists]
        if known == len(self._parents):
            return 0.0
        spread = max(stdev(totals) / max(1.0, mean(totals)), _PARENT_SPREAD / known) if known > 1 else 1.0
        return spread * sqrt((1 - known / len(self._parents)) / known)

    def _certainty(self) -> Certainty:
        if not self._all_parents or not all(one.bounded for one in self._lists):
            return Certainty.AT_LEAST
        if any(one.guessed for one in self._lists):
            return Certainty.GUESSED
        if all(one.complete for one in self._lists) and len(self._lists) == len(self._parents):
            return Certainty.EXACT
        return Certainty.MEASURED


def spread_index(number: int, count: int) -> int:
    """Return the index of the next of some items: each comes once, and the first few are spread over all."""
    step = max(1, round(count * 0.382))
    while gcd(step, count) > 1:
        step += 1
    return (count // 2 + number * step) % count
