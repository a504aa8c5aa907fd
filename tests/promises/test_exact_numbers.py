"""Promise 2, exact: numbers keep every digit of the API's text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.synced_orders import OrderSet, raw

if TYPE_CHECKING:
    from support.synced_orders import SyncedOrders

ORDERS = OrderSet()

FRACTIONS = [
    ORDERS.add(
        f"fraction {text}", total_price=raw(text), line_items=raw(f'[{{"price":{text},"new":[{text}]}}]')
    )
    for text in (
        "487.20",
        "0.1000",
        "-0.0",
        "1e-7",
        "0e0",
        "1E+5",
        "12345678901234567.25",
        "0." + "1234567890" * 4,
    )
]


@pytest.mark.parametrize("name", FRACTIONS)
def test_a_fraction_keeps_its_text(synced: SyncedOrders, name: str) -> None:
    synced.assert_same(name, "total_price", "line_items")


HUGE = [
    ORDERS.add(f"exponent {text}", total_price=raw(text), line_items=raw(f'[{{"price":{text}}}]'))
    for text in ("1e400", "-1E+400", "1e-400", "1e999999")
]


@pytest.mark.parametrize("name", HUGE)
def test_an_exponent_beyond_the_range_of_floats_keeps_its_text(synced: SyncedOrders, name: str) -> None:
    synced.assert_same(name, "total_price", "line_items")


INTEGERS = [
    ORDERS.add(f"integer {text}", total_price=raw(text), line_items=raw(f'[{{"quantity":{text}}}]'))
    for text in ("0", "-0", "7", "9007199254740993", "9223372036854775807", "-9223372036854775807")
]


@pytest.mark.parametrize("name", INTEGERS)
def test_an_integer_keeps_its_text(synced: SyncedOrders, name: str) -> None:
    synced.assert_same(name, "total_price", "line_items")


LONG_INTEGERS = [
    ORDERS.add(
        f"long {name}",
        total_price=raw(text),
        line_items=raw(f'[{{"quantity":{text}}}]'),
        new=raw(f"[{text}]"),
    )
    for name, text in {
        "of 64 bits": "9223372036854775808",
        "of 20 digits": "18446744073709551616",
        "of 40 digits": "1234567890" * 4,
        "of 40 digits, negative": "-" + "9" * 40,
        "of 4200 digits": "9" * 4200,
    }.items()
]


@pytest.mark.parametrize("name", LONG_INTEGERS)
def test_an_integer_beyond_64_bits_is_kept_in_extra(synced: SyncedOrders, name: str) -> None:
    synced.assert_in_extra(name, "total_price", "line_items", "new")
