"""Bookmarks: one partition per stream and shop, in the SDK's shape, with further keys of the tap's own.

::

    {"bookmarks": {"orders": {"partitions": [{
        "context": {"shop": "acme"},
        "replication_key": "updated_at",
        "replication_key_value": "2026-05-10T00:00:00Z",   # all changes before this are written
        "filters": "…",                                    # fingerprint of `filters`, if there are any
        "date_filter": {"verdict": "proven", "names": ["filter[date_from]", "filter[date_to]"]},
        "unproven_from": "2025-01-01T00:00:00Z",           # start of a first read by an unproven filter
        "skipped": ["0f8fad5b"],                           # digests of the ids of parents that were missing
        "reading": {"began": "…", "since": "…", "query": "…", "cursor": "…", "limit": "50", "after": "…"}
    }]}}}
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sumeru_api import timestamps
from tap_sumeru.catalog.streams import PAGE_SIZE

if TYPE_CHECKING:
    from datetime import datetime

Entry = dict[str, Any]
State = dict[str, Any]

_VALUE = "replication_key_value"


class Verdict(StrEnum):
    """What is known about a date filter; see `extract.filter_trust`."""

    UNPROVEN = "unproven"
    PROVEN = "proven"
    REFUTED = "refuted"


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
        started_at = _timestamp(reading.get("began"))
        if started_at is None:
            return None
        return cls(
            started_at,
            _timestamp(reading.get("since")),
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


class Bookmark:
    """What is known about one stream of one shop.

    A read works on a bookmark of its own. What it changes counts once `snapshot` is committed to the state.

    Args:
        entry: The partition of the stream and shop; it stays as it is.
        key: Replication key; a bookmark on another one says nothing.
        filter_names: Names of the date filter's parameters; a verdict on others says nothing.
        filters: Fingerprint of the filters on attributes; a bookmark under others says nothing.

    Attributes:
        value: All changes before this moment are written; None if nothing is known.
        verdict: What earlier reads found out about the date filter.
        unproven_from: Start of a first read that used the date filter before it was proven. As long as it is
            set, rows may be missing: the read is repeated from here without the filter.
        position: How far an unfiltered read came that was interrupted.
        outdated_by: The option whose change has made the bookmark useless, empty if none has.
    """

    def __init__(
        self, entry: Entry, key: str, filter_names: tuple[str, str] | None, filters: str = ""
    ) -> None:
        self._context = entry.get("context")
        self._key = key
        self._filters = filters
        self._names = list(filter_names or ())
        self._last: Entry = {}
        other_key = entry.get("replication_key", key) != key
        other_filters = entry.get("filters", "") != filters
        known = {} if other_key or other_filters else entry
        self.value = _timestamp(known.get(_VALUE))
        self.unproven_from = _timestamp(known.get("unproven_from"))
        self.position = ReadPosition.from_entry(known.get("reading", {}))
        self._skipped = set(known.get("skipped", ()))
        self.verdict = Verdict.UNPROVEN
        date_filter = {} if other_key else entry.get("date_filter", {})
        if date_filter.get("names") == self._names:
            self.verdict, date_filter = Verdict(date_filter["verdict"]), {}
        self._other_filter = date_filter  # a verdict on another filter is kept until there is one on this
        self.outdated_by = ""
        if known is not entry and (_VALUE in entry or "reading" in entry):
            self.outdated_by = "replication_key" if other_key else "filters"

    def snapshot(self) -> Entry | None:
        """Return the partition as it is now, None if it has not changed since the last snapshot."""
        entry = self._entry()
        if entry == self._last:
            return None
        self._last = entry
        return dict(entry)

    def _entry(self) -> Entry:
        date_filter = self._other_filter
        if self.verdict is not Verdict.UNPROVEN:
            date_filter = {"verdict": self.verdict.value, "names": self._names}
        entry = {
            "context": self._context,
            "replication_key": self._key,
            _VALUE: self.value and timestamps.text(self.value),
            "filters": self._filters,
            "date_filter": date_filter,
            "unproven_from": self.unproven_from and timestamps.text(self.unproven_from),
            "skipped": sorted(self._skipped),
            "reading": self.position and self.position.to_entry(),
        }
        return {name: value for name, value in entry.items() if value}

    def skip(self, parent: str) -> None:
        """Remember a parent whose rows were not found, so that they are read in full if it is found again."""
        self._skipped.add(_digest(parent))

    def answered(self, parent: str) -> None:
        """Forget that a parent was skipped: all its rows are read."""
        self._skipped.discard(_digest(parent))

    def has_skipped(self, parent: str) -> bool:
        """Return whether a parent was skipped and has not answered since."""
        return bool(self._skipped) and _digest(parent) in self._skipped

    def advance(self, value: datetime, now: datetime) -> None:
        """Move the bookmark: never past the present, and back only if it lies in the future."""
        target = min(value, now)
        if self.value is None or self.value < target or self.value > now:
            self.value = target


class Bookmarks:
    """All bookmarks of a state, by stream and shop.

    Args:
        state: The tap's state, validated. Partitions of shops that are not read stay as they are.
    """

    def __init__(self, state: State) -> None:
        self._streams: dict[str, Any] = state.setdefault("bookmarks", {})
        self._entries = {
            (stream, entry["context"]["shop"]): entry
            for stream, content in self._streams.items()
            for entry in content.get("partitions", [])
        }

    def entry(self, stream: str, shop: str) -> Entry:
        """Return the partition of a stream of a shop; a new one, not yet in the state, if there is none."""
        return self._entries.get((stream, shop)) or {"context": {"shop": shop}}

    def commit(self, stream: str, shop: str, snapshot: Entry) -> bool:
        """Replace a partition, and return whether its bookmark moved."""
        entry = self._entries.get((stream, shop))
        if entry is None:
            self._entries[stream, shop] = snapshot
            self._streams.setdefault(stream, {}).setdefault("partitions", []).append(snapshot)
            return _VALUE in snapshot
        moved = bool(entry.get(_VALUE) != snapshot.get(_VALUE))
        entry.clear()
        entry.update(snapshot)
        return moved


def _digest(parent: str) -> str:
    """Return what stands for an id in the state."""
    return hashlib.sha256(parent.encode(errors="surrogatepass")).hexdigest()[:8]


def _count(text: str) -> int:
    """Return a number of at most three digits, 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0  # noqa: PLR2004


def _timestamp(value: object) -> datetime | None:
    return timestamps.parse(value) if isinstance(value, str) else None
