"""Date patterns: which dates the rows of each stream have, and how long after the row's creation.

The patterns of a stream repeat: the row with index `i` follows the pattern `i % len(patterns)`. A pattern
maps date fields to delays in seconds. `touched` and `touched_at` are not fields; they only delay the date of
the last change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sumeru_sandbox.world.clock import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping

# The customers with these indices modulo 60 are erased or merged a few days after their last order.
ERASED = 13
MERGED = 33
CUSTOMERS: tuple[Mapping[str, int], ...] = tuple(
    {"touched": days * DAY} if (days := {13: 6, 14: 4, 15: 9, 16: 20, 17: 45, 18: 90}.get(number)) else {}
    for number in range(20)
)
# The orders with these indices modulo 20 have a pattern of their own.
UNPAID = 10
CANCELLED = 11
IMPORTED = 12  # orders from a marketplace arrive days after they were placed
REFUNDED = 13


def _order_pattern(number: int) -> Mapping[str, int]:
    """Return the pattern of the orders with this index modulo 20."""
    placed = {"created_at": 0, "placed_at": -60}
    if number == UNPAID:
        return placed
    if number == CANCELLED:
        return {**placed, "cancelled_at": 2 * HOUR}
    if number == IMPORTED:
        return {"created_at": 0, "placed_at": -2 * DAY, "paid_at": -2 * DAY + 300, "fulfilled_at": DAY}
    done = {**placed, "paid_at": 300 + number, "fulfilled_at": DAY + number * HOUR}
    if number == REFUNDED:
        return {**done, "refunded_at": 3 * DAY}
    touched = {14: 5, 15: 8, 16: 15, 17: 30, 18: 60, 19: 120}.get(number)
    return {**done, "touched_at": touched * DAY} if touched else done


ORDERS = tuple(_order_pattern(number) for number in range(20))
ATTRIBUTION: tuple[Mapping[str, int], ...] = tuple(
    {
        "ordered_at": ORDERS[2 * number % 20]["placed_at"],
        "attributed_at": {5: 4, 8: 6, 13: 11, 16: 25, 18: 50}.get(number, 0) * DAY + 60,
    }
    for number in range(20)
)
# Four groups of ten: active, exited by purchase, exited for another reason, and active but changed late.
ENROLLMENTS: tuple[Mapping[str, int], ...] = tuple(
    {"enrolled_at": 0}
    | ({"exited_at": 3 * DAY} if number // 10 in {1, 2} else {})
    | ({"touched_at": (4 + number % 10 * 6) * DAY} if number // 10 == 3 else {})  # noqa: PLR2004 - one pattern in ten
    for number in range(40)
)
DRAFT_DIGIT = 9  # campaigns whose index ends in this digit are never launched
# By index modulo 20: rows that change again this many days later, with no other date that shows it.
LATE_CHANGE_DAYS = {3: 4, 7: 12, 11: 30, 15: 60, 19: 150}
CREATED_AND_UPDATED: tuple[Mapping[str, int], ...] = tuple(
    {"created_at": 0, "updated_at": LATE_CHANGE_DAYS.get(number, 0) * DAY} for number in range(20)
)
PRODUCTS: tuple[Mapping[str, int], ...] = tuple(
    {"created_at": 0, "updated_at": LATE_CHANGE_DAYS.get(number, 0) * DAY}
    | ({"published_at": HOUR} if number % 10 != 6 else {})  # noqa: PLR2004 - one pattern in ten
    for number in range(20)
)
CAMPAIGNS: tuple[Mapping[str, int], ...] = tuple(
    {"created_at": 0, "updated_at": LATE_CHANGE_DAYS.get(number, 0) * DAY}
    if number % 10 == DRAFT_DIGIT
    else {
        "created_at": 0,
        "launched_at": DAY,
        "completed_at": 4 * DAY,
        "updated_at": (LATE_CHANGE_DAYS[number] + 5) * DAY if number in LATE_CHANGE_DAYS else 0,
    }
    | ({"scheduled_at": DAY} if number % 2 else {})
    for number in range(20)
)
JOURNEYS: tuple[Mapping[str, int], ...] = tuple(
    {"created_at": 0, "published_at": HOUR, "updated_at": days * DAY}
    for days in (0, 0, 40, 0, 200, 0, 0, 400, 0, 600)
)
