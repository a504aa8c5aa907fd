"""Numbers, names, times and durations as the log words them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api import timestamps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_MAX_NAMES = 20
_MINUTE = 60
_HOUR = 3600
_DAY = 86400


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def names(shops: Sequence[str]) -> str:
    """Return the names of shops; of many only the first."""
    more = f" and {len(shops) - _MAX_NAMES} more" if len(shops) > _MAX_NAMES else ""
    return ", ".join(shops[:_MAX_NAMES]) + more


def day(timestamp: datetime) -> str:
    """Return a timestamp as its date if it is the start of a day, otherwise in full."""
    text = timestamps.text(timestamp)
    return text.removesuffix("T00:00:00Z")


def time_left(seconds: float) -> str:
    """Return how long something will still take, as exactly as an estimate can be."""
    return f"{duration(seconds)} left"


def duration(seconds: float) -> str:
    """Return how long something takes, as exactly as an estimate can be."""
    if seconds < _MINUTE:
        return "less than a minute"
    import pendulum  # noqa: PLC0415 - only long runs need it, and it would make each start slower

    unit = _MINUTE if seconds < _DAY else _HOUR
    rounded = pendulum.duration(seconds=round(seconds / unit) * unit)
    return f"about {rounded.in_words(locale='en')}"
