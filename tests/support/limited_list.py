"""A script for `ScriptedApi`: one list with the limits that an API may have, documented or not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from support.scripted_api import END, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]


def order(number: int, day: date, *, seconds: int = 0) -> Json:
    """Return an order that was changed on a day, and placed long before."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)
    attributes = {"updated_at": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "placed_at": "2001-01-01T00:00:00Z"}
    return {"id": f"ord_{number:05d}", "attributes": attributes}


def refusal(status: int) -> Reply:
    """Return an error response."""
    return Reply({"error": {"code": "validation_failed", "message": "offset too large"}}, status)


@dataclass
class LimitedList:
    """Lists rows by their position, through the documented date filter.

    Attributes:
        rows: The rows.
        depth: How many rows of a query can be read; a page beyond them is refused.
        depth_status: Status of that refusal.
        max_limit: The largest page that the server manages.
        limit_status: Status of a larger one.
        date_filter: Whether the filter acts on `updated_at`; otherwise it is ignored.
        numbered: Whether a cursor is the number of a page, so that it depends on the size of pages.
        own_size: Whether a cursor is refused with another limit than that of its own request.
        expires: How often each cursor is refused before it is accepted.
    """

    rows: Sequence[Json]
    depth: int | None = None
    depth_status: int = 400
    max_limit: int = 100
    limit_status: int = 502
    date_filter: bool = True
    numbered: bool = False
    own_size: bool = False
    expires: int = 0
    uses: Counter[str] = field(default_factory=Counter)

    def __call__(self, request: Request) -> Reply:
        limit, cursor = int(request.params["limit"]), request.params.get("cursor")
        if limit > self.max_limit:
            return refusal(self.limit_status)
        place, size = map(int, cursor.split("-")) if cursor else (0, limit)
        if self.own_size and size != limit:
            return refusal(422)
        if cursor is not None:
            query = repr(sorted(request.params.items()))
            self.uses[query] += 1
            if self.uses[query] <= self.expires:
                return refusal(410)
        start = place * limit if self.numbered else place
        if self.depth is not None and start >= self.depth:
            return refusal(self.depth_status)
        matching = [one for one in self.rows if self._matches(one, request)]
        end = start + limit
        next_place = place + 1 if self.numbered else end
        more = {"next_cursor": f"{next_place}-{limit}", "has_next": True}
        return Reply({"data": matching[start:end], "pagination": more if len(matching) > end else END})

    def _matches(self, row: Json, request: Request) -> bool:
        day = row["attributes"]["updated_at"][:10]
        first, last = (request.params.get(f"filter[date_{end}]") for end in ("from", "to"))
        return not self.date_filter or ((not first or first <= day) and (not last or day <= last))
