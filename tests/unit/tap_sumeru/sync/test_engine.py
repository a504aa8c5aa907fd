"""Engine: queues per token, pages and ends of reads in the main thread, and an end that never hangs."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from sumeru_api.errors import AuthenticationError, UnexpectedResponse
from support.fake_lists import Api, Cancelling
from support.fake_session import FakeSession, response
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.config.settings import Settings
from tap_sumeru.extract.read_page import ReadPage
from tap_sumeru.state.bookmarks import Bookmarks
from tap_sumeru.sync.engine import Engine
from tap_sumeru.sync.results import Failure, ReadDone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sumeru_api.session import RawResponse
    from support.fake_session import SentRequest
    from tap_sumeru.sync.engine import Item

STREAMS = ("orders", "products")
NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
SHOPS = [{"shop": "acme", "api_token": "one"}, {"shop": "globex", "api_token": "two"}]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API that every engine of the test reads."""
    fake = Api()
    monkeypatch.setattr("tap_sumeru.sync.engine.Session", lambda *_: fake.session)
    return fake


def engine(
    *streams: str,
    state: dict[str, Any] | None = None,
    shops: Sequence[dict[str, str]] = SHOPS,
    **config: Any,
) -> Engine:
    selections = []
    for name in streams:
        properties = stream_schemas.load(name)["properties"]
        selections.append(StreamSelection(name, properties, tuple(properties)))
    settings = Settings.from_config({"shops": list(shops), "max_retries": 0, **config})
    return Engine(settings, selections, Bookmarks({} if state is None else state), NOW)


def run(one: Engine) -> list[Item]:
    return [item for item in one.items() if item is not None]


def ids(items: Sequence[Item]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in items:
        if isinstance(item, ReadPage):
            found[item.stream, item.shop] += [record["id"] for record in item.records]
    return dict(found)


def event_loops() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "event-loop"]


@pytest.mark.usefixtures("api")
def test_all_streams_of_all_shops_are_read_to_their_end() -> None:
    items = run(engine("orders", "products"))
    expected = {(stream, shop) for stream in ("orders", "products") for shop in ("acme", "globex")}
    assert {(item.stream, item.shop) for item in items if isinstance(item, ReadDone)} == expected
    assert not any(isinstance(item, Failure) for item in items)
    for (stream, _), found in ids(items).items():
        assert found == [f"{stream}-{page}-{number}" for page in range(1, 6) for number in range(2)]
    assert set(ids(items)) == expected
    assert event_loops() == []


@pytest.mark.usefixtures("api")
def test_the_bookmark_comes_after_all_records_and_the_end_of_the_read_comes_last() -> None:
    items = run(engine("orders", shops=SHOPS[:1]))
    assert isinstance(items[-1], ReadDone)
    pages = [item for item in items if isinstance(item, ReadPage)]
    bookmarks = [page.bookmark for page in pages if page.bookmark]
    assert "replication_key_value" in bookmarks[-1]
    assert [len(page.records) for page in pages[:5]] == [2] * 5
    assert all("replication_key_value" not in (page.bookmark or {}) for page in pages[:5])


@pytest.mark.usefixtures("api")
def test_a_shop_that_has_ended_lets_the_next_one_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_sumeru.sync.engine._MAX_SHOPS", 1)
    monkeypatch.setattr("tap_sumeru.sync.engine._SHOP_HOLD_SECONDS", 3600.0)
    items = run(engine("orders"))
    assert [item.shop for item in items if isinstance(item, ReadDone)] == ["acme", "globex"]


def test_the_engine_does_not_change_the_state(api: Api) -> None:
    state: dict[str, Any] = {}
    run(engine("orders", state=state))
    assert api.session.sent
    assert state == {"bookmarks": {}}


def test_a_shop_that_fails_leaves_the_other_complete(api: Api) -> None:
    api.outcomes["two"] = response(401, {"error": {"code": "unauthenticated"}})
    items = run(engine(*STREAMS))
    (failure,) = [item for item in items if isinstance(item, Failure)]
    assert (failure.shop, failure.whole_shop, set(failure.streams)) == (
        "globex",
        True,
        {"orders", "products"},
    )
    assert type(failure.error) is AuthenticationError
    done = {(item.stream, item.shop) for item in items if isinstance(item, ReadDone)}
    assert done == {(stream, "acme") for stream in STREAMS}


def test_a_failure_keeps_neither_pages_nor_readers(api: Api) -> None:
    api.outcomes["orders"] = response(200, {"rows": ["text"]})
    (failure,) = [item for item in run(engine("orders", shops=SHOPS[:1])) if isinstance(item, Failure)]
    assert failure.error.cause == "the response has no `data`"
    assert (failure.error.__traceback__, failure.error.__context__) == (None, None)


def test_a_read_that_is_cancelled_from_elsewhere_is_a_failure(api: Api) -> None:
    """Whatever cancels a task by itself, a task group takes it for one that has ended well."""
    api.session = Cancelling(api.outcome)
    items = run(engine(*STREAMS, shops=SHOPS[:1]))
    (failure,) = [item for item in items if isinstance(item, Failure)]
    assert failure.cause == "Shop acme: orders failed: a request was cancelled"
    assert [item.stream for item in items if isinstance(item, ReadDone)] == ["products"]
    assert not any(isinstance(item, ReadPage) and item.stream == "orders" for item in items)


