"""Follows the pages of one list: notices pages that bring nothing new, and tries that come no further."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.errors import UnexpectedResponse
from sumeru_api.pagination import CursorHistory

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

_MAX_REPEATED_PAGES = 3
_MAX_EMPTY_PAGES = 1000
_MAX_COMPARED_ROWS = 500
"""Rows that are kept to recognise them in another order."""
_MAX_COMPARED_IDS = 200
"""Ids that are kept to recognise rows that have changed meanwhile."""
_MAX_SEEN_AGAIN = 3
"""How often the rows that are kept may be seen again, on average."""
_MAX_CHANGED = 20
"""How often the rows that are kept may come again with other replication keys, on average.

A list may rightly return a row again that has changed meanwhile, but one that ignores the cursor and shows
the present as the time of each change never ends.
"""
_MAX_EARLIER_PAGES = 20_000
"""Pages that are recognised when the list is read again; later ones are handed over again."""


class ListProgress:
    """Progress of one list, which may have to be read again from its first page.

    Args:
        max_empty: Empty pages in a row at which the list counts as endless.

    Attributes:
        rows: Rows read since the list was begun, for the first time or again.
        restarts: How often it was begun again.
        furthest: Most rows that a try had read when it was refused, -1 before the first refusal.
    """

    def __init__(self, max_empty: int = _MAX_EMPTY_PAGES) -> None:
        self.rows = 0
        self.restarts = 0
        self.furthest = -1
        self._max_empty = max_empty
        self._fruitless = 0
        self._earlier: set[int] = set()
        self.forget_pages()

    def forget_pages(self) -> None:
        """Compare the next pages with none of those before: they may legitimately repeat rows."""
        self._seen = CursorHistory()
        self._rows: set[Hashable] = set()
        self._ids: set[str | None] = set()
        self._pages: list[int] = []
        self._repeated = 0
        self._empty = 0
        self._seen_again = self._changed = 0

    def take(self, content: frozenset[Hashable], *, rows: int, ids: Sequence[str | None] = ()) -> bool:
        """Record a page that is not the last one.

        Args:
            content: What identifies each of its rows.
            rows: How many it has.
            ids: Their ids, as far as they have some.

        Returns:
            Whether an earlier try has read the same page.

        Raises:
            UnexpectedResponse: The list makes no progress.
        """
        if not rows:
            self._empty += 1
            if self._empty >= self._max_empty:
                raise UnexpectedResponse(f"the list makes no progress: {self._empty} empty pages in a row")
            return False
        self._empty = 0
        self.rows += rows
        page = hash(content)
        # Both are asked: the pages reach further back than the rows.
        known = self._seen.add_and_check(str(page)) or content <= self._rows
        self._repeated = self._repeated + 1 if known else 0
        self._seen_again += len(content & self._rows)
        self._changed += len(self._ids.intersection(ids))
        if self._changed > _MAX_CHANGED * len(self._ids):
            raise UnexpectedResponse(
                "the list makes no progress: its rows come again and again, changed each time"
            )
        if self._seen_again > _MAX_SEEN_AGAIN * _MAX_COMPARED_ROWS:
            raise UnexpectedResponse("the list makes no progress: most of its rows come again and again")
        if self._repeated >= _MAX_REPEATED_PAGES:
            cause = f"the list makes no progress: {self._repeated} pages in a row had rows of earlier pages"
            raise UnexpectedResponse(cause)
        if len(self._rows) < _MAX_COMPARED_ROWS:
            self._rows |= content
        if len(self._ids) < _MAX_COMPARED_IDS:
            self._ids.update(one for one in ids if one is not None)
        if len(self._pages) + len(self._earlier) < _MAX_EARLIER_PAGES:
            self._pages.append(page)
        return page in self._earlier

    def start_over(self, max_fruitless: int) -> bool:
        """Record that a page was refused, so that the list has to be read again from its first page.

        Args:
            max_fruitless: How many tries in a row may come no further than an earlier one.

        Returns:
            Whether another try is worth it.
        """
        self._fruitless = 0 if self.rows > self.furthest else self._fruitless + 1
        self.furthest = max(self.rows, self.furthest)
        self.restarts += 1
        self._earlier.update(self._pages)
        self.forget_pages()
        self.rows = 0
        return self._fruitless < max_fruitless
