"""The rows of a page, as the reading of a stream needs them: parsed one by one, or left raw."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_sumeru.extract.filter_trust import others_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sumeru_api.responses import Page
    from tap_sumeru.records.record_builder import RecordBuilder


class Rows(ABC):
    """The rows of a page.

    Attributes:
        records: Their records, for an encoder.
        instants: Their replication keys, None where there is none that can be read.
    """

    records: Sequence[Any]
    instants: Sequence[datetime | None]

    @abstractmethod
    def others(self, index: int) -> Iterator[datetime]:
        """Yield all dates of a row but its replication key, some of them perhaps twice."""

    @cached_property
    def span(self) -> tuple[datetime, ...]:
        """The first and the last of the replication keys, if there is any."""
        dated = [instant for instant in self.instants if instant is not None]
        return (min(dated), max(dated)) if dated else ()


class ParsedRows(Rows):
    """Rows of whatever kind, each of them parsed."""

    def __init__(self, page: Page, shaper: RecordBuilder, shop: str, parent: str | None) -> None:
        shaped = [shaper.shape(row, shop, page, parent) for row in page.rows]
        self.records = [one.record for one in shaped]
        self.instants = [one.instant for one in shaped]
        self._attributes = [one.attributes for one in shaped]
        self._key = shaper.key

    @override
    def others(self, index: int) -> Iterator[datetime]:
        return others_of(self._attributes[index], self._key)
