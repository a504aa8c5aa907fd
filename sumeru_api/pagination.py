"""Pages of a list: follows the cursors, and detects a pagination loop."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from sumeru_api.errors import UnexpectedResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_REMEMBERED_CURSORS = 2000
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
"""What `has_next` may be, as JSON or as text."""
_NONE = (None, "", False)
"""Values that mean that there is no cursor; 0 is a cursor."""


class HasNextCursor(Protocol):
    """A page that knows the cursor of the next one."""

    @property
    def next_cursor(self) -> str | None:
        """Cursor of the next page, None on the last page."""


PageT = TypeVar("PageT", bound=HasNextCursor)


class CursorHistory:
    """The cursors of a list, kept to detect a loop in bounded memory.

    It keeps the first 2,000 cursors. After that it keeps one checkpoint, replaced whenever the count reaches
    a power of two (Brent's algorithm), so that a loop of any length is found.
    """

    def __init__(self) -> None:
        self._first_cursors: set[str] = set()
        self._checkpoint: str | None = None
        self._count = 0

    def add_and_check(self, cursor: str) -> bool:
        """Return whether a cursor was seen before; remember it if it was not."""
        if cursor == self._checkpoint or cursor in self._first_cursors:
            return True
        self._count += 1
        if self._count <= _REMEMBERED_CURSORS:
            self._first_cursors.add(cursor)
        elif self._count.bit_count() == 1:
            self._checkpoint = cursor
        return False


class Pages(Generic[PageT]):
    """Iterates over the pages of a list, from its first page or from a cursor.

    Args:
        fetch: Fetches the page at a cursor; None stands for the first page.
        cursor: Cursor to begin at.

    Attributes:
        cursor: Cursor of the page that was requested last; None for the first page.
    """

    def __init__(self, fetch: Callable[[str | None], Awaitable[PageT]], cursor: str | None = None) -> None:
        self.cursor = cursor
        self._fetch = fetch
        self._next_cursor = cursor
        self._ended = False
        self._history = CursorHistory()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> PageT:
        if self._ended:
            raise StopAsyncIteration
        self.cursor = self._next_cursor
        page = await self._fetch(self.cursor)
        self._next_cursor = page.next_cursor
        if page.next_cursor is None:
            self._ended = True
        elif self._history.add_and_check(page.next_cursor):
            raise UnexpectedResponse("pagination loop: the API returned the same cursor for the second time")
        return page


def next_cursor(pagination: object) -> str | None:
    """Return the cursor of the next page from the `pagination` member, None on the last page.

    Raises:
        UnexpectedResponse: The member is malformed or contradicts itself.
    """
    if pagination is None or pagination == {}:
        return None
    if not isinstance(pagination, dict):
        raise UnexpectedResponse("the response's `pagination` is not an object")
    if not {"next_cursor", "has_next"} & pagination.keys():
        raise UnexpectedResponse("the response's `pagination` has neither `next_cursor` nor `has_next`")
    cursor, has_next = pagination.get("next_cursor"), pagination.get("has_next")
    has_next = cursor not in _NONE if has_next is None else _FLAGS.get(str(has_next).lower())
    if has_next is None:
        raise UnexpectedResponse("the response does not say whether there are more pages")
    if not has_next:
        return None
    if cursor in _NONE or not isinstance(cursor, str | int | Decimal):
        raise UnexpectedResponse("the response says that there are more pages, but has no cursor")
    return str(cursor)
