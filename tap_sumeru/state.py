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
from enum import Enum
from typing import TYPE_CHECKING, Any

from tap_sumeru import instants
from tap_sumeru.errors import StateError, mask

if TYPE_CHECKING:
    from datetime import datetime

Entry = dict[str, Any]
State = dict[str, Any]


def check(state: object) -> None:
    """Refuse a state that this tap cannot have written, rather than sync too little or too much by it.

    Raises:
        StateError: The message names the stream and what is wrong with it.
    """
    if not isinstance(state, dict):
        raise StateError("state: is not a JSON object. Pass the value of the last STATE message.")
    if not state:
        return
    bookmarks = state.get("bookmarks")
    if not isinstance(bookmarks, dict):
        raise StateError("state: has no `bookmarks`. Pass the value of the last STATE message.")
    for stream, content in bookmarks.items():
        _check_stream(stream, content)


def _check_stream(name: str, content: object) -> None:
    stream = mask(name)
    if not isinstance(content, dict):
        raise StateError(f"state of {stream}: is not an object.")
    if "replication_key_value" in content:
        raise StateError(f"state of {stream}: its bookmark belongs to no shop; move it under `partitions`.")
    partitions = content.get("partitions", [])
    if not isinstance(partitions, list):
        raise StateError(f"state of {stream}: `partitions` is not a list.")
    seen = set()
    for entry in partitions:
        context = entry.get("context") if isinstance(entry, dict) else None
        shop = context.get("shop") if isinstance(context, dict) else None
        if not isinstance(shop, str):
            raise StateError(f"state of {stream}: a partition names no shop in its `context`.")
        if shop in seen:
            raise StateError(f"state of {stream}: shop {mask(shop)} has two partitions; keep one.")
        seen.add(shop)
        _check_entry(f"state of {stream}, shop {mask(shop)}", entry)


def _check_entry(where: str, entry: Entry) -> None:
    for name in ("replication_key_value", "unproven_from"):
        if entry.get(name) is not None and _instant(entry[name]) is None:
            raise StateError(f"{where}: `{name}` is no timestamp.")
    for name in ("reading", "date_filter"):
        if not isinstance(entry.get(name, {}), dict):
            raise StateError(f"{where}: `{name}` is not an object.")
    reading = entry.get("reading", {})
    for name in ("began", "since"):
        if reading.get(name) is not None and _instant(reading[name]) is None:
            raise StateError(f"{where}: `reading.{name}` is no timestamp.")
    texts = {"filters": entry.get("filters", "")}
    texts |= {f"reading.{name}": reading.get(name, "") for name in ("query", "cursor", "after")}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise StateError(f"{where}: `{name}` is no text.")
    if entry.get("date_filter", {}).get("verdict", "unproven") not in [one.value for one in Verdict]:
        raise StateError(f"{where}: `date_filter.verdict` is none that this tap gives.")


def _instant(value: object) -> datetime | None:
    return instants.parse(value) if isinstance(value, str) else None


class Verdict(str, Enum):
    """What is known about a date filter; see `datefilter`."""

    UNPROVEN = "unproven"
    PROVEN = "proven"
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True)
class Place:
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
        self._set("replication_key_value", instant and instants.text(instant))

    @property
    def verdict(self) -> Verdict:
        """What earlier reads found out about the date filter."""
        known = self._entry.get("date_filter", {})
        if known.get("names") != self._names or known.get("verdict") not in set(Verdict):
            return Verdict.UNPROVEN
        return Verdict(known["verdict"])

    @verdict.setter
    def verdict(self, verdict: Verdict) -> None:
        self._entry["date_filter"] = {"verdict": verdict.value, "names": self._names}

    @property
    def unproven_from(self) -> datetime | None:
        """Start of a first read by windows whose filter is not proven yet: to be read again without it."""
        return _instant(self._entry.get("unproven_from"))

    @unproven_from.setter
    def unproven_from(self, instant: datetime | None) -> None:
        self._set("unproven_from", instant and instants.text(instant))

    @property
    def place(self) -> Place | None:
        """The place of an unfiltered read that was interrupted."""
        reading = self._entry.get("reading", {})
        began = _instant(reading.get("began"))
        if began is None:
            return None
        return Place(
            began, _instant(reading.get("since")), *(reading.get(key) for key in ("query", "cursor", "after"))
        )

    @place.setter
    def place(self, place: Place | None) -> None:
        if place is None:
            self._set("reading", None)
            return
        reading = {
            "began": instants.text(place.began),
            "since": place.since and instants.text(place.since),
            "query": place.query,
            "cursor": place.cursor,
            "after": place.after,
        }
        self._entry["reading"] = {name: value for name, value in reading.items() if value is not None}

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
