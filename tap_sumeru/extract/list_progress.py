"""Notices a list whose pages bring nothing new, although their cursors are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.errors import UnexpectedResponse
from sumeru_api.pagination import CursorHistory

if TYPE_CHECKING:
    from collections.abc import Hashable

_MAX_REPEATED_PAGES = 3
_MAX_EMPTY_PAGES = 1000


class ListProgress:
    """Follows the pages of one list.

    Args:
        max_empty: Empty pages in a row at which the list counts as endless.
    """

    def __init__(self, max_empty: int = _MAX_EMPTY_PAGES) -> None:
        self._max_empty = max_empty
        self._seen = CursorHistory()
        self._repeated = 0
        self._empty = 0

    def take(self, content: Hashable, *, rows: int) -> None:
        """Take note of a page that is not the last one.

        Args:
            content: What identifies its rows.
            rows: How many it has.

        Raises:
            UnexpectedResponse: The list makes no progress.
        """
        if not rows:
            self._empty += 1
            if self._empty >= self._max_empty:
                raise UnexpectedResponse(f"the list makes no progress: {self._empty} empty pages in a row")
            return
        self._empty = 0
        self._repeated = self._repeated + 1 if self._seen.add_and_check(str(hash(content))) else 0
        if self._repeated >= _MAX_REPEATED_PAGES:
            cause = f"the list makes no progress: {self._repeated} pages in a row had rows of earlier pages"
            raise UnexpectedResponse(cause)
