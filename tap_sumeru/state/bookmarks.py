"""Bookmarks: one partition per stream and shop, in the SDK's shape, with further keys of the tap's own.

::

    {"bookmarks": {"orders": {"partitions": [{
        "context": {"shop": "acme"},
        "replication_key": "updated_at",
        "replication_key_value": "2026-05-10T00:00:00Z",   # all changes before this are written
        "filters": "…",                                    # fingerprint of `filters`, if there are any
        "date_filter": {"verdict": "proven", "names": ["filter[date_from]", "filter[date_to]"]},
        "unproven_from": "2025-01-01T00:00:00Z",           # start of a first read by an unproven filter
        "reading": {"began": "…", "since": "…", "query": "…", "cursor": "…", "after": "…"}
    }]}}}
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sumeru_api import timestamps

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
    """

    started_at: datetime
    since: datetime | None
    query: str
    cursor: str | None = None
    after: str | None = None

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
        )

    def to_entry(self) -> Entry:
        """Return the position as a state holds it."""
        reading = {
            "began": timestamps.text(self.started_at),
            "since": self.since and timestamps.text(self.since),
            "query": self.query,
            "cursor": self.cursor,
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
        outdated_by: The option whose change has made the bookmark useless, empty if none has.
    """

    def __init__(
        self, entry: Entry, key: str, filter_names: tuple[str, str] | None, filters: str = ""
    ) -> None:
        self._entry = dict(entry)
        self._names = list(filter_names or ())
        self._changed = True
        self.outdated_by = ""
        if self._entry.get("replication_key", key) != key:
            self._discard("replication_key")
            self._entry.pop("date_filter", None)
        if self._entry.get("filters", "") != filters:
            self._discard("filters")
        self._entry["replication_key"] = key
        self._set("filters", filters or None)

    def _discard(self, option: str) -> None:
        if {_VALUE, "reading"} & set(self._entry):
            self.outdated_by = option
        for name in (_VALUE, "unproven_from", "reading"):
            self._entry.pop(name, None)

    def snapshot(self) -> Entry | None:
        """Return the partition as it is now, None if it has not changed since the last snapshot."""
        if not self._changed:
            return None
        self._changed = False
        return dict(self._entry)

    @property
    def value(self) -> datetime | None:
        """All changes before this moment are written; None if nothing is known."""
        return _timestamp(self._entry.get(_VALUE))

    @value.setter
    def value(self, value: datetime | None) -> None:
        self._set(_VALUE, value and timestamps.text(value))

    @property
    def verdict(self) -> Verdict:
        """What earlier reads found out about the date filter."""
        known = self._entry.get("date_filter", {})
        return Verdict(known["verdict"]) if known.get("names") == self._names else Verdict.UNPROVEN

    @verdict.setter
    def verdict(self, verdict: Verdict) -> None:
        self._set("date_filter", {"verdict": verdict.value, "names": self._names})

    @property
    def unproven_from(self) -> datetime | None:
        """Start of a first read by windows whose filter is not proven yet: to be read again without it."""
        return _timestamp(self._entry.get("unproven_from"))

    @unproven_from.setter
    def unproven_from(self, value: datetime | None) -> None:
        self._set("unproven_from", value and timestamps.text(value))

    @property
    def position(self) -> ReadPosition | None:
        """How far an unfiltered read came that was interrupted."""
        return ReadPosition.from_entry(self._entry.get("reading", {}))

    @position.setter
    def position(self, position: ReadPosition | None) -> None:
        self._set("reading", position and position.to_entry())

    def advance(self, value: datetime, now: datetime) -> None:
        """Move the bookmark: never past the present, and back only if it lies in the future."""
        target = min(value, now)
        if self.value is None or self.value < target or self.value > now:
            self.value = target

    def _set(self, name: str, value: object) -> None:
        if value == self._entry.get(name):
            return
        self._changed = True
        if value is None:
            del self._entry[name]
        else:
            self._entry[name] = value


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


def _timestamp(value: object) -> datetime | None:
    return timestamps.parse(value) if isinstance(value, str) else None
