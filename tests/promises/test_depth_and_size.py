"""The API refuses to list many rows, or many at a time: what can be read in other ways is read.

Public reports of each kind: lists that end at a depth, supaglue-labs/supaglue#585 (400) and
PostHog/posthog#103668 (416); pages that are too large, airbytehq/airbyte#23512 (500) and
estuary/connectors#3499 (502); cursors that expire again and again, PostHog/posthog#64753, and with a 404,
PostHog/posthog#67454.
"""

from __future__ import annotations

from datetime import date, timedelta
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from support.limited_list import LimitedList, order, refusal
from support.scripted_api import END, Reply, Request, ScriptedApi
from support.tap_cli import Output, Tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]
START = date(2026, 1, 1)
ORDERS = [order(number, START + timedelta(days=number // 10), seconds=number % 10) for number in range(900)]
"""Ten rows a day for ninety days."""
IDS = {row["id"] for row in ORDERS}
PROVEN = {
    "context": {"shop": "acme"},
    "replication_key": "updated_at",
    "replication_key_value": "2026-01-01T00:00:00Z",
    "date_filter": {"verdict": "proven", "names": ["filter[date_from]", "filter[date_to]"]},
}


def sync(
    folder: Path, script: Callable[[Request], Reply], state: Json | None = None, **config: Any
) -> tuple[Output, list[Request]]:
    """Sync orders, and return the requests too."""
    with ScriptedApi(script) as api:
        settings = {"api_url": api.url, "api_token": "copt_test_token", "shop": "acme", "max_retries": 0}
        output = Tap(folder, {**settings, **config}).sync(state, streams=("orders",))
        return output, api.requests


def assert_complete(output: Output, ids: set[str] = IDS) -> None:
    assert output.code == 0, output.log
    assert set(output.ids("orders")) == ids
    assert "replication_key_value" in output.bookmark("orders")


def assert_failed(output: Output, cause: str) -> None:
    assert output.code == 1
    assert cause in output.log, output.log
    assert "Traceback" not in output.log


@pytest.mark.parametrize("status", [400, 403, 404, 422, 500])
def test_a_list_that_refuses_depth_is_read_in_smaller_windows(tmp_path: Path, status: int) -> None:
    api = LimitedList(ORDERS, depth=200, depth_status=status)
    output, requests = sync(tmp_path, api, start_date="2026-01-01T00:00:00Z")
    assert_complete(output)
    assert "the API lists no more than 200 rows; reading in smaller windows" in output.log
    assert len(requests) < 100


def test_an_incremental_read_that_is_too_deep_is_read_in_smaller_windows(tmp_path: Path) -> None:
    output, _ = sync(
        tmp_path,
        LimitedList(ORDERS, depth=200),
        {"bookmarks": {"orders": {"partitions": [PROVEN]}}},
        window_days=365,
    )
    assert_complete(output)
    assert output.bookmark("orders")["replication_key_value"] > "2026-03-31"


def test_a_list_of_all_rows_that_refuses_depth_is_read_in_windows(tmp_path: Path) -> None:
    output, requests = sync(tmp_path, LimitedList(ORDERS, depth=200))
    assert_complete(output)
    assert len(requests) < 150
    assert "reading in smaller windows, which leave out rows without a replication key" in output.log
    assert "reading" not in output.bookmark("orders")


def test_a_list_that_refuses_depth_without_a_date_filter_is_an_error_that_says_so(tmp_path: Path) -> None:
    api = LimitedList(ORDERS, depth=200, date_filter=False)
    output, requests = sync(tmp_path, api)
    assert_failed(output, "no page after the first 200 rows of the list can be read, and no date filter")
    assert "offset too large" in output.log
    assert "replication_key_value" not in output.bookmark("orders")
    assert len(requests) < 50


def test_a_day_that_is_too_deep_is_an_error_that_says_so(tmp_path: Path) -> None:
    rows = [*ORDERS, *(order(1000 + number, START, seconds=number) for number in range(300))]
    output, requests = sync(tmp_path, LimitedList(rows, depth=200), start_date="2026-01-01T00:00:00Z")
    assert_failed(output, "no page after the first 200 rows of the list can be read, and a single day holds")
    assert output.bookmark("orders").get("replication_key_value", "") < "2026-01-02"
    assert len(requests) < 200


def test_children_that_refuse_depth_fail_alone_and_say_so(tmp_path: Path) -> None:
    deep = LimitedList(ORDERS, depth=200)

    def script(request: Request) -> Reply:
        if request.path == "journeys":
            return Reply({"data": [{"id": "jrn_1"}, {"id": "jrn_2"}], "pagination": END})
        return deep(request) if "jrn_1" in request.path else Reply({"data": ORDERS[:1], "pagination": END})

    with ScriptedApi(script) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_token", "shop": "acme"})
        output = tap.sync(streams=("enrollments",))
    assert_failed(output, "no page after the first 200 rows of the list can be read, and no date filter")
    assert {record["journey_id"] for record in output.records("enrollments")} == {"jrn_1", "jrn_2"}


@pytest.mark.parametrize("numbered", [False, True], ids=["positions", "page numbers"])
@pytest.mark.parametrize("own_size", [False, True], ids=["any limit", "own limit"])
@pytest.mark.parametrize(("status", "max_limit"), [(413, 50), (502, 7), (500, 1)])
def test_pages_that_are_too_large_for_the_server_are_requested_smaller(
    tmp_path: Path, status: int, max_limit: int, own_size: bool, numbered: bool
) -> None:
    """A server that manages large pages only at the beginning leaves cursors of the larger size."""
    rows = ORDERS[:330]
    small = LimitedList(rows, max_limit=max_limit, limit_status=status, own_size=own_size, numbered=numbered)
    large = LimitedList(rows, own_size=own_size, numbered=numbered)
    output, requests = sync(tmp_path, lambda request: (large if request.number <= 2 else small)(request))
    assert_complete(output, {row["id"] for row in rows})
    sizes = [int(request.params["limit"]) for request in requests]
    assert sizes.count(100) == 3, "the size is kept"
    assert output.log.count("the API failed to return larger pages") <= 6


def test_pages_that_take_the_server_too_long_are_requested_smaller(tmp_path: Path) -> None:
    ended, api = Event(), LimitedList(ORDERS)

    def script(request: Request) -> Reply:
        if int(request.params["limit"]) > 30:
            ended.wait()
        return api(request)

    output, requests = sync(tmp_path, script, request_timeout_seconds=0.5, max_retries=3)
    ended.set()
    assert_complete(output)
    assert [request.params["limit"] for request in requests][:4] == ["100"] * 3 + ["25"]


def test_a_smaller_page_without_pagination_is_the_last_only_if_it_is_not_full(tmp_path: Path) -> None:
    def script(request: Request) -> Reply:
        return refusal(502) if request.params["limit"] != "50" else Reply({"data": ORDERS[:50]})

    output, _ = sync(tmp_path, script)
    assert_failed(output, "the page is full")


@pytest.mark.parametrize("status", [500, 504])
def test_a_server_that_is_down_is_not_asked_for_ever_smaller_pages(tmp_path: Path, status: int) -> None:
    output, requests = sync(tmp_path, lambda _: refusal(status), max_retries=1)
    assert_failed(output, f"{status} validation_failed: offset too large (2 tries)")
    assert [int(request.params["limit"]) for request in requests[2:]] == (
        [50, 25, 12, 6, 3, 1] if status == 500 else [25]
    )


@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("expires", [1, 3])
def test_cursors_that_expire_again_and_again_do_not_fail_a_list_that_comes_further(
    tmp_path: Path, expires: int, windowed: bool
) -> None:
    start: Json = {"start_date": "2026-01-01T00:00:00Z", "window_days": 365} if windowed else {}
    output, _ = sync(tmp_path, LimitedList(ORDERS, expires=expires), **start)
    assert_complete(output)
    if not windowed:
        assert len(output.ids("orders")) == len(ORDERS), "a page that was written is not written again"


def test_a_list_whose_cursors_never_work_is_an_error_after_a_few_tries(tmp_path: Path) -> None:
    output, requests = sync(tmp_path, LimitedList(ORDERS, expires=10**6, date_filter=False))
    assert_failed(output, "no page after the first 100 rows of the list can be read")
    assert len(requests) < 40


@pytest.mark.parametrize("kind", ["the same rows in another order", "a part of the same rows"])
def test_a_list_that_brings_the_same_rows_in_other_pages_for_ever_is_an_error(
    tmp_path: Path, kind: str
) -> None:
    def script(request: Request) -> Reply:
        turn = request.number % 9
        rows = ORDERS[turn:9] + ORDERS[:turn] if kind.startswith("the same") else ORDERS[turn : turn + 2]
        return Reply({"data": rows, "pagination": {"next_cursor": f"c{request.number}", "has_next": True}})

    output, requests = sync(tmp_path, script)
    assert_failed(output, "the list makes no progress")
    assert len(requests) < 20


def test_a_list_that_brings_the_same_rows_with_the_present_as_their_change_for_ever_is_an_error(
    tmp_path: Path,
) -> None:
    def script(request: Request) -> Reply:
        now = f"2026-05-10T{request.number // 60:02}:{request.number % 60:02}:13Z"
        rows = [{"id": f"ord_{one}", "attributes": {"updated_at": now}} for one in range(10)]
        return Reply({"data": rows, "pagination": {"next_cursor": f"c{request.number}", "has_next": True}})

    output, requests = sync(tmp_path, script)
    assert_failed(output, "the list makes no progress: its rows come again and again, changed each time")
    assert len(requests) < 50


@pytest.mark.parametrize("rows", [[{"id": "jrn_1"}], []], ids=["the same parents", "no parents"])
def test_a_list_of_parents_that_goes_on_for_ever_is_an_error(tmp_path: Path, rows: list[Json]) -> None:
    def script(request: Request) -> Reply:
        return Reply({"data": rows, "pagination": {"next_cursor": f"c{request.number}", "has_next": True}})

    with ScriptedApi(script) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_token"})
        output = tap.sync(streams=("enrollments",))
    assert_failed(output, "the list of journeys failed: the list makes no progress")


def test_a_saved_cursor_whose_requests_hang_starts_the_read_over(tmp_path: Path) -> None:
    ended, api = Event(), LimitedList(ORDERS[:250])
    first, _ = sync(tmp_path, lambda one: Reply(status=401) if one.number == 3 else api(one))

    def script(request: Request) -> Reply:
        if request.params.get("cursor") and request.number <= 3:
            ended.wait()
        return api(request)

    output, _ = sync(tmp_path, script, first.state, request_timeout_seconds=0.3, max_retries=2)
    ended.set()
    assert_complete(output, {row["id"] for row in ORDERS[:250]})


def test_a_saved_cursor_that_leads_to_an_empty_end_starts_the_read_over(tmp_path: Path) -> None:
    """An expired cursor may look like the end of its list."""
    api = LimitedList(ORDERS[:250])
    first, _ = sync(tmp_path, lambda one: Reply(status=401) if one.number == 3 else api(one))
    assert "cursor" in first.bookmark("orders")["reading"]
    output, _ = sync(
        tmp_path,
        lambda one: Reply({"data": [], "pagination": END}) if one.number == 1 else api(one),
        first.state,
    )
    assert_complete(output, {row["id"] for row in ORDERS[:250]})
