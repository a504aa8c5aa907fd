"""Judges the date filter by one row that it has returned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_api.timestamps import FIRST_REAL
from tap_sumeru.state.bookmarks import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tap_sumeru.extract.windows import Window


def verdict_of_row(accepted: Window, timestamp: datetime, others: Iterable[datetime]) -> Verdict:
    """Return what one row that the filter returned says about the filter.

    Args:
        accepted: What a correct API may return for the requested window.
        timestamp: The row's replication key.
        others: All other dates of the row.
    """
    if not accepted.holds(timestamp):
        return Verdict.REFUTED
    verdict = Verdict.PLAUSIBLE
    for other in others:
        if accepted.holds(other):
            return Verdict.UNPROVEN
        if other >= FIRST_REAL:
            verdict = Verdict.PROVEN
    return verdict
