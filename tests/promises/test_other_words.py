"""The API says in other words than the documented ones that a request failed, or that more pages follow.

A public report of the kind: dlt-hub/dlt#2505, where `@odata.nextLink` is not followed, and one row arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.scripted_api import END, Reply, Request, row
from support.scripted_sync import sync

if TYPE_CHECKING:
    from pathlib import Path

    from support.tap_cli import Output

Json = dict[str, Any]
ROWS = [row(number) for number in range(3)]
ERROR = {"code": "internal_error", "message": "the shard did not answer", "request_id": "req_1"}


def assert_failed(output: Output, cause: str, stream: str = "orders") -> None:
    """The stream failed with a cause that says what happened, and no bookmark claims its rows."""
    assert output.code == 1
    assert cause in output.log, output.log
    assert "Traceback" not in output.log
    assert "replication_key_value" not in output.bookmark(stream)


@pytest.mark.parametrize(
    ("members", "cause"),
    [
        ({"success": False, "message": "the shard did not answer"}, "500: the shard did not answer"),
        ({"status": "error"}, "the response is marked as failed by `status`"),
        ({"status_code": 503}, "503: the response is marked as failed by `status_code`"),
        ({"Errors": [None, ERROR]}, "500 internal_error: the shard did not answer"),
        ({"meta": {"error": ERROR}}, "500 internal_error: the shard did not answer"),
        ({"meta": {"status": {"code": 503, "message": "the shard did not answer"}}}, "503: the shard did"),
        ({"incomplete_results": True}, "the response is marked as failed by `incomplete_results`"),
    ],
    ids=str,
)
@pytest.mark.parametrize("data", [[], ROWS], ids=["no rows", "some rows"])
def test_a_success_that_says_otherwise_is_retried_and_then_fails_its_stream(
    tmp_path: Path, members: Json, cause: str, data: list[Json]
) -> None:
    output = sync(tmp_path, lambda _: Reply({"data": data, "pagination": END, **members}), "orders")
    assert_failed(output, cause)
    assert output.records("orders") == []


def test_a_later_page_that_says_that_it_failed_is_noticed_too(tmp_path: Path) -> None:
    """The first pages teach the decoder what stands beside the rows; it must still be looked at."""

    def script(request: Request) -> Reply:
        number = int(request.params.get("cursor", "0"))
        rows = [row(10 * number + one) for one in range(10)]
        more = {"next_cursor": str(number + 1), "has_next": True}
        return Reply({"success": number < 3, "data": rows, "pagination": more if number < 3 else END})

    output = sync(tmp_path, script, "orders")
    assert_failed(output, "the response is marked as failed by `success`")
    assert len(set(output.ids("orders"))) == 30


@pytest.mark.parametrize("stream", ["orders", "usage"])
@pytest.mark.parametrize("data", [{"error": ERROR}, [*ROWS, {"error": ERROR}]], ids=["alone", "among rows"])
def test_an_error_in_the_place_of_a_row_is_no_row(tmp_path: Path, stream: str, data: object) -> None:
    output = sync(tmp_path, lambda _: Reply({"data": data, "pagination": END}), stream)
    assert_failed(output, "500 internal_error: the shard did not answer", stream)
    assert output.records(stream) == []


@pytest.mark.parametrize(
    ("members", "hint"),
    [
        ({"meta": {"pagination": {"next_cursor": "abc"}}}, "next_cursor"),
        ({"_links": {"next": {"href": "https://elsewhere.example/orders"}}}, "next"),
        ({"links": [{"rel": "next", "href": "x"}]}, "next"),
        ({"total": 250}, "total"),
        ({"meta": {"page": 1, "total_pages": 3}}, "total_pages"),
        ({"per_page": 3}, "per_page"),
        ({"cursor": "abc"}, "cursor"),
    ],
    ids=str,
)
def test_a_hint_at_more_pages_is_never_taken_for_the_end(tmp_path: Path, members: Json, hint: str) -> None:
    output = sync(tmp_path, lambda _: Reply({"data": ROWS, **members}), "orders")
    assert_failed(output, f"the response has no `pagination`, but `{hint}` hints at more pages")


@pytest.mark.parametrize(
    ("header", "value"),
    [("Link", '</api/v1/orders?cursor=abc>; rel="next"'), ("X-Next-Page", "2"), ("X-Total-Count", "250")],
)
def test_a_header_that_hints_at_more_pages_is_never_taken_for_the_end(
    tmp_path: Path, header: str, value: str
) -> None:
    output = sync(tmp_path, lambda _: Reply({"data": ROWS}, headers={header: value}), "orders")
    assert_failed(output, "the response has no `pagination`, but")


@pytest.mark.parametrize("place", ["links", "pagination"])
def test_a_next_page_beside_the_end_of_the_pagination_is_an_error(tmp_path: Path, place: str) -> None:
    body: Json = {"data": ROWS, "pagination": dict(END)}
    body.setdefault(place, {})["next"] = "/api/v1/orders?page=2"
    output = sync(tmp_path, lambda _: Reply(body), "orders")
    assert_failed(output, "`pagination` says that this is the last page, but `next` hints at more pages")


@pytest.mark.parametrize("end", [{"next_cursor": None}, {"has_next": False}], ids=str)
@pytest.mark.parametrize(
    ("member", "cause"),
    [
        ({"next": "/api/v1/orders?page=2"}, "`next` hints at more pages"),
        ({"error": ERROR}, "500 internal_error: the shard did not answer"),
    ],
    ids=["next", "error"],
)
def test_one_documented_member_of_the_pagination_does_not_hide_another(
    tmp_path: Path, end: Json, member: Json, cause: str
) -> None:
    body: Json = {"data": ROWS, "pagination": {**end, **member}}
    output = sync(tmp_path, lambda _: Reply(body), "orders")
    assert_failed(output, cause)


@pytest.mark.parametrize(("more", "end"), [("true", "false"), (1, 0)])
def test_has_next_as_text_or_number_is_understood(tmp_path: Path, more: object, end: object) -> None:
    def script(request: Request) -> Reply:
        if "cursor" in request.params:
            return Reply({"data": [row(4)], "pagination": {"next_cursor": None, "has_next": end}})
        return Reply({"data": ROWS, "pagination": {"next_cursor": 7, "has_next": more}})

    output = sync(tmp_path, script, "orders")
    assert output.code == 0, output.log
    assert output.ids("orders") == ["row_0", "row_1", "row_2", "row_4"]


@pytest.mark.parametrize(
    "data",
    [{"2026-05-10": {"requests": 1}, "2026-05-11": {"requests": 2}}, {"items": [{"date": "2026-05-10"}]}, {}],
    ids=["by day", "items", "empty"],
)
def test_usage_that_holds_several_rows_in_one_object_is_an_error(tmp_path: Path, data: Json) -> None:
    output = sync(tmp_path, lambda _: Reply({"data": data, "pagination": END}), "usage")
    assert_failed(output, "does not look like a resource", "usage")


@pytest.mark.parametrize("pagination", [{}, {"pagination": None}, {"pagination": {}}], ids=str)
@pytest.mark.parametrize(
    ("sizes", "complete"), [((7, 7), False), ((7, 9), False), ((7, 7, 6), True), ((9, 0), True)]
)
def test_after_pages_with_pagination_one_without_it_ends_the_list_only_if_it_is_shorter(
    tmp_path: Path, pagination: Json, sizes: tuple[int, ...], complete: bool
) -> None:
    """The server caps its pages below what was asked for."""

    def script(request: Request) -> Reply:
        at = int(request.params.get("cursor", "0"))
        more = {"pagination": {"next_cursor": str(at + 1), "has_next": True}}
        rows = [row(100 * at + number) for number in range(sizes[at])]
        return Reply({"data": rows, **(pagination if at == len(sizes) - 1 else more)})

    output = sync(tmp_path, script, "orders")
    if complete:
        assert output.code == 0, output.log
        assert len(output.ids("orders")) == sum(sizes)
    else:
        assert_failed(output, "the page is full")