def test_children_are_read_with_the_listing_of_their_parents_stream(api: Api) -> None:
    items = run(engine("journeys", "enrollments", shops=SHOPS[:1]))
    assert len(ids(items)["journeys", "acme"]) == 10
    listings = [
        one for one in api.session.sent if not any(name.startswith("filter") for name, _ in one.params)
    ]
    paths = [request.url.partition("/api/v1/")[2] for request in listings]
    assert paths.count("journeys") == 5, "the parents are listed once"
    assert len({path for path in paths if path.endswith("/enrollments")}) == 10


def test_nothing_is_yielded_from_time_to_time_while_nothing_comes(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_sumeru.sync.engine._POLL_SECONDS", 0.001)
    hanging = Hanging()
    api.session = hanging
    items = engine("orders").items()
    assert next(items) is None
    items.close()
    assert hanging.cancelled.wait(10)


class Hanging(FakeSession):
    """A host that never answers."""

    def __init__(self) -> None:
        super().__init__(lambda _: response())
        self.cancelled = threading.Event()

    @override
    async def get(self, url: str, params: Sequence[tuple[str, str]], authorization: str) -> RawResponse:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.cancelled.set()
        return response()


def test_closing_drops_the_requests_in_flight(api: Api) -> None:
    api.session = hanging = Hanging()
    one = engine("orders")
    items = one.items()
    threading.Timer(0.01, one.close).start()
    assert [item for item in items if item is not None] == []
    assert hanging.cancelled.is_set()


def test_a_read_whose_filter_is_refuted_while_the_engine_is_closed_does_not_start_over(api: Api) -> None:
    """Python 3.11 loses a cancellation in the moment in which a task of a task group fails."""
    names = ["filter[date_from]", "filter[date_to]"]
    partition = {
        "context": {"shop": "acme"},
        "replication_key_value": "2026-05-01T00:00:00Z",
        "date_filter": {"verdict": "proven", "names": names},
    }
    one = engine("orders", shops=SHOPS[:1], state={"bookmarks": {"orders": {"partitions": [partition]}}})

    def outcome(_: SentRequest) -> RawResponse:
        one._stop()  # noqa: SLF001 - in the moment in which the page comes
        outside = {"id": "1", "attributes": {"updated_at": "2020-01-01T00:00:00Z"}}
        return response(200, {"data": [outside]})

    api.session = FakeSession(outcome)
    run(one)
    assert len(api.session.sent) == 1


def test_an_engine_can_be_closed_before_it_starts_and_after_it_has_ended(api: Api) -> None:
    engine("orders").close()
    one = engine("orders")
    run(one)
    one.close()
    assert api.session.sent


def test_a_fault_of_the_engine_itself_is_raised_in_the_main_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no event loop today")

    monkeypatch.setattr("tap_sumeru.sync.engine.Session", fail)
    with pytest.raises(OSError, match="no event loop today"):
        run(engine("orders"))


def give_up_at_first_page(one: Engine) -> list[Item]:
    items: list[Item] = []
    for item in one.items():
        if item is None:
            continue
        if isinstance(item, ReadPage) and not items:
            one.give_up(item.stream, item.shop, UnexpectedResponse("a record cannot be written"))
        items.append(item)
    return items


def test_a_stream_whose_records_cannot_be_written_is_given_up(api: Api) -> None:
    api.session = FakeSession(api.outcome, latency=lambda: 0.001)
    items = give_up_at_first_page(engine("orders", shops=SHOPS[:1]))
    assert not any(isinstance(item, ReadDone | Failure) for item in items)
    assert len(api.session.sent) < 5 + 5


@pytest.mark.usefixtures("api")
def test_a_stream_that_was_read_to_its_end_can_still_be_given_up() -> None:
    """Pages wait to be written after the event loop has ended."""
    one = engine("orders", shops=SHOPS[:1])
    items = one.items()
    first = next(item for item in items if item is not None)
    assert isinstance(first, ReadPage)
    for thread in event_loops():
        thread.join()
    one.give_up("orders", "acme", UnexpectedResponse("a record cannot be written"))
    left = [item for item in items if item is not None]
    assert len(ids([first, *left])["orders", "acme"]) == 10
    assert isinstance(left[-1], ReadDone)


@pytest.mark.parametrize(("shops", "records"), [(1, 400), (3, 1_200), (10, 4_000), (1_000, 4_000)])
def test_more_records_may_wait_if_there_are_many_shops(
    shops: int, records: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for a few pages only, the writer runs out of work while many requests are in flight."""
    capacities: list[int] = []
    monkeypatch.setattr("tap_sumeru.sync.engine.Handover", lambda capacity, _: capacities.append(capacity))
    engine("orders", shops=[{"shop": f"shop{i}", "api_token": f"token{i}"} for i in range(shops)])
    assert capacities == [records]


@pytest.mark.parametrize(
    ("entry", "config", "found"),
    [
        ({"replication_key_value": "2026-05-01T00:00:00Z"}, {}, {}),
        (
            {"replication_key": "created_at", "replication_key_value": "2026-05-01T00:00:00Z"},
            {},
            {("orders", "replication_key"): 1},
        ),
        (
            {"replication_key_value": "2026-05-01T00:00:00Z"},
            {"stream_options": {"orders": {"filters": {"status": "paid"}}}},
            {("orders", "filters"): 1},
        ),
    ],
)
def test_bookmarks_that_a_changed_option_makes_useless_are_counted(
    entry: dict[str, str], config: dict[str, Any], found: dict[tuple[str, str], int]
) -> None:
    state = {"bookmarks": {"orders": {"partitions": [{"context": {"shop": "acme"}, **entry}]}}}
    assert engine("orders", "products", state=state, **config).outdated() == found
