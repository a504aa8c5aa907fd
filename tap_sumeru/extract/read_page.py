"""What a read hands over to be written: a page of records, and the bookmark that holds once it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from tap_sumeru.state.bookmarks import Entry


class ReadPage(NamedTuple):
    """Records to write, and what is true once they are written.

    Attributes:
        stream: Name of the stream.
        shop: Name of the shop.
        records: The records; there may be none.
        bookmark: The bookmark once this page and all earlier ones are written, None if it has not changed.
        mismatches: By column, how many values did not have the type of the column.
        dated: Whether a row of the page has a replication key.
        replaced: How many characters could not be decoded.
    """

    stream: str
    shop: str
    records: Sequence[Any] = ()
    bookmark: Entry | None = None
    mismatches: Counter[str] | None = None
    dated: bool = False
    replaced: int = 0


class PageSink(Protocol):
    """Where the pages of a read go. They are written in the order in which they are put."""

    async def wait_for_room(self) -> None:
        """Wait until there is room for a page."""

    def put(self, page: ReadPage) -> None:
        """Put a page, at once."""
