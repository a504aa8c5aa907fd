"""`stream_reader`: decisions during a read, against an API that changes between two requests."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from sumeru_api.errors import ApiError, NotFound, RequestRejected
from sumeru_api.responses import Response
from sumeru_api.shop import Shop
from support.factories import stream_options
from support.virtual_clock import now, run_virtual
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
NAMES = ("filter[date_from]", "filter[date_to]")

Json = dict[str, Any]
END: Json = {"next_cursor": None, "has_next": False}


class FakeQueue:
    """Traffic without a limit."""

    concurrency = 2
    backlogged = False


class FakeClient:
    """Answers each request with what a function returns for its path and parameters: rows, body or error."""

    def __init__(self, answer: Callable[[str, Json], list[Json] | Json | ApiError]) -> None:
        self.shop = Shop("acme", "copt_test_token")
        self.queue = FakeQueue()
        self.requests: list[tuple[str, Json]] = []
        self._answer = answer

    async def get(self, path: str, params: Any, parse: Callable[[Response], Any], _: str, **__: Any) -> Any:
        await asyncio.sleep(0)
        self.requests.append((path, dict(params)))
        rows = self._answer(path, dict(params))
        if isinstance(rows, ApiError):
            raise rows
        body = rows if isinstance(rows, dict) else {"data": rows, "pagination": END}
        headers = {"Date": "Mon, 01 Jun 2026 00:00:00 GMT"}
        return parse(Response(200, headers, json.dumps(body).encode(), 0.0))


class Sink:
    """Keeps the pages."""

    def __init__(self) -> None:
        self.pages: list[ReadPage] = []

    async def wait_for_room(self) -> None:
        await asyncio.sleep(0)

    def put(self, page: ReadPage) -> None:
        self.pages.append(page)

    @property
    def ids(self) -> list[str]:
        return [record["id"] for page in self.pages for record in page.records]

    @property
    def bookmark(self) -> Json:
        """The bookmark that holds once all pages are written."""
        return next((dict(page.bookmark) for page in reversed(self.pages) if page.bookmark), {})


def prepared(
    stream: str,
    answer: Callable[[str, Json], list[Json] | Json | ApiError],
    bookmark: Json | None = None,
    sink: Sink | None = None,
) -> tuple[StreamReader, Sink, FakeClient]:
    """Return a reader of a stream, with its sink and its client."""
    spec, properties = STREAMS[stream], stream_schemas.load(stream)["properties"]
    key = spec.replication_key
    shaper = RecordShaper(spec, StreamSelection(stream, properties, tuple(properties)), key)
    client, sink = FakeClient(answer), sink or Sink()
    known = Bookmark(bookmark or {}, key, NAMES)
    reader = StreamReader(
        spec,
        stream_options(key),
        client,  # type: ignore[arg-type]  # a fake
        known,
        shaper,
        sink,
        now=NOW,
    )
    return reader, sink, client


def read(
    stream: str,
    answer: Callable[[str, Json], list[Json] | ApiError],
    bookmark: Json | None = None,
    sink: Sink | None = None,
) -> tuple[Sink, FakeClient]:
    """Read a stream to its end."""
    reader, sink, client = prepared(stream, answer, bookmark, sink)
    asyncio.run(reader.read())
    return sink, client


def proven(value: str) -> Json:
    return {
        "replication_key": "updated_at",
        "replication_key_value": value,
        "date_filter": {"verdict": "proven", "names": list(NAMES)},
    }


def order(number: int, date: str) -> Json:
    return {"id": f"ord_{number}", "attributes": {"updated_at": date}}


def test_a_filter_that_is_rejected_is_not_used_again_and_loses_nothing() -> None:
    def answer(_: str, params: Json) -> list[Json] | ApiError:
        if NAMES[0] in params:
            return RequestRejected("unknown filter", status=422)
        return [order(1, "2026-05-10T00:00:00Z"), order(2, "2026-01-01T00:00:00Z")]

    sink, client = read("orders", answer, proven("2026-05-01T00:00:00Z"))
    assert sink.ids == ["ord_1"], "the bookmark stays valid: only later rows are read"
    assert sink.bookmark["date_filter"]["verdict"] == "refuted"
    assert NAMES[0] not in client.requests[-1][1]


def test_a_filter_that_returns_a_row_from_outside_has_everything_read_again() -> None:
    rows = [order(1, "2026-05-10T00:00:00Z"), order(2, "2026-01-01T00:00:00Z")]
    sink, _ = read("orders", lambda *_: rows, proven("2026-05-01T00:00:00Z"))
    assert sorted(sink.ids) == ["ord_1", "ord_2"]
    assert sink.pages[0].bookmark is not None
    assert "replication_key_value" not in sink.pages[0].bookmark, "what it shortened before may lack rows"
    assert sink.bookmark["replication_key_value"] == "2026-06-01T00:00:00Z"


def test_what_a_refuted_filter_shortened_is_forgotten_even_if_the_full_read_fails() -> None:
    def answer(_: str, params: Json) -> list[Json] | ApiError:
        return [order(2, "2026-01-01T00:00:00Z")] if NAMES[0] in params else NotFound("", status=404)

    sink = Sink()
    with pytest.raises(NotFound):
        read("orders", answer, proven("2026-05-01T00:00:00Z"), sink)
    assert "replication_key_value" not in sink.bookmark
    assert sink.bookmark["date_filter"]["verdict"] == "refuted"


def test_a_read_that_is_given_up_while_its_filter_is_refuted_is_not_planned_again() -> None:
    """Python 3.11 loses a cancellation in the moment in which a task of a task group fails."""
    given_up: list[StreamReader] = []

    def answer(_: str, params: Json) -> list[Json]:
        for reader in given_up:
            reader.give_up()
        return (
            [order(1, "2026-01-01T00:00:00Z")] if NAMES[0] in params else [order(2, "2026-05-10T00:00:00Z")]
        )

    reader, sink, client = prepared("orders", answer, proven("2026-05-01T00:00:00Z"))
    given_up.append(reader)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(reader.read())
    assert sink.ids == []
    assert all(NAMES[0] in params for _, params in client.requests), "no read without the filter follows"


FIRST_WINDOW_END = "2026-03-01"


class Roomy(Sink):
    """Always has room."""

    @override
    async def wait_for_room(self) -> None:
        """Return at once."""


def reader_with_first_window_late(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[str, Json], list[Json] | ApiError]
) -> tuple[StreamReader, Roomy]:
    """Return a reader of several windows: in each round of the loop, the first one is answered last."""
    sink = Roomy()
    reader, _, client = prepared("orders", answer, proven("2026-03-01T00:00:00Z"), sink)
    get = client.get

    async def get_late(
        path: str, params: Any, parse: Callable[[Response], Any], stream: str, **_: Any
    ) -> Any:
        if dict(params).get(NAMES[0], "") < FIRST_WINDOW_END:
            await asyncio.sleep(0)
        return await get(path, params, parse, stream)

    monkeypatch.setattr(client, "get", get_late)
    return reader, sink


def test_a_window_that_ends_while_the_filter_is_refuted_does_not_move_the_bookmark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its task goes on for a moment before it is cancelled."""
    forgotten = order(9, "2025-06-01T00:00:00Z")

    def answer(_: str, params: Json) -> list[Json]:
        if NAMES[0] not in params:
            return [forgotten, order(1, "2026-03-10T00:00:00Z")]
        return [order(1, "2026-03-10T00:00:00Z")] if params[NAMES[0]] < FIRST_WINDOW_END else [forgotten]

    reader, sink = reader_with_first_window_late(monkeypatch, answer)
    asyncio.run(reader.read())
    assert "ord_9" in sink.ids, "what the refuted filter has left out before is read"
    assert all("replication_key_value" not in (page.bookmark or {}) for page in sink.pages[:-1])


