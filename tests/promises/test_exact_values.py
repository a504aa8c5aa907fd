"""Promise 2, exact: strings, nested values, nulls and values of another type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from support.synced_orders import Json, OrderSet, json_text, raw

if TYPE_CHECKING:
    from support.synced_orders import SyncedOrders

ORDERS = OrderSet()

TEXTS = [
    ORDERS.add("text " + name, note=text, tags=[text], new_field={"text": text, text: 1})
    for name, text in {
        "empty": "",
        "right to left": "\u202e\u05e9\u05dc\u05d5\u05dd\u202c \u0634\u0627\u0644\u0648\u0645",
        "combining": "e\u0301 \u1e9b\u0323 o\u0302\u0323",
        "emoji": "👩\u200d👩\u200d👧\u200d👦 🏴\U000e0067\U000e007f",
        "NUL": "before\0after",
        "ends of lines": "a\nb\r\nc\u2028d\u2029e\x85f\vg\fh",
        "control": "".join(map(chr, range(32))) + "\x7f\x80",
        "quotes": '"\'\\"\\u0041 \\ud83d \\',
        "noncharacters": "\ufeff\ufffe\uffff\U0010ffff",
        "JSON": '{"a": 1e-7}',
        "blank": " \t ",
        "a million characters": "x\u00e9" * 2**19,
    }.items()
]


@pytest.mark.parametrize("name", TEXTS)
def test_a_string_is_unchanged(synced: SyncedOrders, name: str) -> None:
    for column in ("note", "tags"):
        assert bytes(synced.record(name)[column]) == json_text(ORDERS.attributes[name][column])
    synced.assert_in_extra(name, "new_field")


SURROGATES = ORDERS.add("surrogates", note=raw(r'"a\ud83d b\uDE00 \\ud83d \ud83d\ude00 \ud83d\ud83d\ude00"'))


def test_a_lone_surrogate_becomes_the_replacement_character(synced: SyncedOrders) -> None:
    assert msgspec.json.decode(synced.record(SURROGATES)["note"]) == "a\ufffd b\ufffd \\ud83d 😀 \ufffd😀"


DEEP = 500
NESTED = ORDERS.add(
    "nested",
    unknown=raw("[" * DEEP + "1.50" + "]" * DEEP),
    other=raw('{"a":' * DEEP + "1e-7" + "}" * DEEP),
    shipping_address=raw('{"new":' + '{"a":[' * (DEEP // 2) + "1.50" + "]}" * (DEEP // 2) + "}"),
)


def test_values_nested_500_levels_deep_are_unchanged(synced: SyncedOrders) -> None:
    address = ORDERS.attributes[NESTED]["shipping_address"]
    assert bytes(synced.record(NESTED)["shipping_address"]) == bytes(address)
    synced.assert_in_extra(NESTED, "unknown", "other")


TWICE = ORDERS.add(
    "twice", shipping_address=raw('{"city":"a","new":1,"city":"b","new":2.50}'), new=raw('{"a":1,"a":1e-7}')
)


def test_the_last_of_two_members_of_one_name_is_used(synced: SyncedOrders) -> None:
    assert msgspec.json.decode(synced.record(TWICE)["shipping_address"]) == {"city": "b", "new": 2.5}
    assert bytes(synced.extra_of(TWICE)["new"]) == b'{"a":1e-7}'


SHADOWS = ORDERS.add("shadows", extra=raw('{"a":1.50}'), note="beside them", new="too")


def test_an_attribute_named_extra_is_kept_in_extra(synced: SyncedOrders) -> None:
    assert bytes(synced.record(SHADOWS)["note"]) == b'"beside them"'
    assert {name: bytes(text) for name, text in synced.extra_of(SHADOWS).items()} == {
        "extra": b'{"a":1.50}',
        "new": b'"too"',
    }


OTHERS: dict[str, Json] = {
    "a number as a string": {"total_price": "487.20", "total_tax": "", "line_items": [{"quantity": "1"}]},
    "a string as a number": {"note": raw("1e-7"), "email": 5, "tags": raw("[1.50]")},
    "a boolean as a string": {"test": "true"},
    "a boolean as a number": {"test": 1},
    "a boolean for all": {"total_price": True, "note": False, "tags": True, "refunds": [True]},
    "a list for all": {"total_price": [], "note": [1], "test": [True], "shipping_address": []},
    "an object for all": {"total_price": {}, "note": {"a": raw("1.0")}, "tags": {}, "placed_at": {}},
    "a number for an object": {"shipping_address": raw("-0.0"), "line_items": 0},
    "a number for a time": {"placed_at": 1715346000, "paid_at": raw("1715346000.123")},
    "something else inside": {"shipping_address": {"city": 5}, "line_items": [{"price": "1.00"}, 5]},
}
for _name, _attributes in OTHERS.items():
    ORDERS.add(_name, **_attributes)


@pytest.mark.parametrize("name", OTHERS)
def test_a_value_of_another_type_is_kept_in_extra(synced: SyncedOrders, name: str) -> None:
    synced.assert_in_extra(name, *OTHERS[name])


NULLS = ORDERS.add("nulls")
EMPTY = ORDERS.add(
    "empty", tags=[], line_items=[], shipping_address={}, refunds=[None, {}], discount_codes=[None, ""]
)


def test_null_stays_null(synced: SyncedOrders) -> None:
    record = synced.record(NULLS)
    given = {"shop", "id", "created_at", "updated_at"}
    changed = {"order_number"}  # by the switch that makes strict decoders reject the page
    assert {name for name, text in record.items() if bytes(text) != b"null"} - changed == given


def test_empty_values_do_not_become_null(synced: SyncedOrders) -> None:
    synced.assert_same(EMPTY, "tags", "line_items", "shipping_address", "refunds", "discount_codes")
