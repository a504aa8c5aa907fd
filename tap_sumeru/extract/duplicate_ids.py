"""Finds rows that share an id although their natural keys tell them apart."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from tap_sumeru.records import ShapedPage

_SAMPLE = 500
"""Rows whose natural keys are compared with those of later rows with the same id."""
_MIN_SHARED = 2
"""Ids that rows of several pages must share."""


class DuplicateIds:
    """Compares the rows of one read that have ids.

    Args:
        natural_key: Names of the attributes that tell rows apart.
    """

    def __init__(self, natural_key: Sequence[str]) -> None:
        self._natural_key = natural_key
        # Hashes take less memory than texts, and thousands of lists may be open.
        self._sample: dict[str | None, dict[int, int]] = defaultdict(dict)
        self._size = 0
        self._shared: set[int] = set()

    def found(
        self, parent: str | None, page: ShapedPage, may_have_changed: Callable[[datetime], bool]
    ) -> bool:
        """Return whether a page shows that several rows have the same id.

        Args:
            parent: Id of the parent of the rows, None if the stream has no parents.
            page: The page.
            may_have_changed: Returns whether a row may have changed during the read, by its replication key:
                on another page it may be the same row with another natural key.
        """
        ids, sample = list(map(hash, page.ids)), self._sample[parent]
        complete = self._size >= _SAMPLE
        if complete and len(set(ids)) == len(ids) and sample.keys().isdisjoint(ids):
            return False  # so that an ordinary page costs nothing per row
        on_page: dict[int, int] = {}
        for index, one in enumerate(ids):
            if page.ids[index] is None:
                continue
            natural_key = _hash(page.values(index, self._natural_key))
            if on_page.setdefault(one, natural_key) != natural_key:
                return True
            if one not in sample and not complete:
                sample[one] = natural_key
                self._size += 1
            elif sample.get(one, natural_key) != natural_key:
                timestamp = page.timestamps[index]
                if timestamp is not None and not may_have_changed(timestamp):
                    self._shared.add(one)
        return len(self._shared) >= _MIN_SHARED


def _hash(values: Sequence[object]) -> int:
    try:
        return hash(tuple(values))
    except TypeError:  # a list or an object
        return hash(repr(values))


def shared_on_page(page: ShapedPage, names: Sequence[str]) -> bool:
    """Return whether rows of one page have the same id, but other attributes of some names.

    Args:
        page: The page. Rows of an ordinary page are not inspected: that would parse it once more.
        names: Names of the attributes.
    """
    if len(set(page.ids)) == len(page.ids):
        return False
    first: dict[str, Sequence[object]] = {}
    rows = ((one, page.values(index, names)) for index, one in enumerate(page.ids) if one is not None)
    return any(first.setdefault(one, values) != values for one, values in rows)
