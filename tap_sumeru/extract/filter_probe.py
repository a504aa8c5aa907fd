"""Probes the date filter after an unfiltered read: requests one day through it and judges the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError
from tap_sumeru.extract.recovery import FilterRejected, Recovery
from tap_sumeru.extract.slices import Kind, Slice

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from tap_sumeru.extract.filter_trust import FilterTrust
    from tap_sumeru.extract.list_reader import ListReader
    from tap_sumeru.records import RecordShaper

_MAX_PAGES = 10


async def probe(
    trust: FilterTrust,
    lists: ListReader,
    shaper: RecordShaper,
    shop: str,
    *,
    began: datetime | None,
    distance: timedelta,
) -> bool:
    """Request the day of a row that can prove the filter, if the read found one.

    The filter is judged by all that the probe returns, up to a number of pages, and not by its first page.

    Args:
        trust: What is known about the filter; it learns from the pages.
        lists: Reads the lists of the stream.
        shaper: Shapes its pages.
        shop: Name of the shop.
        began: When the read began; a row that has changed since then proves nothing.
        distance: How far a replication key may be from the moment that it stands for.

    Returns:
        Whether the filter may have been judged. If a request fails, the next unfiltered read probes again.
    """
    candidate = trust.take_candidate()
    if candidate is None or candidate.window is None:
        return False
    slice_ = Slice(Kind.PROBE, candidate.window, candidate.parent)
    accepted, read_to_end = candidate.window.accepted_range.widened(distance), True
    try:
        async for answer in lists.pages(slice_):
            page = shaper.shape_page(answer.page, shop, slice_.parent)
            if not trust.check_probe_page(candidate, accepted, page, began):
                return True
            if slice_.pages >= _MAX_PAGES and answer.next_cursor is not None:
                read_to_end = False
                break
    except FilterRejected:
        trust.rejected()
    except (ApiError, Recovery):
        return False
    else:
        trust.conclude_probe(read_to_end=read_to_end)
    return True
