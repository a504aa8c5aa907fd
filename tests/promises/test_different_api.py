"""The API proves different: nothing is lost in silence, nothing runs for ever, nothing gets stuck.

Each kind was met elsewhere: in the Airbyte CDK, dlt, singer-io's taps and the Meltano SDK.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from support.scripted_api import END, Reply, Request, ScriptedApi, row
from support.tap_cli import Output, Tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]
ROWS = [row(number) for number in range(3)]
ERROR = {"code": "internal_error", "message": "the shard did not answer", "request_id": "req_1"}


def sync(folder: Path, script: Callable[[Request], Reply], state: Json | None = None) -> Output:
    """Sync orders from an API that answers by a script."""
    with ScriptedApi(script) as api:
        settings = {"api_url": api.url, "api_token": "copt_test_token", "shop": "acme", "max_retries": 1}
        return Tap(folder, settings).sync(state, streams=("orders",))


def assert_failed(output: Output, cause: str) -> None:
    """The stream failed with a cause that says what happened, and no bookmark claims its rows."""
    assert output.code == 1
    assert cause in output.log, output.log
    assert "Traceback" not in output.log
    assert "replication_key_value" not in output.bookmark("orders")


@pytest.mark.parametrize("name", ["error", "errors"])
@pytest.mark.parametrize("data", [None, [], ROWS], ids=["null", "no rows", "some rows"])
def test_a_success_that_is_an_error_is_retried_and_then_fails_its_stream(
    tmp_path: Path, name: str, data: object
) -> None:
    """Met elsewhere as airbytehq/airbyte#15055."""
    error = ERROR if name == "error" else [ERROR]
    output = sync(tmp_path, lambda _: Reply({name: error, "data": data, "pagination": END}))
    assert_failed(output, "500 internal_error: the shard did not answer (2 tries) (request req_1)")


def test_a_success_that_is_an_error_once_costs_nothing(tmp_path: Path) -> None:
    def script(request: Request) -> Reply:
        body = {"data": ROWS, "pagination": END}
        return Reply({**body, "error": ERROR} if request.number == 1 else body)

    output = sync(tmp_path, script)
    assert output.code == 0, output.log
    assert output.ids("orders") == ["row_0", "row_1", "row_2"]


def test_a_full_read_that_meets_an_error_in_a_success_retires_nothing(tmp_path: Path) -> None:
    with ScriptedApi(lambda _: Reply({"error": ERROR, "data": [], "pagination": END})) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_token", "max_retries": 0})
        catalog = tap.catalog("orders")
        for entry in catalog["streams"]:
            entry["replication_method"] = "FULL_TABLE"
        output = tap.sync(catalog=catalog)
    assert output.code == 1
    assert output.of_type("ACTIVATE_VERSION") == []


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ({"data": ROWS, "links": {"next": "/api/v1/orders?cursor=abc"}}, "`next` hints at more pages"),
        ({"data": ROWS, "meta": {"next_cursor": "abc"}}, "`next_cursor` hints at more pages"),
        ({"data": ROWS, "pagination": {"nextCursor": "abc", "hasNext": True}}, "neither `next_cursor` nor"),
        ({"data": ROWS, "pagination": {"page": 1, "pages": 3}}, "neither `next_cursor` nor"),
        ({"data": [row(number) for number in range(100)]}, "the page is full"),
        ({"data": {"row_1": {}, "row_2": {}}, "pagination": END}, "does not look like a resource"),
        ({"data": {"items": ROWS}, "pagination": END}, "does not look like a resource"),
    ],
    ids=["links.next", "meta.next_cursor", "camelCase", "page counts", "full page", "keyed", "items"],
)
def test_an_envelope_of_another_form_is_an_error_and_not_a_silent_first_page(
    tmp_path: Path, body: Json, cause: str
) -> None:
    output = sync(tmp_path, lambda _: Reply(body))
    assert_failed(output, cause)
    assert output.of_type("RECORD") == []


@pytest.mark.parametrize(("rows", "pages"), [(ROWS, 10), ([], 1000)], ids=["the same rows", "no rows"])
def test_a_list_that_goes_on_for_ever_without_progress_is_an_error(
    tmp_path: Path, rows: list[Json], pages: int
) -> None:
    """Met elsewhere as airbytehq/airbyte#14861."""
    cursors = count()

    def script(_: Request) -> Reply:
        return Reply({"data": rows, "pagination": {"next_cursor": f"c{next(cursors)}", "has_next": True}})

    output = sync(tmp_path, script)
    assert_failed(output, "the list makes no progress")
    assert next(cursors) <= pages + 1


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 500])
def test_a_saved_cursor_that_is_refused_starts_the_read_over(tmp_path: Path, status: int) -> None:
    """Met elsewhere as PostHog/posthog#66928."""
    pages: dict[str | None, Reply] = {
        None: Reply({"data": ROWS[:1], "pagination": {"next_cursor": "c1", "has_next": True}}),
        "c1": Reply({"data": ROWS[1:], "pagination": END}),
    }
    refusal = Reply({"error": {"code": "not_found", "message": "cursor"}}, 401)
    first = sync(tmp_path, lambda request: refusal if "cursor" in request.params else pages[None])
    assert first.bookmark("orders")["reading"]["cursor"] == "c1"

    refusal.status = status
    listed_anew: list[bool] = []

    def script(request: Request) -> Reply:
        cursor = request.params.get("cursor")
        if cursor is None:
            listed_anew.append(True)
        return pages[cursor] if listed_anew else refusal

    output = sync(tmp_path, script, first.state)
    assert output.code == 0, output.log
    assert output.ids("orders") == ["row_0", "row_1", "row_2"]
    assert "reading" not in output.bookmark("orders")


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_saved_cursor_whose_page_has_no_pagination_starts_the_read_over(tmp_path: Path, rows: int) -> None:
    """The size of the server's pages is not in the state, so any page could be a full one."""
    pages = {
        None: Reply({"data": ROWS, "pagination": {"next_cursor": "c1", "has_next": True}}),
        "c1": Reply({"error": {"code": "unauthorized", "message": "token"}}, 401),
    }
    cursors: list[str | None] = []

    def script(request: Request) -> Reply:
        cursors.append(request.params.get("cursor"))
        return pages[cursors[-1]]

    first = sync(tmp_path, script)
    assert first.bookmark("orders")["reading"]["cursor"] == "c1"

    cursors.clear()
    pages["c1"] = Reply({"data": [row(3 + number) for number in range(rows)]})
    output = sync(tmp_path, script, first.state)
    assert output.code == 0, output.log
    assert cursors[:3] == ["c1", None, "c1"]
    assert set(output.ids("orders")) == {f"row_{number}" for number in range(3 + rows)}
    assert "reading" not in output.bookmark("orders")
