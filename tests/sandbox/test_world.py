"""The generated shops are deterministic and consistent, and their rows are found by date without a scan."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sumeru_sandbox.faults.switches import DATE_FIELDS, Switches
from sumeru_sandbox.server.listing import Listing
from sumeru_sandbox.server.query import Query
from sumeru_sandbox.spec.endpoints import REPLICATION_KEYS, TYPES
from sumeru_sandbox.spec.fields import FIELDS
from sumeru_sandbox.world.clock import DAY, HOUR, Clock, parse_timestamp
from sumeru_sandbox.world.generated_shop import GeneratedShop
from sumeru_sandbox.world.order_ownership import OrderOwnership
from sumeru_sandbox.world.shop_model import HISTORY, counts
from sumeru_sandbox.world.store import Store

NOW = 1_778_000_400 // HOUR * HOUR
STREAMS = sorted(TYPES)
PLAIN = Switches(pagination="absent")


@lru_cache
def world(customers: int = 300, seed: int = 1, shop: str = "acme") -> GeneratedShop:
    return GeneratedShop(shop, customers, seed, NOW, "agency", 1500)


@lru_cache
def rows(stream: str, customers: int = 300) -> list[dict[str, Any]]:
    made = world(customers)
    return [{"id": made.row_id(stream, i), **made.row(stream, i)} for i in range(made.counts[stream])]


def dates(stream: str, row: dict[str, Any]) -> dict[str, int]:
    timestamps = {name: parse_timestamp(row[name]) for name in FIELDS[stream] if name in DATE_FIELDS}
    return {name: timestamp for name, timestamp in timestamps.items() if timestamp is not None}


@pytest.mark.parametrize("customers", [100, 999, 1000, 10_000_000])
def test_there_is_as_much_of_everything_as_said(customers: int) -> None:
    number = counts(customers)
    small = customers < 1000
    assert number["orders"] == 3 * customers
    assert number["attribution"] == number["orders"] // 2
    assert number["enrollments"] == customers // 2
    assert number["campaigns"] == (customers // 10 if small else 100)
    assert number["products"] == max(20, customers // 20)
    assert number["inventory"] == 6 * number["products"]
    assert number["seo_keywords"] == (customers if small else 1000)
    assert number["decision_intelligence_runs"] == 24 * (10 if small else 90)
    assert number["usage"] == (60 if small else 730)
    assert number["journeys"] == 10


@pytest.mark.parametrize("stream", STREAMS)
def test_the_same_seed_gives_the_same_rows_and_another_one_others(stream: str) -> None:
    again = GeneratedShop("acme", 300, 1, NOW, "agency", 1500)
    assert [again.row(stream, i) for i in range(10)] == [world().row(stream, i) for i in range(10)]
    for other in (world(seed=2), world(shop="globex")):
        assert [other.row(stream, i) for i in range(10)] != [world().row(stream, i) for i in range(10)]


@pytest.mark.parametrize("stream", STREAMS)
def test_a_row_of_a_huge_shop_is_computed_not_looked_up(stream: str) -> None:
    huge = world(10_000_000)
    last = huge.counts[stream] - 1
    assert set(huge.row(stream, last)) == set(FIELDS[stream])
    assert huge.row_index(stream, huge.row_id(stream, last)) == last


@pytest.mark.parametrize("stream", STREAMS)
def test_rows_have_exactly_the_attributes_of_their_stream_in_the_right_types(stream: str) -> None:
    types = {"string": str, "boolean": bool, "array": list, "object": dict}
    for row in rows(stream):
        assert set(row) == {"id", *FIELDS[stream]}
        for name, field in FIELDS[stream].items():
            kind = field.schema["type"][0]
            if row[name] is not None and kind in types:
                assert isinstance(row[name], types[kind]), (name, row[name])


@pytest.mark.parametrize("stream", STREAMS)
def test_ids_sort_as_rows_were_made_and_all_dates_lie_in_the_history(stream: str) -> None:
    row_ids = [row["id"] for row in rows(stream)]
    assert row_ids == sorted(set(row_ids))
    created = [row["created_at"] for row in rows(stream) if "created_at" in row]
    assert created == sorted(created)
    for row in rows(stream):
        assert all(NOW - HISTORY <= timestamp <= NOW for timestamp in dates(stream, row).values()), row
        assert dates(stream, row)[REPLICATION_KEYS[stream]] == max(dates(stream, row).values())


@pytest.mark.parametrize("stream", STREAMS)
def test_the_dates_of_a_row_are_those_of_its_timeline(stream: str) -> None:
    for index, row in enumerate(rows(stream)):
        timestamps = world().timelines[stream].timestamps(index)
        known = {name: timestamp for name, timestamp in timestamps.items() if name in FIELDS[stream]}
        assert dates(stream, row) == known


@pytest.mark.parametrize(
    "stream", sorted(set(STREAMS) - {"usage", "decision_intelligence_runs", "journeys", "campaigns"})
)
def test_about_a_quarter_of_the_rows_change_long_after_all_their_other_dates(stream: str) -> None:
    key = REPLICATION_KEYS[stream]
    late = []
    for place, row in enumerate(rows(stream, 2000)):
        timestamps = dates(stream, row)
        changed = timestamps.pop(key)
        if all(changed - timestamp > 3 * DAY for timestamp in timestamps.values()):
            late.append(place)
    total = len(rows(stream, 2000))
    assert 0.12 < len(late) / total < 0.38
    assert late[0] < total * 0.1
    assert late[-1] > total * 0.8


def test_every_reference_resolves_and_nothing_happens_before_what_it_follows() -> None:
    by_id = {stream: {row["id"]: row for row in rows(stream)} for stream in STREAMS}
    variants = {variant["id"]: row["id"] for row in rows("products") for variant in row["variants"]}
    for order in rows("orders"):
        assert by_id["customers"][order["customer_id"]]["created_at"] <= order["placed_at"]
        for line in order["line_items"]:
            assert variants[line["variant_id"]] == line["product_id"]
            assert by_id["products"][line["product_id"]]["created_at"] <= order["created_at"]
    for credit in rows("attribution"):
        order = by_id["orders"][credit["order_id"]]
        assert (order["customer_id"], order["placed_at"]) == (credit["customer_id"], credit["ordered_at"])
        for touch in credit["touchpoints"]:
            assert touch["campaign_id"] is None or by_id["campaigns"][touch["campaign_id"]]["launched_at"]
            assert touch["journey_id"] is None or touch["journey_id"] in by_id["journeys"]
    for enrollment in rows("enrollments"):
        assert enrollment["journey_id"] in by_id["journeys"]
        customer = by_id["customers"][enrollment["customer_id"]]
        assert customer["created_at"] <= enrollment["enrolled_at"]
        if enrollment["converted_order_id"]:
            order = by_id["orders"][enrollment["converted_order_id"]]
            assert order["customer_id"] == customer["id"]
            assert enrollment["enrolled_at"] <= order["created_at"] <= enrollment["exited_at"]
    for stock in rows("inventory"):
        assert variants[stock["variant_id"]] == stock["product_id"]


def test_customers_and_journeys_sum_up_what_is_theirs() -> None:
    orders: dict[str, list[dict[str, Any]]] = {}
    for order in rows("orders"):
        orders.setdefault(order["customer_id"], []).append(order)
    for customer in rows("customers"):
        mine = orders.get(customer["id"], [])
        assert customer["orders_count"] == len(mine)
        assert customer["total_spent"] == sum(
            order["total_price"] - order["total_refunded"] for order in mine if order["paid_at"]
        )
        assert customer["last_order_at"] == max((order["placed_at"] for order in mine), default=None)
        assert customer["first_order_at"] == min((order["placed_at"] for order in mine), default=None)
    for journey in rows("journeys"):
        mine = [row for row in rows("enrollments") if row["journey_id"] == journey["id"]]
        assert journey["total_enrollments"] == len(mine)
        assert journey["active_enrollments"] == sum(row["status"] == "active" for row in mine)


@pytest.mark.parametrize("journeys", [1, 7, 50])
def test_as_many_journeys_as_asked_for_share_the_enrollments(journeys: int) -> None:
    shop = GeneratedShop("acme", 600, 1, NOW, "agency", 1500, journeys=journeys)
    enrollments = [shop.row("enrollments", index) for index in range(shop.counts["enrollments"])]
    assert shop.counts["journeys"] == journeys
    for index in range(journeys):
        mine = [row for row in enrollments if row["journey_id"] == shop.row_id("journeys", index)]
        family = shop.child_rows("enrollments", "journey_id", index)
        assert [shop.row("enrollments", place) for rows in family for place in rows] == mine
        journey = shop.row("journeys", index)
        assert journey["total_enrollments"] == len(mine) > 0
        assert journey["active_enrollments"] == sum(row["status"] == "active" for row in mine)


def test_some_customers_are_erased_or_merged_or_have_no_order_and_some_text_is_not_plain() -> None:
    customers = rows("customers", 2000)
    erased = [row for row in customers if row["email"] is None]
    assert erased
    for row in erased:
        assert {row[name] for name in ("phone", "first_name", "last_name", "address")} == {None}
    assert any(row["merged_into_id"] for row in customers)
    assert any(row["last_order_at"] is None for row in customers)
    special = [row for row in customers if not re.fullmatch(r"[\w ]*", f"{row['first_name']}", re.ASCII)]
    assert 0.01 < len(special) / len(customers) < 0.15


@settings(max_examples=30, deadline=None)
@given(st.one_of(st.integers(1, 300), st.integers(1, 8000)), st.text(max_size=3))
def test_every_order_has_one_owner_who_is_there_before(customers: int, seed: str) -> None:
    ownership = OrderOwnership(customers, seed)
    owned = [(order, owner) for owner in range(customers) for order in ownership.orders_of(owner)]
    assert sorted(order for order, _ in owned) == list(range(3 * customers))
    assert all(ownership.owner(order) == owner <= order // 3 for order, owner in owned)


@pytest.mark.parametrize("customers", [101, 2000])
@pytest.mark.parametrize("stream", STREAMS)
def test_every_date_is_found_in_pieces_that_can_be_bisected(stream: str, customers: int) -> None:
    timeline = world(customers).timelines[stream]
    pieces = list(timeline.sorted_ranges())
    assert sorted(index for piece in pieces for index in piece) == list(range(timeline.count))
    for piece in pieces:
        for before, after in pairwise(timeline.timestamps(index) for index in piece):
            assert before.keys() == after.keys()
            assert all(before[name] <= after[name] for name in before)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_date_filter_finds_what_a_scan_would(data: st.DataObject) -> None:
    stream = data.draw(st.sampled_from(STREAMS))
    first, last = (data.draw(st.integers(-740, 10)) for _ in range(2))
    switches = Switches(
        pagination="absent",
        date_field=data.draw(st.sampled_from(["replication_key", *sorted(DATE_FIELDS)])),
        date_to=data.draw(st.sampled_from(["inclusive", "exclusive"])),
        zone=data.draw(st.sampled_from([0, -720, 330, 840])),
    )
    store = Store(world(), Clock(NOW))
    for place in data.draw(st.lists(st.integers(0, world().counts[stream] - 1), max_size=3)):
        store.put(stream, store.row_id(stream, place), {})
    today = NOW // DAY
    page = Listing(store).page(Query(stream, dates=(today + first, today + last)), switches)
    field = switches.date_field if switches.date_field in FIELDS[stream] else REPLICATION_KEYS[stream]
    shift = 0 if field == "date" else switches.zone * 60
    last_day = today + last - (switches.date_to == "exclusive")
    expected = [
        index
        for index, row in store.rows(stream)
        if (timestamp := parse_timestamp(row[field])) is not None
        if today + first <= (timestamp + shift) // DAY <= last_day
    ]
    assert [index for index, _ in page.rows] == expected


def test_rows_under_a_parent_are_found_with_dates_too() -> None:
    store = Store(world(), Clock(NOW))
    today = NOW // DAY
    low, high = (today - 300) * DAY, (today - 99) * DAY
    for number in range(10):
        parent = ("journey_id", f"jrn_{number:08}")
        query = Query("enrollments", parent, dates=(today - 300, today - 100))
        found = [store.row_id("enrollments", index) for index, _ in Listing(store).page(query, PLAIN).rows]
        assert found == [
            row["id"]
            for row in rows("enrollments")
            if row["journey_id"] == parent[1] and low <= dates("enrollments", row)["updated_at"] < high
        ]
