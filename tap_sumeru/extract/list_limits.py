"""Limits of lists that show in this run: pages that are too large for the server, rows that are too deep."""

from __future__ import annotations

from dataclasses import dataclass

from sumeru_api.errors import ApiError, ApiUnavailable
from tap_sumeru.catalog.streams import PAGE_SIZE

_TOO_LARGE = 413
_TIMEOUTS = (408, 504)
"""Statuses of a request that took too long."""


@dataclass(slots=True)
class ListLimits:
    """Limits of one endpoint, as far as they are known.

    Attributes:
        page_size: Rows to request at a time.
        depth: Number of rows after which the API has refused to go on, None if it never has.
    """

    page_size: int = PAGE_SIZE
    depth: int | None = None


def smaller_page(size: int, error: ApiError, *, again: bool) -> int | None:
    """Return the page size to try after a request that may have failed because of its size.

    A server that is down fails at any size, so a gateway's timeouts, which cost time, allow one try with a
    quarter of the rows. Other failures come at once and allow half of the rows, down to a single one. Without
    any response, the last retry has already asked for a quarter: see `quarter`.

    Args:
        size: Rows that were requested.
        error: Why it failed, with its retries used up.
        again: Whether it was such a try itself.

    Returns:
        The number of rows, None if a smaller page is no remedy.
    """
    unavailable = isinstance(error, ApiUnavailable) and not error.affects_shop
    if error.status == _TOO_LARGE or (unavailable and error.status not in (0, *_TIMEOUTS)):
        return size // 2 or None
    if unavailable and error.status in _TIMEOUTS and not again:
        return quarter(size)
    return None


def quarter(size: int) -> int | None:
    """Return a quarter of a page size, None if it is too small for that."""
    return size // 4 or None
