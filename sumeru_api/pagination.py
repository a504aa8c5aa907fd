"""Pages of a list: the cursor of the next page, and loops found."""

from __future__ import annotations

from sumeru_api.errors import UnexpectedResponse

_MAX_CURSORS = 2000


class CursorHistory:
    """The cursors of a list, to notice that it runs in a circle, however many there are.

    The first few thousand are kept, of all later ones the last whose number is a power of two: a circle
    comes back to it, if not at once.
    """

    def __init__(self) -> None:
        self._first: set[str] = set()
        self._later: str | None = None
        self._count = 0

    def repeats(self, cursor: str) -> bool:
        """Return whether a cursor has come before, else go on to it."""
        if cursor == self._later or cursor in self._first:
            return True
        self._count += 1
        if self._count <= _MAX_CURSORS:
            self._first.add(cursor)
        elif self._count.bit_count() == 1:
            self._later = cursor
        return False


def next_cursor(pagination: object) -> str | None:
    """Return the cursor of the next page, or None on the last.

    Raises:
        UnexpectedResponse: What is said about it contradicts itself.
    """
    if pagination is None:
        return None
    if not isinstance(pagination, dict):
        raise UnexpectedResponse("the answer's pagination is no object")
    cursor, has_next = pagination.get("next_cursor"), pagination.get("has_next")
    if has_next is None:
        has_next = cursor not in (None, "")
    if not isinstance(has_next, bool):
        raise UnexpectedResponse("the answer does not say whether there are more pages")
    if not has_next:
        return None
    if cursor is None or cursor == "":
        raise UnexpectedResponse("there are more pages, but no cursor")
    return str(cursor)
