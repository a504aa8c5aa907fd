"""Slices of a stream with parents: one for each parent, in the order of their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_sumeru.extract.slices import Slice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_sumeru.extract.windows import Window
    from tap_sumeru.state.bookmarks import Bookmark


def child_slices(
    parents: set[str], bookmark: Bookmark, *, window: Window | None = None, after: str | None = None
) -> Iterator[Slice]:
    """Yield the slices. A parent that an earlier read has skipped is read in full.

    Args:
        parents: Ids of the parents.
        bookmark: Knows which of them were skipped.
        window: The window of all others, None for all rows.
        after: Parents up to this one are already read, except for those that were skipped.
    """
    skipped = {one for one in parents if bookmark.has_skipped(one)}
    done = {one for one in parents if after is not None and one <= after}
    for one in sorted(parents - done) + sorted(skipped & done):
        yield Slice(parent=one, whole=True) if one in skipped else Slice(window=window, parent=one)
