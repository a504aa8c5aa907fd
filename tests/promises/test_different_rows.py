"""Rows prove different: their keys, and what `fields` hides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.scripted_api import Reply, Request, ScriptedApi
from support.scripted_sync import DATE, TOKEN, assert_complete, page, sync, warnings
from support.tap_cli import Tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]

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


def with_all(request: Request, row: Json) -> Json:
    """Return a row that has everything that `fields` names."""
    named = dict.fromkeys(request.params.get("fields", "").split(",")[1:])
    return {**row, "attributes": {**named, **row["attributes"]}}


@pytest.mark.parametrize("status", [400, 413, 414, 422, 431, 500])
def test_fields_that_are_rejected_on_the_second_page_are_dropped(tmp_path: Path, status: int) -> None:
    def script(request: Request) -> Reply:
        if "cursor" not in request.params:
            return page(with_all(request, {**DRIFTED, "id": "att_1"}), cursor="c" * 100)
        if "fields" in request.params:
            return Reply({"error": {"code": "validation_failed", "message": "x"}}, status)
        return page({**DRIFTED, "id": "att_2"})

    output = sync(tmp_path, script, "attribution", deselected=HIDDEN)
    assert_complete(output, "attribution")
    assert set(output.ids("attribution")) == {"att_1", "att_2"}
    assert "does not accept `fields`" in output.log


STARTS: list[Json] = [{}, {"start_date": "2026-05-01"}]


@pytest.mark.parametrize("status", [200, 403, 413, 431, 500, 501])
@pytest.mark.parametrize("config", STARTS, ids=str)
def test_fields_that_are_rejected_in_whatever_words_are_dropped(
    tmp_path: Path, status: int, config: Json
) -> None:
    """Most names are assumed, and an API may fail with 500 for a column that it does not have."""

    def script(request: Request) -> Reply:
        if "fields" in request.params:
            return Reply({"error": {"code": "unknown_field", "message": "x"}, "data": []}, status)
        return page(DRIFTED)

    output = sync(tmp_path, script, "attribution", deselected=HIDDEN, **config)
    assert_complete(output, "attribution")
    assert set(output.ids("attribution")) == {"att_1"}


FULL: Json = {"attributed_at": DATE, "order_id": "ord_1", "channel": "email", "credit": 0.5}


@pytest.mark.parametrize("returned", [(), ("attributed_at",), ("attributed_at", "order_id")], ids=str)
@pytest.mark.parametrize("config", STARTS, ids=str)
def test_fields_that_the_api_understands_otherwise_hide_nothing(
    tmp_path: Path, returned: tuple[str, ...], config: Json
) -> None:
    """It may take the first name only, or so many, or names of another form."""

    def script(request: Request) -> Reply:
        names = returned if "fields" in request.params else tuple(FULL)
        return page({"id": "att_1", "attributes": {one: FULL[one] for one in names}})

    output = sync(tmp_path, script, "attribution", deselected=HIDDEN, **config)
    assert_complete(output, "attribution")
    assert output.records("attribution")[-1]["channel"] == "email"
    assert "does not return everything that `fields` names" in output.log


# Keys


def journeys(*rows: Json) -> Callable[[Request], Reply]:
    """Return a script of three journeys, each with these enrollments."""
    listed = [{"id": f"jrn_{number}", "attributes": {"updated_at": DATE}} for number in range(3)]
    return lambda request: page(*(listed if request.path == "journeys" else rows))


@pytest.mark.parametrize("streams", [("enrollments",), ("journeys", "enrollments")])
def test_enrollments_that_are_numbered_per_journey_are_told_apart(
    tmp_path: Path, streams: tuple[str, ...]
) -> None:
    """The key of a child lacks its parent elsewhere too: airbytehq/airbyte#14850."""
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