@pytest.mark.parametrize("rows", [[order(1, "2026-03-10T00:00:00Z")], RequestRejected("bad", status=400)])
def test_an_answer_in_the_moment_in_which_the_filter_is_rejected_says_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch, rows: list[Json] | ApiError
) -> None:
    def answer(_: str, params: Json) -> list[Json] | ApiError:
        if NAMES[0] not in params:
            return RequestRejected("bad", status=400)  # so the filter was not at fault
        return rows if params[NAMES[0]] < FIRST_WINDOW_END else RequestRejected("bad", status=400)

    reader, sink = reader_with_first_window_late(monkeypatch, answer)
    with pytest.raises(RequestRejected):
        asyncio.run(reader.read())
    assert sink.bookmark["date_filter"]["verdict"] == "proven"


class SlowTarget(Sink):
    """Has room for four pages, and writes one in three seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._written_at = [0.0]

    @override
    async def wait_for_room(self) -> None:
        if len(self._written_at) > 4:
            await asyncio.sleep(max(0.0, self._written_at[-4] - now()))

    @override
    def put(self, page: ReadPage) -> None:
        super().put(page)
        self._written_at.append(max(now(), self._written_at[-1]) + 3.0)


@pytest.mark.parametrize("bookmark", [None, proven("2026-05-20T00:00:00Z")], ids=["unfiltered", "windows"])
def test_cursors_that_live_for_two_seconds_do_not_fail_a_read_into_a_slow_target(
    bookmark: Json | None,
) -> None:
    def answer(_: str, params: Json) -> Json | ApiError:
        if not params.get(NAMES[0], "") <= "2026-05-25" <= params.get(NAMES[1], "9999"):
            return {"data": [], "pagination": END}
        number, issued_at = map(float, params.get("cursor", f"0 {now()}").split())
        if now() - issued_at > 2.0:
            return RequestRejected("the cursor has expired", status=410)
        more = {"next_cursor": f"{int(number) + 1} {now()}", "has_next": True}
        rows = [order(int(number), "2026-05-25T00:00:00Z")]
        return {"data": rows, "pagination": more if number < 29 else END}

    reader, sink, client = prepared("orders", answer, bookmark, SlowTarget())
    run_virtual(reader.read())
    assert set(sink.ids) == {f"ord_{number}" for number in range(30)}
    if bookmark is None:
        assert len(sink.ids) == 30, "each once"
    assert len(client.requests) < 500
    assert sink.bookmark["replication_key_value"] == "2026-06-01T00:00:00Z"
