"""`--estimate`: rows, requests and minutes of the first sync of each shop, from a few requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import sqrt
from typing import TYPE_CHECKING

from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.diagnose.measured_stream import Certainty, EstimatedRange, MeasuredStream
from tap_sumeru.diagnose.sampled_days import ApiBehaviour
from tap_sumeru.diagnose.samples import open_shops
from tap_sumeru.diagnose.workload import EstimatedPace
from tap_sumeru.sync.advice import common_error, with_advice
from tap_sumeru.sync.signals import run_until_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.config.settings import Settings
    from tap_sumeru.diagnose.measured_stream import StreamEstimate
    from tap_sumeru.diagnose.samples import SampledShop

_REQUESTS = 30
"""Requests that an estimate of a shop may take in any case."""
_SHARE = 0.008
"""Share of the estimated requests of the sync that it may take if that is more; 1 % of the real ones."""
_GOOD = 0.05
"""Margin of the requests at which no more samples are needed."""


@dataclass(frozen=True, slots=True)
class ShopEstimate:
    """What the first sync of a shop takes.

    Attributes:
        shop: Its name.
        streams: Its streams.
        made: Requests made for this estimate.
        pace: How fast the shop can be read.
    """

    shop: str
    streams: list[StreamEstimate]
    made: int
    pace: EstimatedPace

    @property
    def rows(self) -> float:
        """Rows in the range."""
        return sum(one.rows for one in self.streams)

    @property
    def requests(self) -> float:
        """Requests of the sync."""
        return sum(one.requests for one in self.streams)

    @property
    def seconds(self) -> float:
        """How long the sync takes."""
        return self.pace.seconds(self.requests, max((one.longest for one in self.streams), default=0.0))

    @property
    def margin(self) -> float:
        """Part of the requests by which they may be wrong."""
        errors = (
            one.margin * one.requests for one in self.streams if one.certainty is not Certainty.AT_LEAST
        )
        return sqrt(sum(error**2 for error in errors)) / max(1.0, self.requests)

    @property
    def at_least(self) -> bool:
        """Whether the sync may take more, without a bound."""
        return any(one.error or one.certainty is Certainty.AT_LEAST for one in self.streams)

    @property
    def failed(self) -> bool:
        """Whether no stream could be estimated."""
        return all(one.error for one in self.streams) and bool(self.streams)


def estimate(
    settings: Settings, selections: Sequence[StreamSelection], done: Callable[[], None] = lambda: None
) -> list[ShopEstimate]:
    """Estimate the first sync of the selected streams of all shops.

    Args:
        settings: The settings.
        selections: The streams; their records must be dicts.
        done: Called after the first page of each stream of each shop, and after the last sample of the shop.
    """

    async def estimate_shop(shop: SampledShop) -> ShopEstimate:
        return await _ShopEstimator(settings, selections, shop, done).run()

    return run_until_signal(open_shops(settings, selections, estimate_shop))


class _ShopEstimator:
    """Spends the requests of one shop's estimate where they reduce its uncertainty most."""

    def __init__(
        self,
        settings: Settings,
        selections: Sequence[StreamSelection],
        shop: SampledShop,
        done: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._shop = shop
        self._done = done
        behaviour = ApiBehaviour()
        ranges = _ranges(settings, selections, shop.name)
        self._streams = [
            MeasuredStream(sampler, shop.name, behaviour, range_)
            for sampler, range_ in zip(shop.samplers, ranges, strict=True)
        ]

    async def run(self) -> ShopEstimate:
        # One request at a time: each is chosen by what the ones before have shown.
        failed: MeasuredStream | None = None
        for stream in self._streams:
            if failed is None:
                await stream.open()
                failed = stream if stream.ends_shop else None
            else:
                stream.error = failed.error
            self._done()
        if (error := common_error([stream.api_error for stream in self._streams])) is not None:
            for stream in self._streams:
                stream.error = with_advice(error, *(one.name for one in self._streams))
        while True:
            found = self._estimate()
            doubts = {stream.name: stream.doubt for stream in self._streams}
            left = int(max(_REQUESTS, _SHARE * found.requests)) - self._shop.queue.requests
            if left < 1 or sqrt(sum(one**2 for one in doubts.values())) <= _GOOD * found.requests:
                self._done()
                return found
            doubtful = [one for one in self._streams if doubts[one.name]]
            await max(doubtful, key=lambda one: doubts[one.name] / one.next_cost).refine(left)

    def _estimate(self) -> ShopEstimate:
        queue = self._shop.queue
        pace = EstimatedPace(queue.per_minute, queue.latency, self._settings.concurrency)
        return ShopEstimate(
            self._shop.name, [stream.estimate() for stream in self._streams], queue.requests, pace
        )


def _ranges(settings: Settings, selections: Sequence[StreamSelection], shop: str) -> list[EstimatedRange]:
    """Return what a first sync of each stream reads."""
    now = datetime.now(UTC)
    begin = next(one.start_date for one in settings.shops if one.name == shop)
    names = {one.name for one in selections}
    ranges = []
    for one in selections:
        spec = STREAMS[one.name]
        start, end = (None, None) if one.full_table else (begin, settings.end_date)
        # The list of a stream whose children are read too is read whole, once for both.
        children = [name for name in names if STREAMS[name].parent == one.name]
        shared = children and _reads_all(settings, one, end)
        parent = next((two for two in selections if two.name == spec.parent), None)
        lists_parents = bool(spec.parent) and not (parent and _reads_all(settings, parent, settings.end_date))
        windowed = not (one.full_table or spec.parent or shared)
        ranges.append(EstimatedRange(start, end, now, windowed, lists_parents))
    return ranges


def _reads_all(settings: Settings, selection: StreamSelection, end: datetime | None) -> bool:
    return not settings.options[selection.name].filters and (selection.full_table or end is None)
