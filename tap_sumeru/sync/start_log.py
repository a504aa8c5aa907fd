"""The first lines of a sync: what is read, how fast, which bookmarks are useless, and what is private."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING

from tap_sumeru.sync.wording import count, day, names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.config.settings import Settings
    from tap_sumeru.output.private_columns import PrivateColumns
    from tap_sumeru.state.bookmarks import Bookmarks

logger = logging.getLogger("tap-sumeru")

_OUTDATED = {
    "start_date": "is earlier than in the runs before; reading it again from there",
    "end_date": "is not after the bookmark, so nothing is left to read; remove or raise it to read on",
}


def log_opening(settings: Settings, selections: Sequence[StreamSelection], bookmarks: Bookmarks) -> None:
    """Log what a sync will read, and how fast."""
    if not selections:
        logger.warning("The catalog selects no stream: there is nothing to read.")
        return
    shops = [shop.name for shop in settings.shops]
    shard = f"shard {settings.shard}" if settings.sharded else ""
    if not shops:
        logger.info("%s has no shops: there is nothing to read.", shard.capitalize())
        return
    of_shard = f" of {shard}" if shard else ""
    logger.info(
        "Reading %s of %s%s (%s), %s: %s.%s",
        count(len(selections), "stream"),
        count(len(shops), "shop"),
        of_shard,
        names(shops),
        _range(settings),
        ", ".join(one.name for one in selections),
        "".join(f" {text}" for text in _exceptions(settings, selections, bookmarks)),
    )
    new = _new_shops(settings, selections, bookmarks)
    if new:
        logger.info(
            "New in %s: %s (%s), read from the start date. If another shard has read them, `--merge` brings "
            "their bookmarks along.",
            *(shard, count(len(new), "shop"), names(new)),
        )
    logger.info(
        "Pace: at most %s at a time for each shop, and %s of its rate limit.",
        count(settings.concurrency, "request"),
        "all" if settings.rate_limit_share == 1 else f"{settings.rate_limit_share:.0%}",
    )


def _new_shops(settings: Settings, selections: Sequence[StreamSelection], bookmarks: Bookmarks) -> list[str]:
    """Return the shops of a shard that have no bookmark, although the state has some: those that moved."""
    if not settings.sharded or bookmarks.empty:
        return []
    streams = [one.name for one in selections]
    shops = [shop.name for shop in settings.shops]
    return [shop for shop in shops if not any(bookmarks.has(stream, shop) for stream in streams)]


def log_outdated(outdated: Mapping[tuple[str, str], int]) -> None:
    """Log which options make bookmarks useless.

    Args:
        outdated: How many shops have such a bookmark, by stream and option.
    """
    groups: dict[tuple[str, int], list[str]] = defaultdict(list)
    for (stream, option), shops in outdated.items():
        groups[option, shops].append(stream)
    for (option, shops), streams in groups.items():
        text = _OUTDATED.get(option, "has changed since the last run; reading it again from the start")
        logger.warning("%s: `%s` %s, for %s.", ", ".join(streams), option, text, count(shops, "shop"))


def log_privacy(how: str, streams: Mapping[str, PrivateColumns]) -> None:
    """Log which personal columns are hashed or left out, and which the user's stream maps emit.

    Args:
        how: The setting `pii`: `hash` or `drop`.
        streams: What becomes of the columns, by the name of the stream.
    """
    hidden = {name: one.hidden for name, one in streams.items() if one.hidden}
    number = count(sum(map(len, hidden.values())), "column")
    of_streams = "; ".join(f"{name}: {names(columns)}" for name, columns in hidden.items())
    logger.info(
        "pii: %s: %s of %s%s; `extra` is left out.",
        how,
        number,
        count(len(hidden), "stream"),
        f" ({of_streams})" if hidden else "",
    )
    for name, one in streams.items():
        if one.own:
            text = "pii: %s: your stream maps derive %s from personal columns; these values are emitted."
            logger.warning(text, name, ", ".join(f"`{column}`" for column in one.own))


def _range(settings: Settings) -> str:
    starts = {shop.start_date for shop in settings.shops}
    dates = sorted(start for start in starts if start is not None)
    end = "now" if settings.end_date is None else day(settings.end_date)
    if not dates:
        return f"all history up to {end}"
    if len(starts) == 1:
        return f"from {day(dates[0])} to {end}"
    first = "all history" if None in starts else f"from {day(dates[0])}"
    return f"{first} or a later `start_date` of a shop to {end}"


def _exceptions(settings: Settings, selections: Sequence[StreamSelection], bookmarks: Bookmarks) -> list[str]:
    full = [one.name for one in selections if one.full_table]
    incremental = [one.name for one in selections if not one.full_table]
    reads = len(incremental) * len(settings.shops)
    continued = sum(bookmarks.has(name, shop.name) for name in incremental for shop in settings.shops)
    texts = []
    if continued:
        texts.append(f"{continued} of {count(reads, 'read')} start at their bookmarks.")
    if full:
        texts.append(f"In full, because they are FULL_TABLE: {', '.join(full)}.")
    return texts
