"""What the headers of a response say about the rate limit: the limit, what remains, and how long to wait."""

from __future__ import annotations

import re
from math import inf, isnan
from typing import TYPE_CHECKING, NamedTuple

from sumeru_api.timestamps import http_date, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

_YEAR = 365 * 86_400.0
_MAX_WAIT_READ = 10 * _YEAR
"""Seconds: a longer wait reads as this one, so that dates can be computed with it."""
_MILLISECONDS = 1e12
"""Seconds: a larger Unix time is one in milliseconds."""
_MINUTE = 60.0
_UNITS = {"ms": 0.001, "s": 1.0, "m": _MINUTE, "h": 60 * _MINUTE}
_WITH_UNIT = re.compile(r"(\d{1,12}(?:\.\d+)?)\s*(ms|[smh])(?:ec|in|our|econd|inute|r)?s?")
_MIN_LIMIT = 0.001
"""Requests per minute; a smaller limit is garbage."""
_CACHE_STATUS = ("X-Cache", "X-Cache-Status", "Cache-Status", "CF-Cache-Status", "X-Proxy-Cache")
_HIT = re.compile(r"(?<![a-z=])(?:(?:refresh)?hit|stale|updating|revalidated)(?![a-z])", re.IGNORECASE)
"""As in `HIT`, `Hit from cloudfront`, `TCP_MEM_HIT`, `MISS, HIT` and nginx's `STALE`."""


class Budget(NamedTuple):
    """What the headers say about the current window of the rate limit.

    Attributes:
        limit: Requests per minute.
        remaining: Requests that are left in the window, None if unknown.
        reset_in: Seconds from the response to the end of the window, None if unknown.
    """

    limit: float
    remaining: float | None
    reset_in: float | None


def budget(headers: Mapping[str, str]) -> Budget | None:
    """Return the state of the rate limit; None if the headers state no usable limit.

    The end of the window is a date, which is compared with the server's `Date` alone, or a number of seconds.
    One that is more than a year away is in another unit or garbage, and counts as the documented minute.
    """
    limit = _number(headers.get("X-RateLimit-Limit"))
    if limit is None or not _MIN_LIMIT <= limit < inf:
        return None
    remaining = _number(headers.get("X-RateLimit-Remaining"))
    reset_in = _number(headers.get("X-RateLimit-Reset"))
    if reset_in is not None and reset_in > _MILLISECONDS:
        reset_in /= 1000
    at = reset_in if reset_in is not None and reset_in > _YEAR else _date(headers.get("X-RateLimit-Reset"))
    if at is not None:
        served = _date(headers.get("Date"))
        reset_in = None if served is None else at - served
    if reset_in is not None:
        reset_in = max(0.0, reset_in) if reset_in <= _YEAR else _MINUTE
    return Budget(limit, remaining, reset_in)


def retry_after(headers: Mapping[str, str], clock: float) -> float | None:
    """Return the seconds that `Retry-After` asks for, at most ten years; None if it is missing or garbage.

    Besides seconds and a date of HTTP, it may be a number with a unit or a date in ISO 8601.

    Args:
        headers: Headers; names are case-insensitive.
        clock: The current Unix time. A date is compared with it if the response has no `Date`.
    """
    value = headers.get("Retry-After")
    seconds = _number(value)
    if seconds is None and value and (with_unit := _WITH_UNIT.fullmatch(value.strip().lower())):
        seconds = float(with_unit[1]) * _UNITS[with_unit[2]]
    if seconds is None:
        until = _date(value)
        if until is None:
            return None
        served = _date(headers.get("Date"))
        seconds = until - (clock if served is None else served)
    return min(max(0.0, seconds), _MAX_WAIT_READ)


def is_cached(headers: Mapping[str, str]) -> bool:
    """Return whether a cache has answered: its headers are old, and the request cost nothing."""
    for name in _CACHE_STATUS:
        status = headers.get(name)
        if status is not None and _HIT.search(status):
            return True
    age = headers.get("Age")
    return age is not None and (_number(age) or 0.0) > 0


def _number(text: str | None) -> float | None:
    """Return a number, infinite if it has too many digits for a float."""
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    if text is None or number is None or isnan(number) or (abs(number) == inf and "inf" in text.lower()):
        return None
    return number


def _date(text: str | None) -> float | None:
    """Return the Unix time of a date of HTTP or in ISO 8601, None if it is neither."""
    timestamp = (parse(text.strip()) if text else None) or http_date(text)
    return None if timestamp is None else timestamp.timestamp()
