"""Rows prove different: their keys, their details, what `fields` hides, and the charset that they come in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.scripted_api import END, Reply, Request, ScriptedApi
from support.tap_cli import Output, Tap
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]
Script = "Callable[[Request], Reply]"
DATE = "2026-05-10T00:00:00Z"
TOKEN = "copt_test_token"


def sync(
    folder: Path,
    script: Callable[[Request], Reply],
    stream: str,
    state: Json | None = None,
    *,
    deselected: tuple[str, ...] = (),
    **config: Any,
) -> Output:
    """Sync a stream from an API that answers by a script."""
    with ScriptedApi(script) as api:
        tap = Tap(folder, {"api_url": api.url, "api_token": TOKEN, "shop": "acme", "max_retries": 1})
        catalog = tap.catalog(stream, deselected=tuple((stream, name) for name in deselected))
        return tap.sync(state, catalog=catalog, **config)


def page(*rows: Json, cursor: str | None = None, **more: Any) -> Reply:
    """Return a page of a list."""
    end = {"next_cursor": cursor, "has_next": True} if cursor else END
    return Reply({"data": list(rows), "pagination": end, **more})


def warnings(output: Output) -> list[str]:
    """Return the warnings of a run."""
    return [line.split(" | ")[-1] for line in output.log.splitlines() if "| WARNING" in line]


def assert_complete(output: Output, stream: str) -> None:
    """The run is complete, and its bookmark says so."""
    assert output.code == 0, output.log
    assert "replication_key_value" in output.bookmark(stream)


# What `fields` hides

DRIFTED = {"id": "att_1", "attributes": {"attributed_at": DATE, "model": "linear", "new": 1}}
LINKED = {
    "relationships": {"touchpoints": {"data": [{"type": "touchpoint", "id": "t1"}]}},
}
TOUCH = {"type": "touchpoint", "id": "t1", "attributes": {"channel": "email"}}


def test_a_deselected_column_hides_nothing_else(tmp_path: Path) -> None:
    def script(request: Request) -> Reply:
        if "fields" in request.params:
            return page({"id": "att_1", "attributes": {"attributed_at": DATE}})
        return page({**DRIFTED, **LINKED}, included=[TOUCH])

    output = sync(tmp_path, script, "attribution", deselected=("model",))
    assert_complete(output, "attribution")
    (record,) = output.records("attribution")
    assert record["extra"] == {"new": 1}
    assert record["touchpoints"] == [{"id": "t1", "channel": "email"}]
    assert record["relationships"] == LINKED["relationships"]
    assert "model" not in record


HIDDEN = ("model", "extra", "relationships", "touchpoints")


@pytest.mark.parametrize("status", [400, 414, 422])
def test_fields_that_are_rejected_on_the_second_page_are_dropped(tmp_path: Path, status: int) -> None:
    def script(request: Request) -> Reply:
        if "cursor" not in request.params:
            return page({**DRIFTED, "id": "att_1"}, cursor="c" * 100)
        if "fields" in request.params:
            return Reply({"error": {"code": "validation_failed", "message": "x"}}, status)
        return page({**DRIFTED, "id": "att_2"})

    output = sync(tmp_path, script, "attribution", deselected=HIDDEN)
    assert_complete(output, "attribution")
    assert set(output.ids("attribution")) == {"att_1", "att_2"}
    assert "does not accept `fields`" in output.log


# Keys


def journeys(*rows: Json) -> Callable[[Request], Reply]:
    """Return a script of three journeys, each with these enrollments."""
    listed = [{"id": f"jrn_{number}", "attributes": {"updated_at": DATE}} for number in range(3)]
    return lambda request: page(*(listed if request.path == "journeys" else rows))


@pytest.mark.parametrize("streams", [("enrollments",), ("journeys", "enrollments")])
def test_enrollments_that_are_numbered_per_journey_are_told_apart(
    tmp_path: Path, streams: tuple[str, ...]
) -> None:
    rows = [{"id": number, "attributes": {"status": "active", "updated_at": DATE}} for number in "123"]
    with ScriptedApi(journeys(*rows)) as api:
        output = Tap(tmp_path, {"api_url": api.url, "api_token": TOKEN, "shop": "acme"}).sync(streams=streams)
    assert_complete(output, "enrollments")
    schema = next(one for one in output.of_type("SCHEMA") if one["stream"] == "enrollments")
    key = schema["key_properties"]
    assert key == ["shop", "journey_id", "id"]
    assert len({tuple(record[name] for name in key) for record in output.records("enrollments")}) == 9


@pytest.mark.parametrize("attributes", [{}, {"customer_id": "cus_1"}], ids=["content", "natural key"])
def test_alike_enrollments_of_two_journeys_without_an_id_are_two_rows(
    tmp_path: Path, attributes: Json
) -> None:
    row = {"type": "enrollment", "attributes": {"status": "active", "updated_at": DATE, **attributes}}
    output = sync(tmp_path, journeys(row), "enrollments")
    assert_complete(output, "enrollments")
    keys = {(record["journey_id"], record["id"]) for record in output.records("enrollments")}
    assert len(keys) == 3
    if not attributes:
        assert len({one for _, one in keys}) == 3


USAGE = [
    {"type": "usage", "attributes": {"date": "2026-05-10", "channel": name, "messages": number}}
    for number, name in enumerate(("email", "sms", "whatsapp"), 1)
]


def in_pages(rows: list[Json], size: int) -> Callable[[Request], Reply]:
    """Return a script that serves rows in pages."""

    def script(request: Request) -> Reply:
        start = int(request.params.get("cursor", 0))
        end = start + size
        return page(*rows[start:end], cursor=str(end) if end < len(rows) else None)

    return script


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_natural_key_that_is_not_unique_collapses_no_rows(tmp_path: Path, size: int) -> None:
    output = sync(tmp_path, in_pages(USAGE, size), "usage")
    assert_complete(output, "usage")
    rows = {record["id"]: record["extra"]["channel"] for record in output.records("usage")}
    assert sorted(rows[one] for one in rows if one.startswith("hash_")) == ["email", "sms", "whatsapp"]
    assert output.bookmark("usage")["not_unique"] == ["date"]
    (warning,) = warnings(output)
    assert "several rows without an id have the same date" in warning
    assert "FULL_TABLE" in warning
    assert "2026-05-10" not in warning

    again = sync(tmp_path, in_pages(USAGE, size), "usage", output.state, lookback_days=1000)
    assert set(again.ids("usage")) == {one for one in rows if one.startswith("hash_")}
    assert warnings(again) == []


def test_a_natural_key_that_a_later_run_finds_not_unique_has_everything_read_again(tmp_path: Path) -> None:
    """A row of an earlier run may have replaced another one in the warehouse."""
    old = {"attributes": {"date": "2025-01-01", "channel": "email"}}
    first = sync(tmp_path, in_pages([old], 100), "usage")
    assert first.ids("usage") == ["2025-01-01"]
    second = sync(tmp_path, in_pages([old, *USAGE], 100), "usage", first.state)
    assert_complete(second, "usage")
    rows = {(record["date"], record["extra"]["channel"]) for record in second.records("usage")}
    assert rows == {("2025-01-01", "email"), *(("2026-05-10", one) for one in ("email", "sms", "whatsapp"))}
    assert all(one.startswith("hash_") for one in second.ids("usage"))


def test_a_row_that_changes_while_it_is_read_does_not_cost_its_natural_key(tmp_path: Path) -> None:
    """It comes again, with another replication key and other content."""
    key = {"product_id": "p", "variant_id": "v", "location_id": "l"}
    rows = [{"attributes": {**key, "updated_at": at}} for at in (DATE, "2999-01-01T00:00:00Z")]
    output = sync(tmp_path, in_pages(rows, 1), "inventory")
    assert output.ids("inventory") == ["p:v:l"] * 2
    assert "not_unique" not in output.bookmark("inventory")


# Details


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


# Charset

NAME = "Müller"
BODY = json.dumps(
    {"data": [{"id": "cus_1", "type": "customer", "attributes": {"last_name": NAME}}], "pagination": END},
    ensure_ascii=False,
)


@pytest.mark.parametrize(
    ("charset", "header"),
    [
        ("utf-8", "application/json"),
        ("utf-8-sig", "application/json"),
        ("iso-8859-1", "application/json; charset=iso-8859-1"),
        ("iso-8859-1", 'application/json;Charset="ISO-8859-1"; q=1'),
        ("windows-1252", "application/json; charset=windows-1252"),
        ("utf-16", "application/json; charset=utf-16"),
        ("utf-16-le", "application/json"),
        ("utf-32-be", "application/json; charset=utf-8"),
    ],
)
def test_a_body_is_read_in_its_charset(tmp_path: Path, charset: str, header: str) -> None:
    reply = Reply(BODY.encode(charset), headers={"Content-Type": header})
    output = sync(tmp_path, lambda _: reply, "customers")
    assert_complete(output, "customers")
    assert [record["last_name"] for record in output.records("customers")] == [NAME]
    assert warnings(output) == []


def test_an_unknown_charset_is_read_as_utf_8_and_said_once(tmp_path: Path) -> None:
    reply = Reply(BODY, headers={"Content-Type": "application/json; charset=klingon"})
    output = sync(tmp_path, lambda _: reply, "customers")
    assert_complete(output, "customers")
    assert [record["last_name"] for record in output.records("customers")] == [NAME]
    (warning,) = warnings(output)
    assert "klingon" in warning


@pytest.mark.parametrize("where", ["last_name", "new", "tags"])
def test_what_cannot_be_decoded_is_counted_and_said_once(tmp_path: Path, where: str) -> None:
    rows = [
        {"id": f"cus_{n}", "type": "customer", "attributes": {where: [NAME] if where == "tags" else NAME}}
        for n in range(3)
    ]
    body = json.dumps({"data": rows, "pagination": END}, ensure_ascii=False).encode("iso-8859-1")
    output = sync(tmp_path, lambda _: Reply(body, headers={"Content-Type": "application/json"}), "customers")
    assert_complete(output, "customers")
    assert "M\ufffdller" in json.dumps(output.records("customers"), ensure_ascii=False)
    assert warnings(output) == [
        "customers: 3 characters could not be decoded; the records have U+FFFD instead."
    ]


def test_the_message_of_an_error_is_read_in_its_charset(tmp_path: Path) -> None:
    body = '{"error":{"code":"forbidden","message":"für Händler"}}'.encode("iso-8859-1")
    reply = Reply(body, 403, {"Content-Type": "application/json; charset=iso-8859-1"})
    output = sync(tmp_path, lambda _: reply, "customers")
    assert output.code == 1
    assert "für Händler" in output.log
    assert STREAMS["customers"].scope in output.log
