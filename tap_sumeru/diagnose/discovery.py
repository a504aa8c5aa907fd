"""Columns that a discovery learns from sampled rows (`discover_rows`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.learned_columns import Samples
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.stream_schemas import OWN_COLUMNS
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.diagnose.command_progress import CommandProgress
from tap_sumeru.diagnose.samples import open_shops, visit_streams
from tap_sumeru.extract.recovery import Recovery
from tap_sumeru.sync.signals import run_until_signal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_sumeru.catalog.stream_schemas import Schema
    from tap_sumeru.config.settings import Settings
    from tap_sumeru.diagnose.samples import SampledShop, StreamSampler

logger = logging.getLogger("tap-sumeru")

_MAX_PARENTS = 10
"""Parents whose children are sampled, at most: a list of each is a request."""


def learn_columns(
    settings: Settings, described: Mapping[str, Schema] | None = None
) -> dict[str, dict[str, Schema]]:
    """Return, by stream, the columns that sampled rows have and the schemas lack.

    A stream that cannot be read keeps its schema, and a warning says so.

    Args:
        settings: The settings.
        described: Further columns that are known, by stream.
    """
    rows = settings.discover_rows
    selections = [_whole(name, (described or {}).get(name)) for name in STREAMS]
    samples = {one.name: Samples() for one in selections}

    async def sample_shop(shop: SampledShop) -> None:
        async def sample(sampler: StreamSampler) -> None:
            try:
                await _sample(sampler, shop, rows, samples[sampler.spec.name])
            finally:
                steps.done()

        error = await visit_streams(shop, sample)
        if error is not None:
            logger.warning("Shop %s: no columns can be learned: %s.", shop.name, error.describe())

    with CommandProgress("Discovery", len(settings.shops) * len(selections)) as steps:
        run_until_signal(open_shops(settings, selections, sample_shop))
    columns = {one.name: samples[one.name].columns(one.properties) for one in selections}
    for stream, found in columns.items():
        left = [name for name in samples[stream].names if name not in found]
        if found:
            logger.info("%s: columns learned from sampled rows: %s.", stream, ", ".join(found))
        if left:
            logger.info(
                "%s: %d unknown fields stay in `extra`: no single type, or no safe name.", stream, len(left)
            )
    return columns


def _whole(stream: str, described: Schema | None) -> StreamSelection:
    properties = stream_schemas.load(stream, described)["properties"]
    return StreamSelection(stream, properties, tuple(properties))


async def _sample(sampler: StreamSampler, shop: SampledShop, rows: int, samples: Samples) -> None:
    seen = 0
    known = {*sampler.columns, *OWN_COLUMNS}
    try:
        async for page in sampler.pages(_MAX_PARENTS):
            for record in page.shaped.records[: rows - seen]:
                extra = record.get("extra") or {}
                samples.add({name: value for name, value in extra.items() if name not in known})
            seen += len(page.shaped.records)
            if seen >= rows:
                return
    except ApiError as error:
        if shop.queue.ends_with(error):
            raise
        logger.warning(
            "Shop %s: %s: no columns can be learned: %s.", shop.name, sampler.spec.name, error.describe()
        )
    except Recovery:
        logger.warning(
            "Shop %s: %s: no columns can be learned: the API does not accept the request.",
            shop.name,
            sampler.spec.name,
        )