def test_a_read_that_compares_its_rows_is_not_continued_by_a_later_run(tmp_path: Path) -> None:
    """What was on the pages of the earlier run could no longer be compared."""
    serve = in_pages(USAGE, 1)

    def interrupted(request: Request) -> Reply:
        return (
            Reply({"error": {"code": "unauthenticated"}}, 401)
            if request.params.get("cursor")
            else serve(request)
        )

    first = sync(tmp_path, interrupted, "usage")
    assert first.code == 1
    assert "reading" not in first.bookmark("usage")
    second = sync(tmp_path, serve, "usage", first.state)
    assert_complete(second, "usage")
    assert len({one for one in second.ids("usage") if one.startswith("hash_")}) == 3


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


# Ids that several rows share


def _stock(product: int, location: str) -> Json:
    attributes = {"product_id": f"pro_{product}", "location_id": location, "available": 1, "updated_at": DATE}
    return {"id": f"pro_{product}", "type": "inventory", "attributes": attributes}


@pytest.mark.parametrize("together", [True, False], ids=["on one page", "on several pages"])
def test_an_id_that_several_rows_share_collapses_none_of_them(tmp_path: Path, together: bool) -> None:
    """The stock of a product at each location has the product's id: as in airbytehq/airbyte#55173."""
    stock = [_stock(product, location) for location in "abc" for product in range(12)]
    if together:
        stock.sort(key=lambda row: str(row["id"]))
    pages = [stock[at : at + 6] for at in range(0, len(stock), 6)]

    def script(request: Request) -> Reply:
        at = int(request.params.get("cursor", "0"))
        return page(*pages[at], cursor=str(at + 1) if at + 1 < len(pages) else None)

    output = sync(tmp_path, script, "inventory")
    assert_complete(output, "inventory")
    assert any("several rows have the same id, so their ids are made" in one for one in warnings(output))
    latest = {one["id"]: (one["product_id"], one["location_id"]) for one in output.records("inventory")}
    expected = {(f"pro_{product}", location) for location in "abc" for product in range(12)}
    assert set(latest.values()) >= expected
    made = {one: row for one, row in latest.items() if ":" in one}
    assert sorted(made.values()) == sorted(expected)

    for row in stock:
        row["attributes"]["available"] = 5
    again = sync(tmp_path, script, "inventory", output.state)
    assert_complete(again, "inventory")
    assert warnings(again) == []
    assert set(again.ids("inventory")) == set(made), "the ids stay"


def _order(number: int, created_at: str) -> Json:
    """Return an order of a marketplace that numbers its orders from 1."""
    return {"id": str(number), "attributes": {"created_at": created_at, "updated_at": created_at}}


@pytest.mark.parametrize("size", [2, 6, 24])
def test_orders_of_two_marketplaces_with_the_same_ids_are_told(tmp_path: Path, size: int) -> None:
    orders = [
        _order(number, f"2020-01-{day}T10:20:{number + 7:02}Z")
        for number in range(12)
        for day in ("01", "02")
    ]
    output = sync(tmp_path, in_pages(orders, size), "orders")
    assert_complete(output, "orders")
    assert len(output.ids("orders")) == len(orders)
    (warning,) = warnings(output)
    assert "orders: rows with different created_at have the same id" in warning


def test_an_order_that_comes_again_is_no_other(tmp_path: Path) -> None:
    orders = [_order(number % 8, f"2020-01-01T10:20:{number % 8 + 7:02}Z") for number in range(12)]
    assert warnings(sync(tmp_path, in_pages(orders, 4), "orders")) == []


def test_a_row_that_comes_on_two_pages_keeps_its_id(tmp_path: Path) -> None:
    pages = [
        [_stock(product, "a") for product in range(4)],
        [_stock(product, "a") for product in range(2, 8)],
    ]

    def script(request: Request) -> Reply:
        at = int(request.params.get("cursor", "0"))
        return page(*pages[at], cursor="1" if at == 0 else None)

    output = sync(tmp_path, script, "inventory")
    assert set(output.ids("inventory")) == {f"pro_{product}" for product in range(8)}
    assert warnings(output) == []
