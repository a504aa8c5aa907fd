"""Shaped page: the records of a page, with the ids and dates of their rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from sumeru_api.timestamps import FIRST_REAL, Precision, real

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime


class ShapedPage(ABC):
    """The records of a page.

    Attributes:
        records: The records, ready for the encoder.
        ids: The id of each row as the API sent it, None if it sent none.
        timestamps: The replication key of each row, None if it is missing or no real timestamp.
        mismatches: By column, the number of values that do not have the column's type.
        made_ids: By index of each row whose id is made from its natural key: that id, and a hash of the row.
        replaced: How many characters of the page could not be decoded.
        precision: The coarsest precision of the replication keys.
    """

    made_ids: Mapping[int, tuple[str, int]] = MappingProxyType({})
    replaced: int = 0
    records: Sequence[Any]
    ids: Sequence[str | None]
    timestamps: Sequence[datetime | None]
    mismatches: Counter[str]
    precision: Precision = Precision.SECOND

    @abstractmethod
    def other_dates(self, index: int) -> Iterator[datetime]:
        """Yield all dates of a row except its replication key; a date may be yielded twice."""

    def values(self, index: int, names: Sequence[str]) -> Sequence[object]:  # noqa: ARG002 - see subclasses
        """Return the values of attributes of a row, None for one that it does not have."""
        return [None for _ in names]

    def names(self, index: int) -> Collection[str]:  # noqa: ARG002 - see subclasses
        """Return the names of the attributes of a row."""
        return ()

    def ignore_placeholders(self) -> None:
        """Take a replication key that stands for no date for a missing one."""
        if self.span and self.span[0] < FIRST_REAL:
            self.timestamps = list(map(real, self.timestamps))
            del self.span

    @property
    def identity(self) -> frozenset[int]:
        """A hash of what distinguishes the rows, in no order; thousands are kept for each list."""
        return frozenset(map(hash, zip(self.ids, self.timestamps, strict=True)))

    @cached_property
    def span(self) -> tuple[datetime, ...]:
        """The first and the last replication key; empty if no row has one."""
        dated = [timestamp for timestamp in self.timestamps if timestamp is not None]
        return (min(dated), max(dated)) if dated else ()


class _EmptyPage(ShapedPage):
    """A page without rows."""

    records = ids = timestamps = ()
    mismatches: ClassVar[Counter[str]] = Counter()  # type: ignore[misc]  # shared, because nothing changes it

    @override
    def other_dates(self, index: int) -> Iterator[datetime]:
        return iter(())


EMPTY_PAGE = _EmptyPage()
"""Shaped page for every page without rows."""
