"""Compares the rows of a list of all rows with the total that the API states beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.paging_hints import total_of_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sumeru_api.responses import Page
    from tap_sumeru.records.adaptive_decoder import DecodedPage

_TOLERANCE = 0.01
"""Share of the rows of several pages that may be missing: rows are deleted while they are listed."""


class StatedTotal:
    """The total of one list, and how many rows it had."""

    def __init__(self) -> None:
        self.total = 0
        self.rows = 0
        self._pages = 0

    def take(self, page: Page | DecodedPage, headers: Mapping[str, str]) -> None:
        """Record a page, in order from the first."""
        self.rows += len(page.rows)
        self._pages += 1
        if self._pages == 1 or page.next_cursor is None:
            self.total = max(page.total, total_of_headers(headers)) or self.total

    @property
    def exceeds_rows(self) -> bool:
        """Whether the total is clearly higher than the number of rows; call it after the last page."""
        tolerated = _TOLERANCE * self.total if self._pages > 1 else 0
        return self.total - self.rows > tolerated
