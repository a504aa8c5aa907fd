"""Probes the date filter after an unfiltered read: requests one day through it and judges the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.errors import ApiError
from tap_sumeru.extract.recovery import FilterRejected, Recovery
from tap_sumeru.extract.slices import Kind, Slice

if TYPE_CHECKING:
    from tap_sumeru.extract.filter_trust import FilterTrust
    from tap_sumeru.extract.list_reader import ListReader
    from tap_sumeru.records import RecordShaper

_MAX_PAGES = 10


async def probe(trust: FilterTrust, lists: ListReader, shaper: RecordShaper, shop: str) -> bool:
    """Request the day of a row that can prove the filter, if the read found one.

    Args:
        trust: What is known about the filter; it learns from the pages.
        lists: Reads the lists of the stream.
        shaper: Shapes its pages.
        shop: Name of the shop.

    Returns:
        Whether the filter may have been judged. If a request fails, the next unfiltered read probes again.
    """
    candidate = trust.take_candidate()
    if candidate is None or candidate.window is None:
        return False
    slice_, reach = Slice(Kind.PROBE, candidate.window, candidate.parent), candidate.window.reach
    try:
        async for answer in lists.pages(slice_):
            page = shaper.shape_page(answer.page, shop, slice_.parent)
            if trust.judge_probe(reach, page) or slice_.pages >= _MAX_PAGES:
                break
    except FilterRejected:
        trust.rejected()
    except (ApiError, Recovery):
        return False
    return True
