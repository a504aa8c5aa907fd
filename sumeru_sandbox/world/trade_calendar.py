"""The trade calendar of a shop: which share of its sales falls on each day and hour.

Rows are spread over the history by shares of the sales, so that busy days get more of them.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from sumeru_sandbox.world.clock import DAY, HOUR
from sumeru_sandbox.world.random_source import MULTIPLIER

if TYPE_CHECKING:
    from collections.abc import Callable

    from sumeru_sandbox.world.random_source import Draw

    TimestampOf = Callable[[int], int]

_EPOCH = date(1970, 1, 1)
# Customers live in many time zones.
_HOURS = (17, 16, 16, 15, 15, 16, 17, 18, 18, 19, 19, 19, 20, 19, 19, 19, 19, 20, 20, 21, 22, 21, 20, 18)
_WEEKDAYS = (0.97, 0.9, 0.9, 0.93, 1.0, 1.13, 1.17)  # Monday to Sunday
_MONTHS = (0.78, 0.85, 0.94, 0.98, 1.02, 0.97, 0.9, 0.9, 1.0, 1.06, 1.2, 1.32)
_MIDDLE, _MONTH = 15, 30  # the weight of a month is that of its 15th
_SALE = {-3: 1.1, -2: 1.2, -1: 1.4, 0: 2.7, 1: 1.7, 2: 1.5, 3: 2.1}  # by days after Black Friday
_HOLIDAYS = {(12, 24): 0.6, (12, 25): 0.35, (12, 26): 0.7, (12, 31): 0.6, (1, 1): 0.5}
_NOVEMBER = 11
_GROWTH = 0.2 / 365  # of the first day's sales, a day
_NOISE = 0.2
_PROMOTION, _PROMOTION_FACTOR = 0.025, 1.5  # share of the days with a promotion


@lru_cache
def black_friday(year: int) -> date:
    """Return the day after the fourth Thursday of November."""
    first = date(year, _NOVEMBER, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 22)


def season(day: date) -> float:
    """Return the sales of a day relative to an average one: time of the year, weekday, sales and holidays."""
    share = (day.day - _MIDDLE) / _MONTH
    month, other = _MONTHS[day.month - 1], _MONTHS[(day.month if share > 0 else day.month - 2) % 12]
    sale = _SALE.get((day - black_friday(day.year)).days, 1.0)
    holiday = _HOLIDAYS.get((day.month, day.day), 1.0)
    return (month + (other - month) * abs(share)) * _WEEKDAYS[day.weekday()] * sale * holiday


@lru_cache(maxsize=2000)
def _season(day: int) -> float:
    return season(_EPOCH + timedelta(days=day))


class TradeCalendar:
    """The sales of a shop between two points in time, by hour, in arbitrary units.

    Args:
        first: The first second, in Unix seconds.
        last: The last second.
        draw: Random numbers by day: no two days are equal, and some have a promotion.
    """

    def __init__(self, first: int, last: int, draw: Draw) -> None:
        self._midnight = first // DAY * DAY
        days = [_day_sales(day, draw, day - first // DAY) for day in range(first // DAY, last // DAY + 1)]
        self._hours = list(accumulate((day * hour for day in days for hour in _HOURS), initial=0.0))
        self._sold = self._sales(first)
        self._total = self._sales(last) - self._sold
        self._busiest_hour = max(days) * max(_HOURS)

    def _sales(self, second: int) -> float:
        """Return the sales from the first midnight to a second."""
        hour, rest = divmod(second - self._midnight, HOUR)
        return self._hours[hour] + (self._hours[hour + 1] - self._hours[hour]) * rest / HOUR

    def spread(self, count: int, shift: int, jitter: int) -> TimestampOf:
        """Return a function that maps an index to a timestamp, in ascending order; called for every row.

        Args:
            count: How many rows share the sales equally.
            shift: Seconds added to each timestamp.
            jitter: Most seconds by which a row comes later than its share.
        """
        hours, sold, total, midnight = self._hours, self._sold, self._total, self._midnight + shift
        shortest_gap = int(total / count / self._busiest_hour * HOUR)
        room = max(1, min(shortest_gap, jitter))

        def timestamp(index: int) -> int:
            sales = sold + index * total / count
            hour = bisect_right(hours, sales) - 1
            start = hours[hour]
            second = int((hour + (sales - start) / (hours[hour + 1] - start)) * HOUR)
            return midnight + second + index * MULTIPLIER % room

        return timestamp


def _day_sales(day: int, draw: Draw, age: int) -> float:
    noise, promotion = (number / 2**16 for number in draw(day)[:2])
    sales = _season(day) * (1 + _GROWTH * age) * (1 + _NOISE * (noise - 0.5))
    return sales * _PROMOTION_FACTOR if promotion < _PROMOTION else sales
