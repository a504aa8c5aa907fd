"""Dates of a row: in known and unknown attributes, in nested objects, and in any usual format."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import msgspec

from sumeru_api import timestamps
from sumeru_api.timestamps import Precision, real

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MIN_LENGTH = len("20260510")
_MAX_LENGTH = len("Wednesday, 10 September 2026 14:23:00 +0200 (CEST)")
_PLAIN_LENGTH = len("2026-05-10T14:23:00Z")
_DIGIT = re.compile(r"\d")
_YEAR_FIRST = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?!\d)")
_NUMBER = re.compile(r"\d{9,16}(?:\.\d+)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = re.compile(rf"\b({'|'.join(_MONTHS)})[a-z]*\b", re.IGNORECASE)
_MONTH_NAME_DATE = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\D+(\d{4})(?!\d)", re.IGNORECASE)
_EPOCH_YEARS = (datetime(2000, 1, 1, tzinfo=UTC).timestamp(), datetime(2100, 1, 1, tzinfo=UTC).timestamp())
"""A number of seconds between these is taken for a date."""
_EPOCH_UNITS = (1, 10**3, 10**6)
_FIRST_NUMBER, _HUGE = int(_EPOCH_YEARS[0]), 10**18
"""Below the first and from the second on, a number is not a date in any of these units."""


def coarsest(keys: Iterable[object]) -> Precision:
    """Return the coarsest precision among replication keys; a key that is no real timestamp has none."""
    unusual = (key for key in keys if isinstance(key, str) and (key[-1:] != "Z" or len(key) < _PLAIN_LENGTH))
    found = {timestamps.precision(text) for text in unusual if real(timestamps.parse(text)) is not None}
    return max(found, key=lambda one: one.distance, default=Precision.SECOND)


def other_dates_of(attributes: Mapping[str, Any], key: str) -> Iterator[datetime]:
    """Yield all dates and timestamps of a row except its replication key.

    A text or a number that may be read in two ways yields both dates.
    """
    pending: list[Any] = [value for name, value in attributes.items() if name != key]
    while pending:
        one: Any = pending.pop()
        if isinstance(one, str):
            if len(one) >= _MIN_LENGTH:  # asked here as well, because most texts are short
                yield from _dates_of_text(one)
        elif isinstance(one, dict):
            pending += one.values()
        elif isinstance(one, list):
            pending += one
        elif isinstance(one, (int, float, Decimal)) and not isinstance(one, bool):
            if _FIRST_NUMBER <= one < _HUGE:
                yield from _dates_of_number(float(one))
        elif isinstance(one, msgspec.Raw):
            yield from _dates_of_text(bytes(one).decode(errors="replace"))


def _dates_of_number(number: float) -> Iterator[datetime]:
    """Yield the date that a number stands for, as seconds, milliseconds or microseconds since 1970."""
    first, last = _EPOCH_YEARS
    for unit in _EPOCH_UNITS:
        if first <= number / unit < last:
            yield datetime.fromtimestamp(number / unit, UTC)


def _dates_of_text(text: str) -> Iterator[datetime]:
    text = text.strip()
    if not _MIN_LENGTH <= len(text) <= _MAX_LENGTH or not _DIGIT.search(text):
        return
    timestamp = timestamps.parse(text)
    if timestamp is not None:
        yield timestamp
    elif _NUMBER.fullmatch(text):
        yield from _dates_of_number(float(text))
    elif _MONTH_NAME.search(text):
        yield from _dates_with_month_name(text)
    else:
        yield from _dates_of_digits(text)


def _dates_of_digits(text: str) -> Iterator[datetime]:
    """Yield the dates of a text such as `2026/05/10 14:23`, `20260510` or `10.05.2026`."""
    if match := _YEAR_FIRST.match(text):
        yield from _day(match[1], match[3], match[4])
    elif match := _YEAR_LAST.match(text):
        yield from _day(match[4], match[3], match[1])
        yield from _day(match[4], match[1], match[3])


def _dates_with_month_name(text: str) -> Iterator[datetime]:
    """Yield the date of a text such as `Sun, 10 May 2026 14:23:00 GMT` or `May 10, 2026`."""
    try:
        timestamp = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        name, day = _MONTH_NAME.search(text), _MONTH_NAME_DATE.search(text)
        if name and day:
            month = _MONTHS.index(name[1].lower()[:3]) + 1
            yield from _day(day[2], str(month), day[1])
    else:
        yield timestamp.replace(tzinfo=timestamp.tzinfo or UTC)


def _day(year: str, month: str, day: str) -> Iterator[datetime]:
    try:
        yield datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError:
        return
