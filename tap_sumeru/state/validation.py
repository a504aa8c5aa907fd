"""Validates a state file: whether it is one that this tap has written, as `state.bookmarks` describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sumeru_api import timestamps
from sumeru_api.redaction import mask
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.errors import StateError
from tap_sumeru.state.bookmarks import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

Entry = dict[str, Any]

_TEXTS = ("replication_key", "filters")
_TIMES = ("replication_key_value", "unproven_from")
_OBJECTS = ("reading", "date_filter")


def validate(state: object) -> None:
    """Refuse a state that this tap cannot have written, rather than sync too little or too much by it.

    Raises:
        StateError: The message names the stream and what is wrong with it.
    """
    if not isinstance(state, dict):
        raise StateError("state: is not a JSON object. Pass the value of the last STATE message.")
    if not state:
        return
    wrapping = _wrapping(state)
    if wrapping:
        raise StateError(
            f"state: the bookmarks are wrapped in `{mask(wrapping)}`. Pass the content of that alone."
        )
    bookmarks = state.get("bookmarks")
    if not isinstance(bookmarks, dict):
        raise StateError("state: has no `bookmarks`. Pass the value of the last STATE message.")
    _check_names("state", state, ("bookmarks",))
    for stream, content in bookmarks.items():
        if stream not in STREAMS:
            raise StateError(f"state: {mask(stream)} is no stream of this tap. It has {', '.join(STREAMS)}.")
        _check_stream(f"state of {stream}", content)


def _wrapping(state: Entry) -> str | None:
    """Return where the bookmarks are if not at the top: a whole STATE message, or as Meltano keeps it."""
    inner = {name: content for name, content in state.items() if name != "bookmarks"}
    for _ in range(2):
        for name, content in inner.items():
            if isinstance(content, dict) and "bookmarks" in content:
                return name
        inner = {
            f"{name}.{below}": content
            for name, outer in inner.items()
            if isinstance(outer, dict)
            for below, content in outer.items()
        }
    return None


def _check_names(where: str, content: Entry, known: Iterable[str]) -> None:
    """Refuse what would be passed over: a slip of the pen, or the bookmark of another tap."""
    for name in content:
        if name not in known:
            raise StateError(f"{where}: `{mask(name)}` is nothing that this tap writes there.")


def _check_stream(where: str, content: object) -> None:
    if not isinstance(content, dict):
        raise StateError(f"{where}: is not an object.")
    if "replication_key_value" in content:
        raise StateError(f"{where}: its bookmark belongs to no shop; move it under `partitions`.")
    _check_names(where, content, ("partitions",))
    partitions = content.get("partitions", [])
    if not isinstance(partitions, list):
        raise StateError(f"{where}: `partitions` is not a list.")
    seen = set()
    for entry in partitions:
        context = entry.get("context") if isinstance(entry, dict) else None
        shop = context.get("shop") if isinstance(context, dict) else None
        if not isinstance(context, dict) or not isinstance(shop, str):
            raise StateError(f"{where}: a partition names no shop in its `context`.")
        if shop in seen:
            raise StateError(f"{where}: shop {mask(shop)} has two partitions; keep one.")
        seen.add(shop)
        _check_names(f"{where}, shop {mask(shop)}, `context`", context, ("shop",))
        _check_entry(f"{where}, shop {mask(shop)}", entry)


def _check_entry(where: str, entry: Entry) -> None:
    _check_names(where, entry, ("context", *_TEXTS, *_TIMES, *_OBJECTS))
    for name in _TEXTS:
        if not isinstance(entry.get(name, ""), str):
            raise StateError(f"{where}: `{name}` is no text.")
    for name in _TIMES:
        if name in entry and not _is_instant(entry[name]):
            raise StateError(f"{where}: `{name}` is no timestamp.")
    for name in _OBJECTS:
        if not isinstance(entry.get(name, {}), dict):
            raise StateError(f"{where}: `{name}` is not an object.")
    if "reading" in entry:
        _check_reading(where, entry["reading"])
    if "date_filter" in entry:
        _check_filter(where, entry["date_filter"])


def _check_reading(where: str, reading: Entry) -> None:
    _check_names(f"{where}, `reading`", reading, ("began", "since", "query", "cursor", "after"))
    for name in ("began", "since"):
        if (name in reading or name == "began") and not _is_instant(reading.get(name)):
            raise StateError(f"{where}: `reading.{name}` is no timestamp.")
    for name in ("query", "cursor", "after"):
        if (name in reading or name == "query") and not isinstance(reading.get(name), str):
            raise StateError(f"{where}: `reading.{name}` is no text.")


def _check_filter(where: str, known: Entry) -> None:
    _check_names(f"{where}, `date_filter`", known, ("verdict", "names"))
    if known.get("verdict") not in [one.value for one in Verdict]:
        raise StateError(f"{where}: `date_filter.verdict` is none that this tap gives.")
    names = known.get("names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise StateError(f"{where}: `date_filter.names` is no list of parameters.")


def _is_instant(value: object) -> bool:
    return isinstance(value, str) and timestamps.parse(value) is not None
