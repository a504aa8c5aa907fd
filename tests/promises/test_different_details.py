"""Details prove different: refused, broken, of another row, or with related resources.

A public report of the kind: airbytehq/airbyte#24370, where customers that were deleted answer 404.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.scripted_api import Reply, Request, ScriptedApi
from support.scripted_sync import DATE, TOKEN, assert_complete, page, warnings
from support.tap_cli import Output, Tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]


def customers(count: int, **attributes: Any) -> list[Json]:
    """Return customers as a list has them."""
    return [
        {"id": f"cus_{n}", "type": "customer", "attributes": {"updated_at": DATE, **attributes}}
        for n in range(count)
    ]


def with_details(
    folder: Path, rows: list[Json], detail: Callable[[str], Reply], **options: Any
) -> tuple[Output, ScriptedApi]:
    """Sync customers with details."""

    def script(request: Request) -> Reply:
        name = request.path.removeprefix("customers").removeprefix("/")
        return detail(name) if name else page(*rows)

    with ScriptedApi(script) as api:
        tap = Tap(folder, {"api_url": api.url, "api_token": TOKEN, "shop": "acme", "max_retries": 1})
        chosen = {"customers": {"details": True, **options}}
        return tap.sync(streams=("customers",), stream_options=chosen), api


def complete(name: str) -> Reply:
    """Return the detail of a customer."""
    return Reply({"data": {"id": name, "type": "customer", "attributes": {"last_name": f"name of {name}"}}})


ERROR: Json = {"error": {"code": "x", "message": "cus_7 is jane@example.com"}}


@pytest.mark.parametrize(
    "refusal",
    [
        *(Reply(ERROR, status) for status in (301, 400, 403, 404, 410, 451, 500, 503)),
        Reply("{"),
        Reply({"error": {"code": "internal_error", "message": "x"}, "data": None}),
        Reply({"data": {"id": "cus_2", "type": "customer", "attributes": {"email": "b@example.com"}}}),
        Reply({"data": []}),
    ],
    ids=lambda reply: f"{reply.status}-{str(reply.body)[:12]}",
)
def test_one_row_without_a_usable_detail_stays_as_listed(tmp_path: Path, refusal: Reply) -> None:
    rows = customers(30)
    output, _ = with_details(tmp_path, rows, lambda name: refusal if name == "cus_7" else complete(name))
    assert_complete(output, "customers")
    found = {record["id"]: record["last_name"] for record in output.records("customers")}
    assert found == {f"cus_{n}": None if n == 7 else f"name of cus_{n}" for n in range(30)}
    assert all(record["email"] is None for record in output.records("customers"))
    (warning,) = warnings(output)
    assert "customers: 1 row is as the list gives them, because their details" in warning
    assert "cus_7" not in output.log
    assert "jane" not in output.log


@pytest.mark.parametrize("status", [301, 403, 404, 500])
def test_a_stream_fails_if_all_details_do_and_its_bookmark_stays(tmp_path: Path, status: int) -> None:
    output, _ = with_details(tmp_path, customers(5), lambda _: Reply(ERROR, status))
    assert output.code == 1
    assert "the details of all 5 rows failed" in output.last_line or any(
        "the details of all 5 rows failed" in line for line in output.errors
    )
    assert "replication_key_value" not in output.bookmark("customers")
    assert "reading" not in output.bookmark("customers")


def test_the_only_row_of_a_read_may_lack_its_detail(tmp_path: Path) -> None:
    """A merged customer, the only one that has changed, must not stop the stream for ever."""
    output, _ = with_details(tmp_path, customers(1), lambda _: Reply(ERROR, 301))
    assert_complete(output, "customers")
    assert output.ids("customers") == ["cus_0"]


def test_a_token_that_is_refused_at_a_detail_fails_the_shop(tmp_path: Path) -> None:
    output, _ = with_details(
        tmp_path, customers(5), lambda name: Reply(ERROR, 401) if name == "cus_3" else complete(name)
    )
    assert output.code == 1
    assert "replication_key_value" not in output.bookmark("customers")


def test_details_that_keep_failing_are_not_all_retried(tmp_path: Path) -> None:
    output, api = with_details(
        tmp_path, customers(90), lambda name: complete(name) if name == "cus_89" else Reply(ERROR, 500)
    )
    assert_complete(output, "customers")
    assert len(output.ids("customers")) == 90
    details = [one for one in api.requests if one.path != "customers"]
    assert len(details) <= 90 + 3 * 8, "after a few rows, a detail that fails is not requested again"
    assert "89 rows are as the list gives them" in warnings(output)[0]


def test_what_a_detail_includes_is_kept(tmp_path: Path) -> None:
    orders = {"orders": {"data": [{"type": "order", "id": "ord_1"}]}}
    order = {"type": "order", "id": "ord_1", "attributes": {"total_price": "9.90"}}
    stray = {"type": "note", "id": "n1"}

    def detail(name: str) -> Reply:
        row = {"id": name, "type": "customer", "attributes": {}, "relationships": orders}
        return Reply({"data": row, "included": [order, stray]})

    output, api = with_details(tmp_path, customers(2), detail, include=["orders"])
    assert_complete(output, "customers")
    for record in output.records("customers"):
        assert record["extra"] == {"orders": [{"id": "ord_1", "total_price": "9.90"}], "included": [stray]}
        assert record["relationships"] == orders
    assert all(one.params["include"] == "orders" for one in api.requests)


@pytest.mark.parametrize(
    ("shown", "older"),
    [
        ("2026-05-09T23:59:00Z", True),
        ("2020-01-01", True),
        ("2026-05-10", False),
        ("2026-05-09T23:59:59.5Z", False),
        ("2026-05-10T00:00:01Z", False),
        (None, False),
    ],
)
def test_a_detail_that_is_older_than_the_list_does_not_replace_the_listed_row(
    tmp_path: Path, shown: str | None, older: bool
) -> None:
    def detail(name: str) -> Reply:
        old = {"updated_at": shown, "lifecycle_stage": "new"}
        new = {"updated_at": DATE, "lifecycle_stage": "loyal"}
        return Reply({"data": {"id": name, "attributes": old if name == "cus_1" else new}})

    output, _ = with_details(tmp_path, customers(3, lifecycle_stage="loyal"), detail)
    assert_complete(output, "customers")
    stages = {one["id"]: one["lifecycle_stage"] for one in output.records("customers")}
    assert stages == {"cus_0": "loyal", "cus_1": "loyal" if older else "new", "cus_2": "loyal"}
    assert any("older than the list: 1" in one for one in warnings(output)) is older
