"""A list that ends although the API counts more rows: no silent loss, and no false alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.scripted_api import END, Reply, Request, ScriptedApi, row
from support.scripted_sync import DATE, TOKEN, assert_complete, sync, warnings
from support.tap_cli import Tap

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]
LOST = ["Shop acme: orders: the API counts 250 rows, but lists only 100; some may be missing."]


def listed(total: int, pages: int, body: Json, headers: dict[str, str], request: Request) -> Reply:
    """Answer with one of the pages of 50 rows, and with a total in the body or in headers."""
    at = int(request.params.get("cursor", "0"))
    more = at + 1 < pages
    end = {"next_cursor": str(at + 1), "has_next": True} if more else END
    rows = [row(number) for number in range(50 * at, 50 * (at + 1))]
    members = {name: {**value, **end} if name == "pagination" else value for name, value in body.items()}
    stated = {name: text.format(total) for name, text in headers.items()}
    return Reply({"data": rows, "pagination": end, **members}, headers=stated)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"total": 250}, {}),
        ({"meta": {"total_count": "250", "count": 50}}, {}),
        ({"pagination": {"totalResults": 250}}, {}),
        ({"paging": {"record_count": 250}}, {}),
        ({}, {"X-Total-Count": "{}"}),
        ({}, {"x-total": "{}"}),
        ({}, {"Content-Range": "items 0-49/{}"}),
    ],
    ids=str,
)
def test_a_list_that_ends_before_its_total_is_a_warning(
    tmp_path: Path, body: Json, headers: dict[str, str]
) -> None:
    output = sync(tmp_path, lambda request: listed(250, 2, body, headers, request), "orders")
    assert_complete(output, "orders")
    assert len(output.ids("orders")) == 100
    assert warnings(output) == LOST


@pytest.mark.parametrize(
    ("total", "pages", "warned"),
    [(51, 1, 1), (50, 1, 0), (49, 1, 0), (0, 1, 0), (201, 4, 0), (202, 4, 0), (210, 4, 1)],
)
def test_a_few_rows_may_be_deleted_while_many_pages_are_read(
    tmp_path: Path, total: int, pages: int, warned: int
) -> None:
    headers = {"X-Total-Count": "{}"}
    output = sync(tmp_path, lambda request: listed(total, pages, {}, headers, request), "orders")
    assert_complete(output, "orders")
    assert len(warnings(output)) == warned


def test_a_total_of_other_rows_is_none(tmp_path: Path) -> None:
    """A filtered list may state the total of all rows."""

    def script(request: Request) -> Reply:
        filtered = any(name.startswith("filter[") for name in request.params)
        return listed(250, 1, {"meta": {"total": 250}} if filtered else {}, {}, request)

    for config in ({"start_date": DATE}, {"stream_options": {"orders": {"filters": {"status": "paid"}}}}):
        output = sync(tmp_path, script, "orders", **config)
        assert_complete(output, "orders")
        assert warnings(output) == []


def test_the_list_of_journeys_is_counted_too(tmp_path: Path) -> None:
    def script(request: Request) -> Reply:
        total = 3 if request.path == "journeys" else 7
        return Reply({"data": [row(1)], "total": total, "pagination": END})

    output = sync(tmp_path, script, "enrollments")
    assert_complete(output, "enrollments")
    assert warnings(output) == [
        "Shop acme: journeys: the API counts 3 rows, but lists only 1; some may be missing."
    ]


@pytest.mark.parametrize("streams", [("orders",), ("enrollments",), ("journeys", "enrollments")], ids=str)
@pytest.mark.parametrize(("listed_rows", "more"), [(0, 5), (1, 1), (1, 0), (40, 3), (40, 0)])
def test_a_full_read_retires_nothing_if_the_api_counts_more_rows(
    tmp_path: Path, streams: tuple[str, ...], listed_rows: int, more: int
) -> None:
    def script(request: Request) -> Reply:
        rows = [row(number) for number in range(1 if "/" in request.path else listed_rows)]
        return Reply({"data": rows, "total": len(rows) + more, "pagination": END})

    with ScriptedApi(script) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": TOKEN, "shop": "acme", "max_retries": 0})
        catalog = tap.catalog(*streams)
        for entry in catalog["streams"]:
            entry["replication_method"] = "FULL_TABLE"
        output = tap.sync(catalog=catalog)
    assert output.code == 0, output.log
    retired = [message["stream"] for message in output.of_type("ACTIVATE_VERSION")]
    assert sorted(retired) == ([] if more else sorted(streams))
    reason = "because the API counts more rows than it lists in acme."
    assert output.log.count(reason) == (len(streams) if more else 0)
