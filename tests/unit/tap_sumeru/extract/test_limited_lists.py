"""Random lists of an API with random limits: every row is read, or an error says why that cannot be done."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.errors import ApiError
from sumeru_api.responses import Response
from sumeru_api.retry import error_of
from sumeru_api.shop import Shop
from support.factories import stream_options
from support.limited_list import LimitedList, order
from support.scripted_api import Request
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.extract.stream_reader import StreamReader
from tap_sumeru.records import RecordShaper
from tap_sumeru.state.bookmarks import Bookmark

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_sumeru.extract.read_page import ReadPage

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FIRST_DAY = date(2026, 2, 1)
SPEC, PROPERTIES = STREAMS["orders"], stream_schemas.load("orders")["properties"]
NAMES = ("filter[date_from]", "filter[date_to]")
PROVEN = {
    "replication_key": "updated_at",
    "replication_key_value": "2026-02-01T00:00:00Z",
    "date_filter": {"verdict": "proven", "names": list(NAMES)},
}
REQUESTED_DAYS = 4
"""Days that are requested for a window of one day."""


class Queue:
    """Traffic without a limit."""

    concurrency = 3
    backlogged = False


class ListClient:
    """Asks a list without a network; what would be retried fails at once."""

    def __init__(self, answer: LimitedList) -> None:
        self.shop = Shop("acme", "copt_test_token")
        self.queue = Queue()
        self.requests = 0
        self._answer = answer

    async def get(self, path: str, params: Any, parse: Callable[[Response], Any], _: str, **__: Any) -> Any:
        await asyncio.sleep(0)
        self.requests += 1
        reply = self._answer(Request(path, dict(params), "", self.requests))
        headers = {"Date": "Mon, 01 Jun 2026 00:00:00 GMT"}
        response = Response(reply.status, headers, json.dumps(reply.body).encode(), 0.0)
        if not response.ok:
            raise error_of(response)
        return parse(response)


class Sink:
    """Keeps ids, and the bookmark."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.bookmark: dict[str, Any] = {}

    async def wait_for_room(self) -> None:
        await asyncio.sleep(0)

    def put(self, page: ReadPage) -> None:
        self.ids.update(record["id"] for record in page.records)
        self.bookmark = page.bookmark or self.bookmark


def read(api: LimitedList, entry: dict[str, Any], window_days: int) -> tuple[Sink, int, ApiError | None]:
    """Read the list; return what came, how many requests it took, and the error."""
    client, sink = ListClient(api), Sink()
    shaper = RecordShaper(SPEC, StreamSelection("orders", PROPERTIES, tuple(PROPERTIES)), "updated_at")
    reader = StreamReader(
        SPEC,
        stream_options("updated_at", window_days=window_days),
        client,  # type: ignore[arg-type]  # a fake
        Bookmark(entry, "updated_at", NAMES),
        shaper,
        sink,
        now=NOW,
    )
    try:
        asyncio.run(reader.read())
    except ApiError as error:
        return sink, client.requests, error
    return sink, client.requests, None


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
    sink, requests, error = read(api, entry, window_days)
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
