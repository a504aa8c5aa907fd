"""The sandbox's clock, and the API's formats for timestamps and dates."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

HOUR = 3600
DAY = 86400
_EPOCH = date(1970, 1, 1).toordinal()
_MINUTES = [f"T{minute // 60:02}:{minute % 60:02}" for minute in range(DAY // 60)]
_SECONDS = [f":{second:02}Z" for second in range(60)]
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Clock:
    """A clock that starts at a given time, runs at normal speed, and can be moved forward."""

    def __init__(self, start: float | None = None) -> None:
        self._offset = (time.time() if start is None else start) - time.monotonic()

    def time(self) -> float:
        """Return the time in Unix seconds."""
        return time.monotonic() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._offset += seconds


@lru_cache(maxsize=4096)
def format_date(number: int) -> str:
    """Format days since 1970 as `2026-05-10`."""
    return date.fromordinal(_EPOCH + number).isoformat()


def format_timestamp(timestamp: int) -> str:
    """Format Unix seconds as `2026-05-10T14:23:00Z`."""
    return format_date(timestamp // DAY) + _MINUTES[timestamp % DAY // 60] + _SECONDS[timestamp % 60]


def parse_date(text: str) -> int | None:
    """Parse `2026-05-10` into days since 1970; None if the text is not a date."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        return None


def parse_timestamp(text: object) -> int | None:
    """Parse a timestamp or a date into Unix seconds; None if the value is neither."""
    if not isinstance(text, str):
        return None
    if not _TIMESTAMP.fullmatch(text):
        days = parse_date(text)
        return None if days is None else days * DAY
    try:
        whole = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    offset = timedelta()
    if not text.endswith("Z"):
        sign = -1 if text[-6] == "-" else 1
        offset = sign * timedelta(hours=int(text[-5:-3]), minutes=int(text[-2:]))
    return int((whole - offset).timestamp())
