"""Random lists of an API with random limits: every row is read, or an error says why that cannot be done."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.limited_list import LimitedList, order
from support.listed_orders import proven, read

FIRST_DAY = date(2026, 2, 1)
PROVEN = proven("2026-02-01T00:00:00Z")
REQUESTED_DAYS = 4
"""Days that are requested for a window of one day."""


def busiest(api: LimitedList) -> int:
    """Return how many rows the busiest days that are requested at once have."""
    rows = Counter(date.fromisoformat(row["attributes"]["updated_at"][:10]) for row in api.rows)
    spans = ([day + timedelta(days=i) for i in range(REQUESTED_DAYS)] for day in rows)
    return max((sum(rows[day] for day in span) for span in spans), default=0)


KINDS_OF_CURSORS = ["positions", "page numbers", "of their own size", "expiring"]


@st.composite
def limited_lists(draw: st.DrawFn) -> LimitedList:
    """Draw a list of orders, all changed within eighty days."""
    cursors = draw(st.sampled_from(KINDS_OF_CURSORS))
    days = draw(st.lists(st.integers(0, 79), max_size=50 if cursors == "expiring" else 250))
    return LimitedList(
        [order(i, FIRST_DAY + timedelta(days=day), seconds=i) for i, day in enumerate(days)],
        depth=draw(st.none() | st.integers(1, 200)),
        depth_status=draw(st.sampled_from([400, 404, 416, 500])),
        max_limit=draw(st.sampled_from([100, 100, 50, 7, 1])),
        limit_status=draw(st.sampled_from([413, 500, 502, 504])),
        numbered=cursors == "page numbers",
        own_size=cursors == "of their own size",
        expires=2 if cursors == "expiring" else 0,
    )


@given(limited_lists(), st.sampled_from([{}, PROVEN]), st.sampled_from([1, 7, 365]))
def test_every_row_is_read_unless_single_days_are_too_deep(
    api: LimitedList, entry: dict[str, Any], window_days: int
) -> None:
    sink, requests, error = read(api, entry, window_days=window_days)
    count = len(api.rows)
    # A list without windows is read again from its first page whenever a cursor has expired.
    assert requests < 3000 + 60 * count + (40 * count**2 if api.expires else 0)
    if error is None:
        assert sink.ids == {row["id"] for row in api.rows}
        assert sink.bookmark["replication_key_value"] == "2026-06-01T00:00:00Z"
        return
    one_try_only = api.limit_status == 504 and api.max_limit < 25
    assert one_try_only or (api.depth is not None and busiest(api) > api.depth), error
    assert sink.bookmark.get("replication_key_value", "") < "2026-05-01"
