"""A page of records, and what the extraction has to know about the rows that they come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime


class ShapedPage(ABC):
    """The records of a page.

    Attributes:
        records: The records, ready for the encoder.
        ids: The id that the API gives each row, None where it gives none.
        timestamps: The replication key of each row, None where it is missing or unreadable.
        mismatches: By column, how many values did not have the type of the column.
    """

    records: Sequence[Any]
    ids: Sequence[str | None]
    timestamps: Sequence[datetime | None]
    mismatches: Counter[str]

    @abstractmethod
    def other_dates(self, index: int) -> Iterator[datetime]:
        """Yield all dates of a row except its replication key; a date may come twice."""

    @cached_property
    def span(self) -> tuple[datetime, ...]:
        """The first and the last of the replication keys; empty if there is none."""
        dated = [timestamp for timestamp in self.timestamps if timestamp is not None]
        return (min(dated), max(dated)) if dated else ()


class _EmptyPage(ShapedPage):
    """A page without rows."""

    records = ids = timestamps = ()
    mismatches: ClassVar[Counter[str]] = Counter()  # type: ignore[misc]  # shared: nobody changes it

    @override
    def other_dates(self, index: int) -> Iterator[datetime]:
        return iter(())


EMPTY_PAGE = _EmptyPage()
"""The records of every page without rows."""
