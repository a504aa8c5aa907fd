"""Records become rows: keys, conversions, renamed columns, and what is rejected."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.target_factories import settings
from target_sumeru.errors import InputError
from target_sumeru.input.rows import Row, RowReader, key_columns, key_of, key_values


def read(stream: str, record: dict[str, Any], **config: Any) -> Row:
    return RowReader(stream, settings(**config), stream).read(record, 7)


def body(row: Row) -> Any:
    assert row.reason == "", row
    return msgspec.json.decode(row.body)


@pytest.mark.parametrize(
    ("stream", "column", "given", "expected"),
    [
        ("customers", "tags", ["a"], ["a"]),
        ("customers", "tags", '["a", "b"]', ["a", "b"]),
        ("inventory", "available", Decimal("3.00"), 3),
        ("inventory", "available", 3.0, 3),
        ("inventory", "unit_cost", Decimal("487.20"), 487.20),
        ("inventory", "tracked", True, True),
        ("campaigns", "scheduled_at", "2026-05-10 14:23:00.123+02:00", "2026-05-10T12:23:00Z"),
        ("campaigns", "scheduled_at", datetime(2026, 5, 10, 14, 23, tzinfo=UTC), "2026-05-10T14:23:00Z"),
        ("campaigns", "scheduled_at", "2026-05-10", "2026-05-10T00:00:00Z"),
    ],
)
def test_values_get_the_types_of_the_api(stream: str, column: str, given: Any, expected: Any) -> None:
    assert body(read(stream, {"id": "x", column: given})) == {column: expected}


@pytest.mark.parametrize(
    ("stream", "column", "given"),
    [
        ("customers", "tags", "vip"),
        ("customers", "tags", ["a", 1]),
        ("customers", "tags", "[1]"),
        ("customers", "tags", "[" * 100_000),
        ("customers", "locale", 5),
        ("inventory", "available", Decimal("3.5")),
        ("inventory", "available", 2**63),
        ("inventory", "available", Decimal("1e99999999")),
        ("inventory", "available", Decimal("1e999999999999999999")),
        ("inventory", "available", Decimal("1e-999999999")),
        ("inventory", "available", True),
        ("inventory", "available", "3"),
        ("inventory", "unit_cost", float("nan")),
        ("inventory", "unit_cost", Decimal("Infinity")),
        ("inventory", "tracked", 1),
        ("campaigns", "scheduled_at", "tomorrow"),
        ("campaigns", "scheduled_at", 1700000000),
    ],
)
def test_other_values_reject_the_row(stream: str, column: str, given: Any) -> None:
    row = read(stream, {"id": "x", column: given})
    assert (row.reason, row.column, row.body) == ("wrong_type", column, b"{}")
    assert key_values(row.key) == ("x",)


def test_an_amount_keeps_its_digits() -> None:
    assert read("inventory", {"id": "x", "unit_cost": Decimal("487.20")}).body == b'{"unit_cost":487.20}'


@pytest.mark.parametrize(
    ("stream", "record", "columns", "values"),
    [
        ("customers", {"id": "c"}, ("id",), ("c",)),
        ("customers", {"id": 12}, ("id",), ("12",)),
        ("customers", {"id": Decimal("12.0")}, ("id",), ("12",)),
        ("inventory", {"sku": "s", "location_id": "l", "id": None}, ("sku", "location_id"), ("s", "l")),
        ("inventory", {"sku": "s", "location_id": "l", "id": "i"}, ("id",), ("i",)),
        ("products", {"external_id": "e"}, ("external_id",), ("e",)),
    ],
)
def test_the_first_complete_identity_is_the_key(
    stream: str, record: dict[str, Any], columns: tuple[str, ...], values: tuple[str, ...]
) -> None:
    row = read(stream, record)
    assert (key_columns(row.key), key_values(row.key)) == (columns, values)


@pytest.mark.parametrize(
    "value", [None, "", "  ", True, [], {}, Decimal("1.5"), Decimal("1e5000"), "a\x1fb", "a\nb", ".", " .. "]
)
def test_what_cannot_identify_a_row_rejects_it(value: Any) -> None:
    row = read("customers", {"id": value, "tags": []})
    assert (row.reason, row.column) == ("missing_key", "id")


@pytest.mark.parametrize("value", ["a\u00a0b", "a\u200bb", "a\u2028b", "\U0001fae9 new", "\ue000"])
def test_any_character_but_a_control_character_can_identify_a_row(value: str) -> None:
    assert key_values(read("products", {"external_id": value, "title": "T"}).key) == (value,)


@given(st.text(), st.text())
def test_keys_are_equal_only_for_equal_values(first: str, second: str) -> None:
    one, other = (key_of(("id",), (value,)) for value in (first, second))
    if one and other:
        assert (one == other) == (first.strip() == second.strip())


def test_the_way_in_which_addresses_and_numbers_are_written_makes_no_difference() -> None:
    assert key_of(("email",), (" Jane@Example.com ",)) == key_of(("email",), ("jane@example.com",))
    assert key_of(("phone",), ("+1 (555) 123-4567",)) == key_of(("phone",), ("+15551234567",))
    assert key_of(("email",), ("strasse@example.com",)) != key_of(("email",), ("straße@example.com",))


def test_the_column_that_matches_is_not_written() -> None:
    row = read("customers", {"email": "a@b.c", "id": "cus_1", "tags": []}, match_on={"customers": "email"})
    assert (key_columns(row.key), body(row)) == (("email",), {"tags": []})


@pytest.mark.parametrize(("nulls", "expected"), [("ignore", {}), ("clear", {"locale": None})])
def test_nulls(nulls: str, expected: Any) -> None:
    assert body(read("customers", {"id": "c", "locale": None, "add_tags": None}, nulls=nulls)) == expected


def test_tags_and_changes_of_tags_contradict_each_other() -> None:
    row = read("customers", {"id": "c", "tags": ["a"], "add_tags": ["b"]})
    assert (row.reason, row.column) == ("contradiction", "tags")


def test_the_shop_of_a_row() -> None:
    shops = [{"shop": name, "api_token": f"copt_test_{name}"} for name in ("acme", "globex")]
    reader = RowReader("customers", settings(api_token=None, shop=None, shops=shops), "customers")
    assert reader.read({"shop": "globex", "id": "c"}, 1).shop == "globex"
    for shop in ("hooli", None, 5, ["globex"], {"globex": 1}):
        row = reader.read({"shop": shop, "id": "c"}, 1)
        assert (row.shop, row.reason) == ("", "unknown_shop")


def test_columns_are_renamed_and_dropped() -> None:
    mapped = {"marts-vip": {"to": "customers", "columns": {"cus": "id", "loaded_at": ""}}}
    reader = RowReader("customers", settings(streams=mapped), "marts-vip")
    reader.check_columns(["cus", "loaded_at", "tags"])
    row = reader.read({"cus": "c", "loaded_at": "x", "tags": []}, 1)
    assert (key_values(row.key), body(row)) == (("c",), {"tags": []})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["id", "tag"], "customers: unknown column tag. Did you mean tags?"),
        (["id", "weather"], "customers: unknown column weather. Drop it with `streams.customers.columns`."),
        (["tags"], "customers: needs the column `id` to tell rows apart."),
    ],
)
def test_columns_are_checked_before_any_row(columns: list[str], message: str) -> None:
    with pytest.raises(InputError) as raised:
        RowReader("customers", settings(), "customers").check_columns(columns)
    assert str(raised.value) == message


def test_columns_of_the_tap_and_of_singer_are_ignored() -> None:
    record = {"id": "c", "total_spent": 5, "extra": {"a": 1}, "_sdc_batched_at": 1, "tags": []}
    assert body(read("customers", record)) == {"tags": []}


RENAMES = st.dictionaries(
    st.sampled_from(["cus", "id", "tags", "x"]), st.sampled_from(["id", "tags", "shop", ""])
)


@given(columns=st.permutations(["id", "cus", "tags", "x", "shop"]), renamed=RENAMES)
def test_no_two_columns_get_one_name(columns: list[str], renamed: dict[str, str]) -> None:
    config = {"streams": {"vip": {"to": "customers", "columns": {"x": "", "cus": "", **renamed}}}}
    names = [{"x": "", "cus": "", **renamed}.get(column, column) for column in columns]
    written = [name for name in names if name]
    reader = RowReader("customers", settings(**config), "vip")
    if len(set(written)) < len(written):
        with pytest.raises(InputError, match=r"with `streams\.vip\.columns`, \w+ and \w+ are both named"):
            reader.check_columns(columns)
        with pytest.raises(InputError, match="are both named"):
            reader.read(dict.fromkeys(columns, "acme"), 1)
    elif "id" in names:
        reader.check_columns(columns)


@pytest.mark.parametrize("value", [".", ".."])
def test_a_dot_can_identify_a_row_where_it_is_no_part_of_a_path(value: str) -> None:
    row = read("inventory", {"sku": value, "location_id": value})
    assert (row.reason, key_values(row.key)) == ("", (value, value))
