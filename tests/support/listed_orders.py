"""Reads a list of orders from an API that answers in the same process, without a network."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sumeru_api.errors import ApiError
from sumeru_api.responses import Response
from sumeru_api.retry import error_of
from sumeru_api.shop import Shop
from support.factories import stream_options
from support.scripted_api import Request
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.extract.stream_reader import StreamReader
from tap_sumeru.records import RecordShaper
from tap_sumeru.state.bookmarks import Bookmark

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.limited_list import LimitedList
    from tap_sumeru.extract.read_page import ReadPage

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SPEC, PROPERTIES = STREAMS["orders"], stream_schemas.load("orders")["properties"]
NAMES = ("filter[date_from]", "filter[date_to]")


def proven(since: str) -> dict[str, Any]:
    """Return a bookmark at a moment, of a stream whose date filter is proven."""
    return {
        "replication_key": "updated_at",
        "replication_key_value": since,
        "date_filter": {"verdict": "proven", "names": list(NAMES)},
    }


@dataclass
class Traffic:
    """Requests that wait for a rate limit, or do not."""

    backlogged: bool = False
    concurrency: int = 3


class ListClient:
    """Asks a list without a network; what would be retried fails at once."""

    def __init__(self, answer: LimitedList, *, backlogged: bool = False) -> None:
        self.shop = Shop("acme", "copt_test_token")
        self.queue = Traffic(backlogged)
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
    """Keeps the ids of each page, and the bookmark."""

    def __init__(self) -> None:
        self.pages: list[list[Any]] = []
        self.bookmark: dict[str, Any] = {}

    @property
    def ids(self) -> set[str]:
        """Ids of all rows."""
        return {record["id"] for page in self.pages for record in page}

    async def wait_for_room(self) -> None:
        await asyncio.sleep(0)

    def put(self, page: ReadPage) -> None:
        self.pages.append(list(page.records))
        self.bookmark = page.bookmark or self.bookmark


def read(
    api: LimitedList, entry: dict[str, Any], *, backlogged: bool = False, **options: Any
) -> tuple[Sink, int, ApiError | None]:
    """Read the list; return what came, how many requests it took, and the error."""
    client, sink = ListClient(api, backlogged=backlogged), Sink()
    shaper = RecordShaper(SPEC, StreamSelection("orders", PROPERTIES, tuple(PROPERTIES)), "updated_at")
    reader = StreamReader(
        SPEC,
        stream_options("updated_at", **options),
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
