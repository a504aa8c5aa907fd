"""The bookmarks: one partition per stream and shop, in the SDK's shape, with a few keys of our own beside.

::

    {"bookmarks": {"orders": {"partitions": [{
        "context": {"shop": "acme"},
        "replication_key": "updated_at",
        "replication_key_value": "2026-05-10T00:00:00Z",   # all changes before this are written
        "filters": "…",                                    # fingerprint of the filters they passed, if any
        "date_filter": {"verdict": "proven", "names": ["filter[date_from]", "filter[date_to]"]},
        "unproven_from": "2025-01-01T00:00:00Z",           # a first read by a filter not yet proven
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


def _instant(value: object) -> datetime | None:
    return timestamps.parse(value) if isinstance(value, str) else None


class Verdict(StrEnum):
    """What is known about a date filter; see `datefilter`."""

    UNPROVEN = "unproven"
    PROVEN = "proven"
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True)
class ReadPosition:
    """How far an unfiltered read has come.

    Attributes:
        began: When it began, by the server's clock.
        since: Rows older than this are left out.
        query: Fingerprint of the request that the cursor belongs to.
        cursor: Cursor of the next page, or None for the first.
        after: Last parent whose rows are all written, in the order of their ids.
    """

    began: datetime
    since: datetime | None
    query: str
    cursor: str | None = None
    after: str | None = None

    @classmethod
    def of(cls, reading: Entry) -> ReadPosition | None:
        """Return the place that a state holds, or None if it holds none."""
        began = _instant(reading.get("began"))
        if began is None:
            return None
        return cls(
            began,
            _instant(reading.get("since")),
            query=reading.get("query", ""),
            cursor=reading.get("cursor"),
            after=reading.get("after"),
        )

    def entry(self) -> Entry:
        """Return the place as a state holds it."""
        reading = {
            "began": timestamps.text(self.began),
            "since": self.since and timestamps.text(self.since),
            "query": self.query,
            "cursor": self.cursor,
            "after": self.after,
        }
        return {name: value for name, value in reading.items() if value is not None}


class Bookmark:
    """What is known about one stream of one shop; every change goes straight into the state.

    Args:
        entry: The partition of the stream and shop.
        key: Replication key; a bookmark on another one says nothing.
        filter_names: Names of the date filter's parameters; a verdict on others says nothing.
        filters: Fingerprint of the filters on attributes; a bookmark under others says nothing.
    """

    def __init__(
        self, entry: Entry, key: str, filter_names: tuple[str, str] | None, filters: str = ""
    ) -> None:
        self._entry = entry
        self._names = list(filter_names or ())
        self.outdated_by = ""
        """The option whose change has made the bookmark worthless, if any has."""
        if self._entry.get("replication_key", key) != key:
            self._outdate("replication_key")
            self._entry.pop("date_filter", None)
        if self._entry.get("filters", "") != filters:
            self._outdate("filters")
        self._entry["replication_key"] = key
        self._set("filters", filters or None)

    def _outdate(self, option: str) -> None:
        if {"replication_key_value", "reading"} & set(self._entry):
            self.outdated_by = option
        for name in ("replication_key_value", "unproven_from", "reading"):
            self._entry.pop(name, None)

    @property
    def value(self) -> datetime | None:
        """All changes before this instant are written; None if nothing is known."""
        return _instant(self._entry.get("replication_key_value"))

    @value.setter
    def value(self, instant: datetime | None) -> None:
        self._set("replication_key_value", instant and timestamps.text(instant))

    @property
    def verdict(self) -> Verdict:
        """What earlier reads found out about the date filter."""
        known = self._entry.get("date_filter", {})
        return Verdict(known["verdict"]) if known.get("names") == self._names else Verdict.UNPROVEN

    @verdict.setter
    def verdict(self, verdict: Verdict) -> None:
        self._entry["date_filter"] = {"verdict": verdict.value, "names": self._names}

    @property
    def unproven_from(self) -> datetime | None:
        """Start of a first read by windows whose filter is not proven yet: to be read again without it."""
        return _instant(self._entry.get("unproven_from"))

    @unproven_from.setter
    def unproven_from(self, instant: datetime | None) -> None:
        self._set("unproven_from", instant and timestamps.text(instant))

    @property
    def place(self) -> ReadPosition | None:
        """The place of an unfiltered read that was interrupted."""
        return ReadPosition.of(self._entry.get("reading", {}))

    @place.setter
    def place(self, place: ReadPosition | None) -> None:
        self._set("reading", place and place.entry())

    def advance(self, instant: datetime, now: datetime) -> None:
        """Move the bookmark to an instant: never past the present, and back only if it lay in the future."""
        target = min(instant, now)
        if self.value is None or self.value < target or self.value > now:
            self.value = target

    def _set(self, name: str, value: object) -> None:
        if value is None:
            self._entry.pop(name, None)
        else:
            self._entry[name] = value


class Bookmarks:
    """All bookmarks of a state, found by stream and shop.

    Args:
        state: The tap's state, checked; partitions of shops that nobody asks for stay as they are.
    """

    def __init__(self, state: State) -> None:
        self._streams: dict[str, Any] = state.setdefault("bookmarks", {})
        self._entries = {
            (stream, entry["context"]["shop"]): entry
            for stream, content in self._streams.items()
            for entry in content.get("partitions", [])
        }

    def of(
        self, stream: str, shop: str, key: str, names: tuple[str, str] | None, filters: str = ""
    ) -> Bookmark:
        """Return the bookmark of a stream of a shop; see `Bookmark` for the arguments."""
        entry = self._entries.get((stream, shop))
        if entry is None:
            entry = self._entries[stream, shop] = {"context": {"shop": shop}}
            self._streams.setdefault(stream, {}).setdefault("partitions", []).append(entry)
        return Bookmark(entry, key, names, filters)
