"""Bookmarks: one partition per stream and shop, in the SDK's shape, with further keys of the tap's own.

::

    {"bookmarks": {"orders": {"partitions": [{
        "context": {"shop": "acme"},
        "replication_key": "updated_at",
        "replication_key_value": "2026-05-10T00:00:00Z",   # all changes before this are written
        "start_date": "2025-01-01T00:00:00Z",              # where the first read started; year 1: all history
        "filters": "…",                                    # fingerprint of `filters`, if there are any
        "not_unique": ["date"],                            # natural key or id that several rows share
        "precision": "day",                                # of the replication key, if it is coarse
        "date_filter": {"verdict": "proven", "names": ["filter[date_from]", "filter[date_to]"]},
        "unproven_from": "2025-01-01T00:00:00Z",           # start of a first read by an unproven filter
        "last_audit": "2026-05-04T00:00:00Z",              # last read without the filter, or first read
        "filtered_from": "2026-05-03T23:00:00Z",           # start of the first read with it since then
        "skipped": ["0f8fad5b"],                           # digests of the ids of parents that were missing
        "reading": {"began": "…", "since": "…", "query": "…", "cursor": "…", "limit": "50", "after": "…"}
    }]}}}

Unknown keys, which a newer version may have written, pass through unchanged.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sumeru_api import timestamps
from sumeru_api.timestamps import Precision
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.state.read_position import ReadPosition, timestamp
from tap_sumeru.state.validation import PARTITION_KEYS

if TYPE_CHECKING:
    from datetime import timedelta

Entry = dict[str, Any]
State = dict[str, Any]

_VALUE = "replication_key_value"
_OTHER_KEY = "replication_key"
_ALL_HISTORY = datetime.min.replace(tzinfo=UTC)


class Verdict(StrEnum):
    """What is known about a date filter; see `extract.filter_trust`."""

    UNPROVEN = "unproven"
    PLAUSIBLE = "plausible"
    PROVEN = "proven"
    REFUTED = "refuted"


_VERDICTS = {one.value: one for one in Verdict}
_PRECISIONS = {one.value: one for one in Precision}


class Bookmark:
    """What is known about one stream of one shop.

    A read works on a bookmark of its own. What it changes counts once `snapshot` is committed to the state.

    Args:
        entry: The partition of the stream and shop; it stays as it is.
        key: Replication key; a bookmark for another key is ignored.
        filter_names: Names of the date filter's parameters; a verdict on other names is ignored.
        filters: Fingerprint of the filters on attributes; a bookmark with other filters is ignored.
        start: Where a first read starts, None for all history; a bookmark with a later start is ignored.

    Attributes:
        value: All changes before this moment are written; None if nothing is known.
        precision: The coarsest precision in which the replication key was seen.
        last_audit: When the stream was last read without the date filter; until then, when it was first read.
        filtered_from: Start of the first read that used the date filter since then, None if none has.
        verdict: What earlier reads found out about the date filter.
        unproven_from: Start of a first read that used the date filter before it was proven. As long as it is
            set, rows may be missing: the read is repeated from here without the filter.
        position: How far an unfiltered read came that was interrupted.
        not_unique: What several rows share, so that it is no id: `id`, or the natural key; empty if nothing.
    """

    def __init__(
        self,
        entry: Entry,
        key: str,
        filter_names: tuple[str, str] | None,
        filters: str = "",
        start: datetime | None = None,
    ) -> None:
        self._context = entry.get("context")
        self._key = key
        self._filters = filters
        self._names = list(filter_names or ())
        self._others = {name: value for name, value in entry.items() if name not in PARTITION_KEYS}
        self._last: tuple[object, ...] = ()
        self.not_unique = tuple(entry.get("not_unique", ()))
        changed = _changed_option(entry, key, filters, start)
        known = {} if changed else entry
        self._first_start = start or _ALL_HISTORY
        self._start = timestamp(known.get("start_date")) or self._first_start
        other_key = changed == _OTHER_KEY
        self.value = timestamp(known.get(_VALUE))
        self.unproven_from = timestamp(known.get("unproven_from"))
        self.last_audit = timestamp(known.get("last_audit"))
        self.filtered_from = timestamp(known.get("filtered_from"))
        self.position = ReadPosition.from_entry(known.get("reading", {}))
        self.precision = Precision.SECOND if other_key else _precision(entry)
        self._skipped = set(known.get("skipped", ()))
        self.verdict = Verdict.UNPROVEN
        date_filter = {} if other_key else entry.get("date_filter", {})
        if date_filter.get("names") == self._names and date_filter["verdict"] in _VERDICTS:
            self.verdict, date_filter = _VERDICTS[date_filter["verdict"]], {}
        # A verdict on another filter, or an unknown one, is kept until there is one on this filter.
        self._other_filter = date_filter

    def snapshot(self) -> Entry | None:
        """Return the partition as it is now, None if it has not changed since the last snapshot."""
        content = self._content()
        if content == self._last:
            return None
        self._last = content
        return self._entry()

    def _content(self) -> tuple[object, ...]:
        """Return the parts of the partition that may change, which are compared after each page."""
        moments = self.value, self._start, self.unproven_from, self.last_audit, self.filtered_from
        return (*moments, self.position, self.not_unique, self.precision, self.verdict, *self._skipped)

    def _entry(self) -> Entry:
        date_filter = self._other_filter
        if self.verdict is not Verdict.UNPROVEN:
            date_filter = {"verdict": self.verdict.value, "names": self._names}
        entry = {
            "context": self._context,
            "replication_key": self._key,
            _VALUE: self.value and timestamps.text(self.value),
            "start_date": self.value and timestamps.text(self._start),
            "filters": self._filters,
            "not_unique": list(self.not_unique),
            "precision": "" if self.precision is Precision.SECOND else self.precision.value,
            "date_filter": date_filter,
            "unproven_from": self.unproven_from and timestamps.text(self.unproven_from),
            "last_audit": self.last_audit and timestamps.text(self.last_audit),
            "filtered_from": self.filtered_from and timestamps.text(self.filtered_from),
            "skipped": sorted(self._skipped),
            "reading": self.position and self.position.to_entry(),
        }
        return self._others | {name: value for name, value in entry.items() if value}

    @property
    def distance(self) -> timedelta:
        """How far behind the present the bookmark stays, because the replication key is not exact."""
        return self.precision.distance

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
        """Move the bookmark: never past the present, and back only if it lies in the future.

        A change that is made from now on may show an earlier replication key, by the distance.
        """
        now = timestamps.shift(now, -self.distance)
        target = min(value, now)
        if self.value is None or self.value < target or self.value > now:
            self.value = target

    def reaches(self, end: datetime) -> bool:
        """Return whether nothing is left to read before an end."""
        return self.value is not None and self.value >= end and self.unproven_from is None

    def forget(self) -> None:
        """Forget all that was read: the next read is a first one."""
        self.value, self._start = None, self._first_start

    def forget_after(self, moment: datetime) -> bool:
        """Forget what was read and audited after a moment in the future; return whether anything was read."""
        if self.last_audit is not None and self.last_audit > moment:
            self.last_audit = None  # the interval starts anew
        if self.value is None or self.value <= moment:
            return False
        self.forget()
        return True

    def learn_precision(self, precision: Precision) -> bool:
        """Apply the distance of a precision to the bookmark; return whether it is coarser than all before."""
        if precision.distance <= self.distance:
            return False
        more, self.precision = precision.distance - self.distance, precision
        self.value = self.value and timestamps.shift(self.value, -more)
        self.unproven_from = self.unproven_from and timestamps.shift(self.unproven_from, -more)
        return True

    def audited(self, at: datetime) -> None:
        """Record that the whole stream was read without the date filter."""
        self.last_audit, self.filtered_from = at, None


class Bookmarks:
    """All bookmarks of a state, by stream and shop.

    Args:
        state: The tap's state, validated. Partitions of shops that are not read stay as they are.
    """

    def __init__(self, state: State) -> None:
        self._streams: dict[str, Any] = state.setdefault("bookmarks", {})
        self._entries = {
            (stream, entry["context"]["shop"]): entry
            for stream in self._streams.keys() & STREAMS.keys()
            for entry in self._streams[stream].get("partitions", [])
            if entry["context"].keys() == {"shop"}
        }

    @property
    def empty(self) -> bool:
        """Whether there is no bookmark of any stream and shop."""
        return not self._entries

    def entry(self, stream: str, shop: str) -> Entry:
        """Return the partition of a stream of a shop; a new one, not yet in the state, if there is none."""
        return self._entries.get((stream, shop)) or {"context": {"shop": shop}}

    def has(self, stream: str, shop: str) -> bool:
        """Return whether an earlier sync of a stream of a shop has left a bookmark or a place to go on."""
        return _has_read(self._entries.get((stream, shop), {}))

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


def outdated_by(entry: Entry, key: str, filters: str = "", start: datetime | None = None) -> str:
    """Return the option whose change makes a bookmark useless, empty if none does or nothing was read.

    The arguments are those of `Bookmark`.
    """
    return _changed_option(entry, key, filters, start) if _has_read(entry) else ""


def _has_read(entry: Entry) -> bool:
    return _VALUE in entry or "reading" in entry


def _changed_option(entry: Entry, key: str, filters: str, start: datetime | None) -> str:
    if entry.get("replication_key", key) != key:
        return _OTHER_KEY
    if entry.get("filters", "") != filters:
        return "filters"
    began_at = timestamp(entry.get("start_date"))
    return "start_date" if began_at is not None and (start or _ALL_HISTORY) < began_at else ""


def _digest(parent: str) -> str:
    """Return what stands for an id in the state."""
    return hashlib.sha256(parent.encode(errors="surrogatepass")).hexdigest()[:8]


def _precision(entry: Entry) -> Precision:
    """Return the precision that a partition holds; the coarsest for one that only a newer version knows."""
    return _PRECISIONS.get(entry.get("precision", Precision.SECOND.value), Precision.DAY)
