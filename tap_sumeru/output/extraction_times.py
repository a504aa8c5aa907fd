"""Times of extraction: later for each record, since some targets keep the newest of equal keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_TICK = timedelta(microseconds=1)
_END_DIGITS = 2
_ENDS = [f"{i:0{_END_DIGITS}}Z" for i in range(10**_END_DIGITS)]
"""The last digits of consecutive microseconds: formatting a time per hundred records costs a tenth."""


class ExtractionTimes:
    """Gives every record of a stream a time of its own, in the order in which they are written."""

    def __init__(self) -> None:
        self._last: datetime | None = None

    def next(self, count: int) -> list[str]:
        """Return the present for `count` records, one microsecond apart, as RFC 3339 in UTC."""
        start = datetime.now(UTC)
        if self._last is not None and start <= self._last:
            start = self._last + _TICK
        start += timedelta(microseconds=-start.microsecond % len(_ENDS))
        times: list[str] = []
        while len(times) < count:
            digits = start.replace(tzinfo=None).isoformat(timespec="microseconds")[:-_END_DIGITS]
            ends = _ENDS[: count - len(times)]
            times += [digits + end for end in ends]
            self._last = start + (len(ends) - 1) * _TICK
            start += len(_ENDS) * _TICK
        return times
