"""The commands `--reset`, `--merge` and `--shops`: the state to use next, and the shops of a run."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING

from sumeru_api.redaction import mask_name
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.shops import is_in_shard
from tap_sumeru.config.unknown_names import resembling
from tap_sumeru.errors import SettingsError
from tap_sumeru.state.merge import merge
from tap_sumeru.state.reset import reset
from tap_sumeru.sync.wording import count, day, names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sumeru_api.shop import Shop
    from tap_sumeru.config.settings import Settings
    from tap_sumeru.state.bookmarks import State

logger = logging.getLogger("tap-sumeru")


def shop_lines(settings: Settings) -> bytes:
    """Return the names of the shops of a run, one per line; log if there are none."""
    if not settings.shops:
        logger.info("Shard %s has no shops.", settings.shard)
    return "".join(f"{shop.name}\n" for shop in settings.shops).encode()


def reset_streams(settings: Settings, state: State, streams: Sequence[str], shop: str | None) -> State:
    """Return the state with which the next run reads some streams again, and log what it will read.

    Args:
        settings: The settings of the next run.
        state: The state, validated; it stays as it is.
        streams: Names of the streams.
        shop: Name of the only shop to reset, None for all shops of the settings.

    Raises:
        SettingsError: A stream or the shop is unknown.
    """
    for stream in streams:
        _check_known("--reset", stream, STREAMS, "stream")
    if shop is not None:
        known = [one.name for one in settings.shops]
        _check_known("--shop", shop, known, "shop of the settings" + " and the shard" * settings.sharded)
    shops = [one for one in settings.shops if shop in (None, one.name)]
    for stream in dict.fromkeys(streams):
        state, done = reset(state, stream, {one.name for one in shops})
        _log_reset(settings, stream, shops, set(done))
    _log_related(streams)
    return state


def merge_states(settings: Settings, states: Sequence[State]) -> State:
    """Return one state with the bookmarks of several, or those of a shard, and log what was merged.

    Args:
        settings: The settings of the next run.
        states: The states, validated; they stay as they are.
    """
    merged = merge(states, lambda shop: is_in_shard(shop, settings.shard))
    of_shard = f" of shard {settings.shard}" if settings.sharded else ""
    of_shops = f"{count(len(merged.shops), 'shop')}{of_shard}"
    logger.info("Merged %s: bookmarks of %s.", count(len(states), "state"), of_shops)
    if merged.contested:
        logger.info(
            "Several states have different bookmarks of %s (%s). The earliest is used, so that no row is "
            "missing; rows that changed since then are read once more.",
            count(len(merged.contested), "shop"),
            names([mask_name(shop) for shop in merged.contested]),
        )
    if merged.differing:
        differing = names([mask_name(name) for name in merged.differing])
        logger.warning("The states differ in %s: that of the first file is used.", differing)
    return merged.state


def _check_known(option: str, name: str, known: Iterable[str], kind: str) -> None:
    """Reject an unknown name. The message does not quote it: anything may have been typed there."""
    known = list(known)
    if name in known:
        return
    if meant := resembling(name, known):
        raise SettingsError(f"{option}: is not a {kind}. Did you mean {meant}?")
    shown = names(known) or "none"
    raise SettingsError(f"{option}: is not a {kind}. There are: {shown}.")


def _log_reset(settings: Settings, stream: str, shops: Iterable[Shop], done: set[str]) -> None:
    groups: dict[tuple[bool, datetime | None], list[str]] = defaultdict(list)
    for shop in shops:
        groups[shop.name in done, shop.start_date].append(shop.name)
    end = "" if settings.end_date is None else f" up to {day(settings.end_date)}"
    for (was_reset, start), members in groups.items():
        text = "%s: reset for %s (%s). The next run reads it again %s%s."
        if not was_reset:
            text = "%s: has no bookmark to reset for %s (%s). The next run reads it %s%s anyway."
        since = "from its beginning" if start is None else f"from {day(start)}"
        logger.info(text, stream, count(len(members), "shop"), names(members), since, end)


def _log_related(streams: Sequence[str]) -> None:
    """Log what the reset of a stream means for its parent and its children."""
    for spec in STREAMS.values():
        if spec.parent in streams and spec.name not in streams:
            logger.info(
                "%s: keeps its own bookmark. Add --reset %s to read it again too.",
                *(spec.name, spec.name),
            )
        if spec.name in streams and spec.parent and spec.parent not in streams:
            logger.info("%s: every run walks all %s, so their bookmark stays.", spec.name, spec.parent)
