"""A range of time, cut into half-open windows of whole UTC days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tap_sumeru.instants import DAY, midnight, shift

if TYPE_CHECKING:
    from collections.abc import Iterator

_ZONES = timedelta(hours=14)
"""No time zone is further than this from UTC, to either side."""


@dataclass(frozen=True, slots=True)
class Window:
    """The instants from `start` up to, not including, `end`; an end of None is open."""

    start: datetime
    end: datetime | None

    def holds(self, instant: datetime) -> bool:
        """Return whether an instant lies inside."""
        return self.start <= instant and (self.end is None or instant < self.end)

    @property
    def asked(self) -> tuple[str, str | None]:
        """First and last day to ask the API for, `YYYY-MM-DD`, with room to spare on either side.

        One day for the time zone in which the API reads days, and one more at the end in case its last day
        is exclusive.
        """
        first, last = self._days()
        return first.date().isoformat(), last.date().isoformat() if last else None

    @property
    def reach(self) -> Window:
        """What a correct API may give for `asked`, whatever its time zone and its idea of a last day."""
        first, last = self._days()
        return Window(shift(first, -_ZONES), last and shift(last, DAY + _ZONES))

    def _days(self) -> tuple[datetime, datetime | None]:
        first = midnight(shift(self.start, -DAY))
        if self.end is None:
            return first, None
        last_instant = shift(self.end, -timedelta(microseconds=1))
        return first, midnight(shift(last_instant, 2 * DAY))


def cut(start: datetime, end: datetime | None, now: datetime, days: int) -> Iterator[Window]:
    """Cut a range into windows of whole UTC days, in order of time.

    The first begins at the exact start. Without an end the last window, the one that holds `now`, is open.

    Args:
        start: Where the range begins.
        end: Where it ends, exclusive, or None.
        now: The present; cutting goes no further.
        days: Length of a window in days.
    """
    if end is not None and end <= start:
        return
    border = start
    horizon = now if end is None else min(now, end)
    while border < (step := midnight(shift(border, days * DAY))) <= horizon and step != end:
        yield Window(border, step)
        border = step
    yield Window(border, end)
