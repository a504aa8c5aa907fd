"""Dates of a row, in known and unknown attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sumeru_api import timestamps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

_MIN_LENGTH = len("2026-05-10")
_MAX_LENGTH = len("2026-05-10T14:23:00.123456789+02:00")


def other_dates_of(attributes: Mapping[str, Any], key: str) -> Iterator[datetime]:
    """Yield all dates and timestamps of a row except its replication key."""
    for name, value in attributes.items():
        if name != key and isinstance(value, str) and _MIN_LENGTH <= len(value) <= _MAX_LENGTH:
            timestamp = timestamps.parse(value)
            if timestamp is not None:
                yield timestamp
