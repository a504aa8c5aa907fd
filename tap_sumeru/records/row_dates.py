"""Dates of a row, in known and unknown attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sumeru_api import timestamps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

_MIN_LENGTH = len("2026-05-10")
_MAX_LENGTH = len("2026-05-10T14:23:00.123456789+02:00")


def dates_of(attributes: Mapping[str, Any]) -> dict[str, datetime]:
    """Return all attributes of a row that are dates or timestamps."""
    found = {}
    for name, value in attributes.items():
        if isinstance(value, str) and _MIN_LENGTH <= len(value) <= _MAX_LENGTH:
            timestamp = timestamps.parse(value)
            if timestamp is not None:
                found[name] = timestamp
    return found


def other_dates_of(attributes: Mapping[str, Any], key: str) -> Iterator[datetime]:
    """Yield all dates of a row except its replication key."""
    yield from (timestamp for name, timestamp in dates_of(attributes).items() if name != key)
