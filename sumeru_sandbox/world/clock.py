"""The sandbox's own clock, and the two ways in which the API writes a moment."""

from __future__ import annotations

import re
import time
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache

HOUR = 3600
DAY = 86400
_EPOCH = date(1970, 1, 1).toordinal()
_MINUTES = [f"T{minute // 60:02}:{minute % 60:02}" for minute in range(DAY // 60)]
_SECONDS = [f":{second:02}Z" for second in range(60)]
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Clock:
    """A clock that starts at a moment of one's choice, ticks like any other, and can be moved on."""

    def __init__(self, start: float | None = None) -> None:
        self._offset = (time.time() if start is None else start) - time.monotonic()

    def time(self) -> float:
        """Unix seconds."""
        return time.monotonic() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock on."""
        self._offset += seconds


@lru_cache(maxsize=4096)
def day(number: int) -> str:
    """`2026-05-10`, from the number of days since 1970."""
    return date.fromordinal(_EPOCH + number).isoformat()


def stamp(moment: int) -> str:
    """`2026-05-10T14:23:00Z`, from Unix seconds."""
    return day(moment // DAY) + _MINUTES[moment % DAY // 60] + _SECONDS[moment % 60]


def parse_day(text: str) -> int | None:
    """Days since 1970, from `2026-05-10`; none if it is anything else."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        return None


def parse_moment(text: object) -> int | None:
    """Unix seconds, from a timestamp or a date; none if it is anything else."""
    if not isinstance(text, str):
        return None
    if not _INSTANT.fullmatch(text):
        days = parse_day(text)
        return None if days is None else days * DAY
    try:
        whole = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    offset = timedelta()
    if not text.endswith("Z"):
        sign = -1 if text[-6] == "-" else 1
        offset = sign * timedelta(hours=int(text[-5:-3]), minutes=int(text[-2:]))
    return int((whole - offset).timestamp())
