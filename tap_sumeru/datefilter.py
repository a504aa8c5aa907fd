"""Whether a date filter can be believed: it must be seen to act on the replication key.

A filter on `created_at` looks right in an incremental read, and silently misses old rows that change.
So it is `unproven` until it returns a row whose replication key lies in the range asked for while every
other date of that row lies outside; and it is `refuted` as soon as it returns a row whose replication key
lies outside.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from tap_sumeru import instants
from tap_sumeru.instants import DAY
from tap_sumeru.windows import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_TIMESTAMP = 35
_SHORTEST_TIMESTAMP = 10


class Verdict(str, Enum):
    """What is known about a date filter."""

    UNPROVEN = "unproven"
    PROVEN = "proven"
    REFUTED = "refuted"


def dates_of(attributes: Mapping[str, Any]) -> dict[str, datetime]:
    """Return all attributes of a row that are dates, known to the schema or not."""
    found = {}
    for name, value in attributes.items():
        if isinstance(value, str) and _SHORTEST_TIMESTAMP <= len(value) <= _LONGEST_TIMESTAMP:
            instant = instants.parse(value)
            if instant is not None:
                found[name] = instant
    return found


def judge(reach: Window, key: str, instant: datetime, attributes: Mapping[str, Any]) -> Verdict:
    """Return what one row, returned for a window, says about the filter.

    Args:
        reach: What a correct API may give for the window that was asked for.
        key: Name of the replication key.
        instant: The row's value of it.
        attributes: All of the row's attributes.
    """
    if not reach.holds(instant):
        return Verdict.REFUTED
    others = (other for name, other in dates_of(attributes).items() if name != key)
    return Verdict.UNPROVEN if any(reach.holds(other) for other in others) else Verdict.PROVEN


class Witness:
    """Looks among the rows of an unfiltered read for one that can prove the filter, and names its day.

    Args:
        key: Name of the replication key.
        now: The present; a row that has not changed for a day is less likely to change while it is asked for.
    """

    def __init__(self, key: str, now: datetime) -> None:
        self._key = key
        self._settled = now - timedelta(days=1)
        self._window: Window | None = None
        self.parent: str | None = None
        self.found = False

    def look(self, instant: datetime, attributes: Mapping[str, Any], parent: str | None) -> None:
        """Consider a row; costs nothing once a good one is found."""
        if self.found or (self._window is not None and instant > self._settled):
            return
        day = instants.midnight(instant)
        window = Window(day, instants.shift(day, DAY))
        if judge(window.reach, self._key, instant, attributes) is Verdict.PROVEN:
            self._window, self.parent = window, parent
            self.found = instant <= self._settled

    @property
    def window(self) -> Window | None:
        """The day to ask the filter for, or None if no row qualified."""
        return self._window
