"""Density of a list over time: rows per day from samples of a few days, their sum, and its uncertainty.

All times are days since 1970 as floats, so that a fraction is a part of a day.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, sqrt

_ROWS = 70
"""Rows that a sample should have: most of a page, since a request of few rows costs as much."""
_MAX_PART = 8
"""A sample covers at most the range divided by this, so that several of them fit."""
_BEGINNING = 0.05
"""Part of the range before its first sample."""
_WEEK = 7
_FIRST_WEEKDAY = 3
"""Weekday of day 0; Monday is 0."""
_WEEKDAYS_IN_TURN = (2, 5, 0, 4, 6, 1, 3)
"""Weekdays of samples of a day: working days and weekends in turn, since a shop's sales depend on them."""
_WEEKDAY_VARIATION = 0.1
"""Share by which one day may differ from the mean of its week."""
_HOURLY_VARIATION = 0.3
"""Share by which a few hours may differ from the mean of their week."""
_CAUTION = 1.15
"""Factor on the error: the samples may agree by chance."""
_SPREAD = 0.25
"""Part of the usual density by which a gap between two equal samples may differ from them."""


@dataclass(frozen=True, slots=True, order=True)
class Days:
    """Whole days.

    Attributes:
        first: The first day.
        end: The day after the last one.
    """

    first: int
    end: int


@dataclass(frozen=True, slots=True, order=True)
class Sample:
    """The rows of some days.

    Attributes:
        at: The middle of the days.
        days: How many they are.
        rows: How many rows have their replication key there.
    """

    at: float
    days: float
    rows: int

    @property
    def per_day(self) -> float:
        """Rows per day."""
        return self.rows / self.days


@dataclass(frozen=True, slots=True)
class _Gap:
    """A part of the range without a sample, and how many rows its samples may be wrong by."""

    start: float
    end: float
    error: float
    outer: bool


