"""How far an unfiltered read has come, as a state holds it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sumeru_api import timestamps
from tap_sumeru.catalog.streams import PAGE_SIZE
from tap_sumeru.state.validation import READING_KEYS

if TYPE_CHECKING:
    from datetime import datetime

Entry = dict[str, Any]

_parse = lru_cache(timestamps.parse)  # many shops have the same timestamps


@dataclass(frozen=True, slots=True)
class ReadPosition:
    """How far an unfiltered read has come.

    Attributes:
        started_at: When it started, by the server's clock.
        since: Older rows are left out.
        query: Fingerprint of the request that the cursor belongs to.
        cursor: Cursor of the next page, None for the first page.
        after: Last parent whose rows are all written, in the order of their ids.
        page_size: Rows that were requested at a time, 0 for as many as usual: a cursor may depend on it.
    """

    started_at: datetime
    since: datetime | None
    query: str
    cursor: str | None = None
    after: str | None = None
    page_size: int = 0

    @classmethod
    def from_entry(cls, reading: Entry) -> ReadPosition | None:
        """Return the position that a state holds, None if it holds none."""
        started_at = timestamp(reading.get("began"))
        if started_at is None or not reading.keys() <= READING_KEYS:
            return None
        return cls(
            started_at,
            timestamp(reading.get("since")),
            query=reading.get("query", ""),
            cursor=reading.get("cursor"),
            after=reading.get("after"),
            page_size=_count(reading.get("limit", "")),
        )

    def to_entry(self) -> Entry:
        """Return the position as a state holds it."""
        reading = {
            "began": timestamps.text(self.started_at),
            "since": self.since and timestamps.text(self.since),
            "query": self.query,
            "cursor": self.cursor,
            "limit": str(self.page_size) if self.page_size not in (0, PAGE_SIZE) else None,
            "after": self.after,
        }
        return {name: value for name, value in reading.items() if value is not None}


def timestamp(value: object) -> datetime | None:
    """Return a timestamp that a state holds, None if it holds none."""
    return _parse(value) if isinstance(value, str) else None


def _count(text: str) -> int:
    """Return a number of at most three digits, 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0  # noqa: PLR2004 - digits of a page size
