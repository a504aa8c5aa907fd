"""`--check`: whether each shop and each of its streams can be read, in at most three requests per stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError, AuthenticationError, PermissionDenied
from tap_sumeru.catalog.learned_columns import Samples
from tap_sumeru.catalog.stream_schemas import OWN_COLUMNS
from tap_sumeru.diagnose.samples import open_shops, visit_streams
from tap_sumeru.extract.filter_probe import probe
from tap_sumeru.extract.filter_trust import FilterTrust
from tap_sumeru.extract.recovery import Recovery
from tap_sumeru.state.bookmarks import Bookmark
from tap_sumeru.sync.advice import common_error, with_advice
from tap_sumeru.sync.signals import run_until_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.catalog.stream_schemas import Schema
    from tap_sumeru.config.settings import Settings
    from tap_sumeru.diagnose.samples import SampledPage, SampledShop, StreamSampler

_REJECTED = "the API does not accept the request; check `stream_options`"


@dataclass(slots=True)
class StreamCheck:
    """What is known about one stream of one shop.

    Attributes:
        stream: Its name.
        error: Why it cannot be read, and what to do; empty if it can.
        api_error: The error of the API that says so, None if there is none.
        missing_scope: The scope that the token lacks, empty if none is known to be missing.
        rows: Rows in the sample.
        all_rows: Whether the sample is the whole list.
        replication_key: Name of the replication key.
        rows_with_key: Rows in the sample that have it.
        date_filter: What a probe has found out about the date filter, in a word.
        unknown_fields: Fields that the schema does not know; with a schema if they can be columns.
        mismatches: Columns with values of an unexpected type.
    """

    stream: str
    error: str = ""
    api_error: ApiError | None = None
    missing_scope: str = ""
    rows: int = 0
    all_rows: bool = False
    replication_key: str = ""
    rows_with_key: int = 0
    date_filter: str = "none"
    unknown_fields: dict[str, Schema | None] = field(default_factory=dict)
    mismatches: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ShopCheck:
    """What is known about one shop.

    Attributes:
        shop: Its name.
        host: URL of its API.
        limit: Requests a minute, as the API states it; empty if it does not.
        clock_offset: Seconds by which the server's clock is ahead of ours, None if it is unknown.
        requests: Requests made.
        streams: Its streams.
        error: Why none of its streams can be read, and what to do; empty if some can.
        token_refused: Whether the API does not accept the shop's token.
    """

    shop: str
    host: str
    limit: str
    clock_offset: float | None
    requests: int
    streams: list[StreamCheck]
    error: str = ""
    token_refused: bool = False

    @property
    def token_accepted(self) -> bool | None:
        """Whether the API accepts the shop's token, None if no response shows it."""
        seen = any(not one.error or one.missing_scope for one in self.streams)
        return False if self.token_refused else seen or None

    @property
    def missing_scopes(self) -> list[str]:
        """The scopes that the token lacks, as far as the selected streams show it."""
        return sorted({one.missing_scope for one in self.streams if one.missing_scope})

    @property
    def passed(self) -> bool:
        """Whether all streams can be read."""
        return not any(one.error for one in self.streams)


def check(
    settings: Settings, selections: Sequence[StreamSelection], done: Callable[[], None] = lambda: None
) -> list[ShopCheck]:
    """Check the selected streams of all shops.

    Args:
        settings: The settings.
        selections: The streams; their records must be dicts.
        done: Called after each stream of each shop.
    """

    async def check_shop(shop: SampledShop) -> ShopCheck:
        return await _check_shop(shop, done)

    return run_until_signal(open_shops(settings, selections, check_shop))


async def _check_shop(shop: SampledShop, done: Callable[[], None]) -> ShopCheck:
    streams = {one.spec.name: StreamCheck(one.spec.name, replication_key=one.key) for one in shop.samplers}

    async def check_stream(sampler: StreamSampler) -> None:
        await _check_stream(sampler, streams[sampler.spec.name], shop, done)

    error = await visit_streams(shop, check_stream)
    error = error or common_error([found.api_error for found in streams.values()])
    text = "" if error is None else with_advice(error, *streams)
    for found in streams.values() if text else ():
        found.error = found.error or text
    queue, refused = shop.queue, isinstance(error, AuthenticationError)
    known = queue.limit, queue.clock_offset, queue.requests
    return ShopCheck(shop.name, shop.host, *known, list(streams.values()), text, refused)


async def _check_stream(
    sampler: StreamSampler, found: StreamCheck, shop: SampledShop, done: Callable[[], None]
) -> None:
    try:
        async for page in sampler.pages():
            _look_at(page, found, sampler)
            await _probe_filter(page, found, sampler, shop.name)
            break
    except ApiError as error:
        if shop.queue.ends_with(error):
            raise
        found.api_error, found.error = error, with_advice(error, sampler.spec.name)
        if isinstance(error, PermissionDenied):
            found.missing_scope = sampler.spec.scope
    except Recovery:
        found.error = _REJECTED
    finally:
        done()


def _look_at(page: SampledPage, found: StreamCheck, sampler: StreamSampler) -> None:
    shaped = page.shaped
    found.rows, found.all_rows = len(shaped.records), page.complete
    found.rows_with_key = found.rows - shaped.timestamps.count(None) if found.rows else 0
    found.mismatches = sorted(shaped.mismatches)
    samples = Samples()
    known = {*sampler.columns, *OWN_COLUMNS}
    for record in shaped.records:
        extra = record.get("extra") or {}
        samples.add({name: value for name, value in extra.items() if name not in known})
    columns = samples.columns(sampler.columns)
    found.unknown_fields = {name: columns.get(name) for name in samples.names}


async def _probe_filter(page: SampledPage, found: StreamCheck, sampler: StreamSampler, shop: str) -> None:
    """Request one day through the date filter, and judge the filter by the rows that come."""
    date_filter = sampler.options.date_filter
    bookmark = Bookmark({}, sampler.key, date_filter)
    trust = FilterTrust(bookmark, usable=date_filter is not None)
    trust.look_for_candidate(datetime.now(UTC))
    trust.consider(page.shaped, page.parent)
    await probe(
        trust,
        sampler.lists,
        sampler.shaper,
        shop,
        began=page.requested_at,
        distance=timedelta(),
        max_pages=1,
    )
    found.date_filter = trust.known
