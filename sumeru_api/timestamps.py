"""Timestamps: parses the forms that an API may send, and formats them as RFC 3339 in UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import lru_cache
from typing import Self

DAY = timedelta(days=1)
ZONES = timedelta(hours=14)
"""No time zone is further than this from UTC, to either side."""

FIRST_REAL = datetime(1971, 1, 1, tzinfo=UTC)
"""An earlier date is the zero value of some program, such as year 1, 1900 or 1970, and counts as missing."""

_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
_PLAIN_LENGTH = len("2026-05-10T14:23:00Z")
_MICROSECOND_DIGITS = 6
# The most frequent forms, for speed.
_PLAIN = re.compile(r"\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FORM = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?P<zone>[Zz]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?",
    re.ASCII,
)


class Precision(Enum):
    """How exactly a timestamp names a moment.

    Attributes:
        distance: How far the moment that `parse` returns may be from the real one.
    """

    SECOND = "second", timedelta()
    MINUTE = "minute", timedelta(minutes=1)
    HOUR = "hour", timedelta(hours=1)
    """Its time is rounded to an hour or less."""
    LOCAL = "local", ZONES
    """A time without a zone: it may be meant in any zone."""
    DAY = "day", DAY + ZONES
    """A date without a time: it stands for a whole day of any zone."""

    distance: timedelta

    def __new__(cls, value: str, distance: timedelta) -> Self:
        """Create a member whose value is its name in a state."""
        member = object.__new__(cls)
        member._value_ = value
        member.distance = distance
        return member


def precision(text: str) -> Precision:
    """Return the precision of a timestamp that `parse` accepts."""
    match = _FORM.fullmatch(text)
    if match is None or match["hour"] is None:
        return Precision.DAY
    if match["zone"] is None:
        return Precision.LOCAL
    return Precision.MINUTE if match["second"] is None else Precision.SECOND


def parse(text: str) -> datetime | None:
    """Return a timestamp in UTC, None if the text is not a timestamp.

    A timestamp without a zone is in UTC, a date is its midnight, and `24:00` is `00:00` of the next day.
    Digits of the fraction after the sixth are cut, because warehouses do not store them.
    """
    try:
        if _PLAIN.fullmatch(text):
            return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
        if _DATE.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        match = _FORM.fullmatch(text)
        return _build(match) if match else None
    except (ValueError, OverflowError):
        return None


def _build(match: re.Match[str]) -> datetime:
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    fraction = (match["fraction"] or "")[:_MICROSECOND_DIGITS].ljust(_MICROSECOND_DIGITS, "0")
    next_day = (hour, minute, second, int(fraction)) == (24, 0, 0, 0)
    day = date.fromisoformat(match["date"])
    timestamp = datetime(
        day.year, day.month, day.day, 0 if next_day else hour, minute, second, int(fraction), tzinfo=UTC
    )
    return timestamp + (DAY if next_day else timedelta()) - _offset(match["zone"] or "Z")


def _offset(zone: str) -> timedelta:
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if zone[0] == "-" else offset


@lru_cache
def text(timestamp: datetime) -> str:
    """Format a timestamp as RFC 3339 in UTC with `Z`, and with a fraction only if it has one."""
    stamp = timestamp.astimezone(UTC).replace(tzinfo=None)
    plain = stamp.isoformat(timespec="seconds")
    fraction = f"{stamp.microsecond:06d}".rstrip("0")
    return f"{plain}.{fraction}Z" if fraction else f"{plain}Z"


def normalise(value: str) -> str | None:
    """Return a timestamp in the form that the tap emits, None if the value is not a timestamp.

    A value in this form is unchanged, including trailing zeros of the fraction.
    """
    timestamp = parse(value)
    if timestamp is None:
        return None
    if value[-1] == "Z" and value[10] == "T" and len(value) in UNCHANGED_LENGTHS and value[11:13] != "24":
        return value
    return text(timestamp)


# Lengths with seconds and a fraction of zero to six digits.
UNCHANGED_LENGTHS = frozenset({_PLAIN_LENGTH, *range(_PLAIN_LENGTH + 2, _PLAIN_LENGTH + 8)})


def real(timestamp: datetime | None) -> datetime | None:
    """Return a timestamp, None if it is only a placeholder for a missing one."""
    return timestamp if timestamp is not None and timestamp >= FIRST_REAL else None


def midnight(timestamp: datetime) -> datetime:
    """Return the start of a timestamp's UTC day."""
    return timestamp.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def shift(timestamp: datetime, by: timedelta) -> datetime:
    """Return a timestamp plus a timedelta, limited to the years 1 to 9999."""
    try:
        return timestamp + by
    except OverflowError:
        return _FIRST if by < timedelta() else _LAST


@lru_cache
def http_date(text: str | None) -> datetime | None:
    """Parse the date of an HTTP header, which should be in GMT; return None if it is missing or not valid."""
    try:
        found = parsedate_to_datetime(text) if text else None
        return found and (found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC))
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
