"""A shop whose orders have twelve fields that no schema knows: all types of JSON, nested, null, one mixed."""

from __future__ import annotations

from typing import Any

from support.scripted_api import END, Reply, Request, row

FIELDS: dict[str, tuple[list[Any], str]] = {
    "loyalty_tier": (["gold", "silver, Größe «M»", None], "string"),
    "points": ([10, 9_007_199_254_740_993, -3], "integer"),
    "score": ([0.5, 1, 2.25], "number"),
    "is_vip": ([True, False, None], "boolean"),
    "renewed_at": (["2026-05-10T00:00:00Z", None, "2026-05-11T12:30:00Z"], "date-time"),
    "birth_month": (["2026-05-10", "2026-05-11", "2026-05-12"], "string"),
    "preferences": ([{"color": "red"}, {"sizes": [1, {"eu": "38"}], "gift": None}, {}], "object"),
    "badges": ([["a"], [], ["b", "c"]], "array"),
    "history": ([[{"at": 1, "by": {"id": "x"}}], [], None], "array"),
    "customField": (["x", "y", "z"], "string"),
    "contact_phone": (["+49 170 1234567", None, "+1 555 0100 200"], "string"),
}
"""The values of each field, which the rows have in turn, and the type or format of its column."""
MIXED: list[Any] = [1, "one", {"one": 1}]
"""The values of the field `mixed`, which has no single type."""
_PAGE = 100


def values(number: int) -> dict[str, Any]:
    """Return the values of the fields of an order, without `mixed`."""
    return {name: known[number % len(known)] for name, (known, _) in FIELDS.items()}


def serve(orders: int, request: Request) -> Reply:
    """Return a page of the orders, or an empty list of any other resource."""
    if request.path != "orders":
        return Reply()
    start = int(request.params.get("cursor", "0"))
    end = min(start + _PAGE, orders)
    rows = [row(i, **values(i), mixed=MIXED[i % len(MIXED)]) for i in range(start, end)]
    more = {"next_cursor": str(end), "has_next": True} if end < orders else END
    return Reply({"data": rows, "pagination": more})