class Density:
    """Rows per day over a range: linear between the samples, constant before the first and after the last.

    Args:
        start: Where the range begins.
        end: Where it ends, exclusive.
        usual: Rows per day, as far as one can guess before the first sample.
        longest: Days of a sample, at most; None if the guess is a good one.
    """

    def __init__(self, start: float, end: float, usual: float, longest: int | None = None) -> None:
        self.start = start
        self.end = max(end, start + 1e-6)
        self.samples: list[Sample] = []
        self._usual = usual
        self._longest = longest

    def add(self, days: Days, rows: int) -> None:
        """Add the rows of some days."""
        low, high = max(days.first, self.start), min(days.end, self.end)
        if high > low:
            insort(self.samples, Sample((low + high) / 2, high - low, rows))

    def add_part(self, low: float, high: float, rows: int) -> None:
        """Add the rows of a part of the range; samples inside it are replaced."""
        low, high = max(low, self.start), min(high, self.end)
        if high > low:
            inside = [one for one in self.samples if low <= one.at < high]
            for one in inside:
                self.samples.remove(one)
            insort(self.samples, Sample((low + high) / 2, high - low, rows))

    def per_day(self, at: float) -> float:
        """Return the density at a time."""
        if not self.samples:
            return self._usual
        for left, right in pairwise(self.samples):
            if left.at <= at < right.at:
                share = (at - left.at) / (right.at - left.at)
                return left.per_day + share * (right.per_day - left.per_day)
        return (self.samples[0] if at < self.samples[0].at else self.samples[-1]).per_day

    def rows(self, start: float, end: float) -> float:
        """Return the rows between two times; there are none outside of the range."""
        low, high = max(start, self.start), min(end, self.end)
        if high <= low:
            return 0.0
        places = [low, *(one.at for one in self.samples if low < one.at < high), high]
        return sum((b - a) * (self.per_day(a) + self.per_day(b)) / 2 for a, b in pairwise(places))

    @property
    def error(self) -> float:
        """How many rows the sum over the whole range may be wrong by."""
        if not self.samples:
            return self._usual * (self.end - self.start)
        unseen = sum(gap.error**2 for gap in self._gaps())
        return _CAUTION * sqrt(unseen + 4 * sum(self._variance(i) for i in range(len(self.samples))))

    def _variance(self, index: int) -> float:
        """Return what chance and the day of the week, in one sample, add to the variance of the sum."""
        sample = self.samples[index]
        left = self.samples[index - 1].at if index else self.start
        right = self.samples[index + 1].at if index + 1 < len(self.samples) else self.end
        unseen = max(0.0, (right - left) / 2 - sample.days)
        share = _HOURLY_VARIATION if sample.days < 1 else _WEEKDAY_VARIATION if sample.days < _WEEK else 0.0
        return unseen**2 * ((sample.rows + 1) / sample.days**2 + (share * sample.per_day) ** 2)

    def _gaps(self) -> list[_Gap]:
        first, last = self.samples[0], self.samples[-1]
        gaps = [self._outer(self.start, first.at - first.days / 2, first)]
        for left, right in pairwise(self.samples):
            start, end = left.at + left.days / 2, right.at - right.days / 2
            difference = abs(left.per_day - right.per_day)
            gaps.append(_Gap(start, end, max(0.0, end - start) * difference / 2, outer=False))
        gaps.append(self._outer(last.at + last.days / 2, self.end, last))
        return gaps

    def _outer(self, start: float, end: float, sample: Sample) -> _Gap:
        return _Gap(start, end, max(0.0, end - start) * max(sample.per_day, self._usual) / 2, outer=True)

    def shorten(self, days: Days) -> bool:
        """Sample fewer days from now on, since some have too many rows; return whether that is possible."""
        self._longest = max(1, (days.end - days.first) // _MAX_PART)
        return self.next_days() != days

    def next_days(self) -> Days | None:
        """Return the days to sample next, where the sum is least certain; None if all days are sampled."""
        if not self.samples:
            return self._on_weekday(self._around((self.start + self.end) / 2), self.start, self.end)
        level = _SPREAD * self.rows(self.start, self.end) / (self.end - self.start)
        gaps = [gap for gap in self._gaps() if gap.end - gap.start >= 1]
        if not gaps:
            return None
        gap = max(gaps, key=lambda one: one.error + (one.end - one.start) * level / 2)
        if not gap.outer:
            return self._within(gap, self._around((gap.start + gap.end) / 2))
        if gap.start <= self.start:
            # Not the first days: a list begins with few rows, or a filter with a part of a day.
            at = gap.start + _BEGINNING * (gap.end - gap.start)
            return self._within(gap, self._around(at))
        length = self._length(self.end)
        # A single day is a whole one: the last may have just begun.
        last = ceil(self.end) if length > 1 else max(floor(self.end), floor(self.start) + 1)
        return self._within(gap, Days(last - length, last))

    @property
    def next_rows(self) -> float:
        """Rows of the days to sample next, roughly; 0 if all days are sampled."""
        days = self.next_days()
        return 0.0 if days is None else (days.end - days.first) * self.per_day((days.first + days.end) / 2)

    def _within(self, gap: _Gap, days: Days) -> Days:
        """Return the part of some days that lies in a gap, at least a day."""
        first = min(max(days.first, floor(gap.start)), ceil(gap.end) - 1)
        end = max(first + 1, min(days.end, ceil(gap.end)))
        return self._on_weekday(Days(first, end), gap.start, gap.end)

    def _on_weekday(self, days: Days, start: float, end: float) -> Days:
        """Move a single day to the weekday whose turn it is, unless that lies outside of a time."""
        if days.end - days.first > 1:
            return days
        weekday = _WEEKDAYS_IN_TURN[len(self.samples) % _WEEK]
        later = (weekday - days.first - _FIRST_WEEKDAY) % _WEEK
        nearest = sorted(
            (days.first + later, days.first + later - _WEEK), key=lambda one: abs(one - days.first)
        )
        first = next((one for one in nearest if start <= one and one + 1 <= end), days.first)
        return Days(first, first + 1)

    def _around(self, at: float) -> Days:
        length = self._length(at)
        first = floor(at - (length - 1) / 2)
        return Days(first, first + length)

    def _length(self, at: float) -> int:
        wanted = _ROWS / max(self.per_day(at), 1e-9)
        longest = (self.end - self.start) / _MAX_PART
        if self._longest is not None:
            longest = min(longest, self._longest)
        return max(1, int(min(wanted, longest)))
