"""Splits a list that the API does not return to its end: into smaller windows, down to single days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.timestamps import DAY, midnight, shift
from tap_sumeru.extract.slices import Slice
from tap_sumeru.extract.windows import Window

if TYPE_CHECKING:
    from datetime import datetime

    from tap_sumeru.extract.recovery import TooDeep


def halves(window: Window, now: datetime) -> tuple[Window, Window] | None:
    """Cut a window in two at a midnight, as near to its middle as there is one.

    Args:
        window: The window. If it has no end, it is cut before the present.
        now: The present.

    Returns:
        The two parts, in order of time; None if no midnight lies inside.
    """
    end = window.end or max(now, window.start)
    middle = midnight(window.start + (end - window.start) / 2)
    if middle <= window.start:
        middle = midnight(shift(window.start, DAY))
    if not window.start < middle < end:
        return None
    return Window(window.start, middle), Window(middle, window.end, now)


def split(slice_: Slice, refusal: TooDeep, now: datetime) -> Slice:
    """Leave a slice the first half of its window.

    Args:
        slice_: The slice; it begins again.
        refusal: Why it is split.
        now: The present.

    Returns:
        A slice with the second half.

    Raises:
        ApiError: Its window cannot be split.
    """
    if slice_.window is None:
        raise refusal.because("no date filter divides it")
    parts = halves(slice_.window, now)
    if parts is None:
        raise refusal.because("a single day holds more")
    slice_.window, rest = parts
    slice_.begin()
    return Slice(window=rest, parent=slice_.parent)
