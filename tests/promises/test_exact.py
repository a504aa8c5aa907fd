"""Promise 2, exact: what leaves the tap is what the API said, letter by letter, whatever the values are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from sumeru_sandbox import Sandbox
from support.tap_cli import Tap

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
Texts = dict[str, msgspec.Raw]
"""A record by the letters of its values."""

_texts = msgspec.json.Decoder(Texts).decode
_write = msgspec.json.Encoder(decimal_format="number").encode

WAYS: dict[str, tuple[Json, Json]] = {
    "enveloped": ({}, {}),
    "flat": ({"shape": "flat"}, {}),
    "a page that strict decoders refuse": ({"rows": [{"kind": "surrogate"}]}, {}),
    "a stream map": ({}, {"stream_maps": {"orders": {"shop": "shop"}}}),
}
"""Switches of the sandbox and settings of the tap: each leads to another path through the code."""

ROWS: dict[str, Json] = {}


def row(name: str, **attributes: Any) -> str:
    """Have an order of this id and these attributes in the sandbox."""
    ROWS[name] = attributes
    return name


def raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


class Landed:
    """What a sync of odd orders wrote, beside what the sandbox holds."""

    def __init__(self, sandbox: Sandbox, tap: Tap, switches: Json, config: Json) -> None:
        sandbox.configure({"orders": {"page_cap": 3, **switches}})  # so that few rows share a fate
        for order in sandbox.truth("acme", "orders"):
            sandbox.delete("acme", "orders", order["id"])
        for name, attributes in ROWS.items():
            sandbox.put("acme", "orders", name, **attributes)
        self.log = tap.sync(streams=("orders",), **config)
        assert self.log.code == 0, self.log.log
        self._truth = {one["id"]: one for one in sandbox.truth("acme", "orders")}
        records = [
            _texts(message["record"]) for message in map(_texts, self.log.lines) if "record" in message
        ]
        self._records = {msgspec.json.decode(record["id"]): record for record in records}

    def record(self, name: str) -> Texts:
        return self._records[name]

    def kept(self, name: str) -> Texts:
        extra = bytes(self.record(name)["extra"])
        return {} if extra == b"null" else _texts(extra)

    def assert_same(self, name: str, *columns: str) -> None:
        """The columns hold what the sandbox holds, and nothing is in `extra`."""
        for column in columns:
            assert bytes(self.record(name)[column]) == _write(self._truth[name][column]), (name, column)
        assert self.kept(name) == {}

    def assert_kept(self, name: str, *names: str) -> None:
        """`extra` holds what the sandbox holds under these names, and nothing else."""
        extra = self.kept(name)
        assert set(extra) == set(names)
        for one in names:
            assert bytes(extra[one]) == _write(self._truth[name][one]), (name, one)
            assert bytes(self.record(name).get(one, b"null")) == b"null"


@pytest.fixture(scope="module", params=list(WAYS.values()), ids=list(WAYS))
def landed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    with Sandbox(shops=("acme",), customers=100) as sandbox:
        config = {
            "api_url": sandbox.url,
            "api_token": sandbox.token("acme"),
            "shop": "acme",
            "max_retries": 0,
        }
        yield Landed(sandbox, Tap(tmp_path_factory.mktemp("tap"), config), *request.param)


FRACTIONS = [
    row(f"fraction {text}", total_price=raw(text), line_items=raw(f'[{{"price":{text},"new":[{text}]}}]'))
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
def test_a_fraction_keeps_its_text(landed: Landed, name: str) -> None:
    landed.assert_same(name, "total_price", "line_items")


HUGE = [
    row(f"exponent {text}", total_price=raw(text), line_items=raw(f'[{{"price":{text}}}]'))
    for text in ("1e400", "-1E+400", "1e-400", "1e999999")
]


@pytest.mark.parametrize("name", HUGE)
def test_an_exponent_beyond_all_floats_keeps_its_text(landed: Landed, name: str) -> None:
    landed.assert_same(name, "total_price", "line_items")


INTEGERS = [
    row(f"integer {text}", total_price=raw(text), line_items=raw(f'[{{"quantity":{text}}}]'))
    for text in ("0", "-0", "7", "9007199254740993", "9223372036854775807", "-9223372036854775807")
]


@pytest.mark.parametrize("name", INTEGERS)
def test_an_integer_keeps_its_text(landed: Landed, name: str) -> None:
    landed.assert_same(name, "total_price", "line_items")


LONG_INTEGERS = [
    row(
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
def test_an_integer_that_targets_refuse_is_kept_whole_in_extra(landed: Landed, name: str) -> None:
    landed.assert_kept(name, "total_price", "line_items", "new")


TEXTS = [
    row("text " + name, note=text, tags=[text], new_field={"text": text, text: 1})
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
def test_a_text_stays_the_same(landed: Landed, name: str) -> None:
    for column in ("note", "tags"):
        assert bytes(landed.record(name)[column]) == _write(ROWS[name][column])
    landed.assert_kept(name, "new_field")


SURROGATES = row("surrogates", note=raw(r'"a\ud83d b\uDE00 \\ud83d \ud83d\ude00 \ud83d\ud83d\ude00"'))


def test_a_lone_surrogate_becomes_the_replacement_character_and_a_pair_stays(landed: Landed) -> None:
    assert msgspec.json.decode(landed.record(SURROGATES)["note"]) == "a\ufffd b\ufffd \\ud83d 😀 \ufffd😀"


DEEP = 500
NESTED = row(
    "nested",
    unknown=raw("[" * DEEP + "1.50" + "]" * DEEP),
    other=raw('{"a":' * DEEP + "1e-7" + "}" * DEEP),
    shipping_address=raw('{"new":' + '{"a":[' * (DEEP // 2) + "1.50" + "]}" * (DEEP // 2) + "}"),
)


def test_what_is_nested_500_levels_deep_stays_so(landed: Landed) -> None:
    address = ROWS[NESTED]["shipping_address"]
    assert bytes(landed.record(NESTED)["shipping_address"]) == bytes(address)
    landed.assert_kept(NESTED, "unknown", "other")


TWICE = row(
    "twice", shipping_address=raw('{"city":"a","new":1,"city":"b","new":2.50}'), new=raw('{"a":1,"a":1e-7}')
)


def test_of_a_member_that_is_said_twice_the_last_holds(landed: Landed) -> None:
    assert msgspec.json.decode(landed.record(TWICE)["shipping_address"]) == {"city": "b", "new": 2.5}
    assert bytes(landed.kept(TWICE)["new"]) == b'{"a":1e-7}'


SHADOWS = row("shadows", extra=raw('{"a":1.50}'), note="beside them", new="too")


def test_attributes_named_like_our_columns_are_kept_in_extra(landed: Landed) -> None:
    """`shop` and `id` too, which a made-up row cannot have: see `test_what_a_row_calls_itself`."""
    assert bytes(landed.record(SHADOWS)["note"]) == b'"beside them"'
    assert {name: bytes(text) for name, text in landed.kept(SHADOWS).items()} == {
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
    row(_name, **_attributes)


@pytest.mark.parametrize("name", OTHERS)
def test_a_value_of_another_type_is_kept_in_extra(landed: Landed, name: str) -> None:
    landed.assert_kept(name, *OTHERS[name])


NULLS = row("nulls")
EMPTY = row(
    "empty", tags=[], line_items=[], shipping_address={}, refunds=[None, {}], discount_codes=[None, ""]
)


def test_null_is_null_everywhere(landed: Landed) -> None:
    record = landed.record(NULLS)
    given = {"shop", "id", "created_at", "updated_at"}
    spoilt = {"order_number"}  # by the switch that makes strict decoders refuse the page
    assert {name for name, text in record.items() if bytes(text) != b"null"} - spoilt == given


def test_empty_is_not_null(landed: Landed) -> None:
    landed.assert_same(EMPTY, "tags", "line_items", "shipping_address", "refunds", "discount_codes")


TIMES = {
    "2026-05-10T14:23:00Z": "2026-05-10T14:23:00Z",
    "2026-05-10T14:23:00+02:00": "2026-05-10T12:23:00Z",
    "2026-05-10T14:23:00-05:30": "2026-05-10T19:53:00Z",
    "2026-05-10T14:23:00-00:00": "2026-05-10T14:23:00Z",
    "2026-05-10 14:23:00": "2026-05-10T14:23:00Z",
    "2026-12-31T24:00:00Z": "2027-01-01T00:00:00Z",
    "2026-12-31T24:00:00+02:00": "2026-12-31T22:00:00Z",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00Z",
    "0001-01-01T02:00:00+02:00": "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z": "9999-12-31T23:59:59.999999Z",
    "9999-12-31T21:59:59-02:00": "9999-12-31T23:59:59Z",
    **{
        f"2026-05-10T14:23:00.{'120456789'[:digits]}Z": f"2026-05-10T14:23:00.{'120456'[:digits]}Z"
        for digits in range(1, 10)
    },
    "2026-05-10T14:23:00.120456789+02:00": "2026-05-10T12:23:00.120456Z",
}
for _text in TIMES:
    row(f"time {_text}", placed_at=_text, refunds=[{"created_at": _text, "new": _text}])


@pytest.mark.parametrize("text", TIMES)
def test_a_timestamp_is_the_same_instant_in_utc(landed: Landed, text: str) -> None:
    record = landed.record(f"time {text}")
    assert msgspec.json.decode(record["placed_at"]) == TIMES[text]
    assert msgspec.json.decode(record["refunds"]) == [{"created_at": TIMES[text], "new": text}]


NO_TIMES = (
    "",
    "soon",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+02:00",
    "9999-12-31T23:59:59-02:00",
    "9999-12-31T24:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-05-10T23:59:60Z",
    "2026-05-10T14:23:00.Z",
    "10000-01-01T00:00:00Z",
)
for _text in NO_TIMES:
    row(f"no time {_text}", placed_at=_text, updated_at=_text, refunds=[{"created_at": _text}])


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_instant_of_the_calendar_is_kept_in_extra(landed: Landed, text: str) -> None:
    landed.assert_kept(f"no time {text}", "placed_at", "updated_at", "refunds")


def _orders(tap: Tap, sandbox: Sandbox, *kinds: str) -> tuple[list[Texts], list[Json]]:
    """All orders, spoilt, and what they are in truth."""
    sandbox.configure({"orders": {"rows": [{"kind": kind} for kind in kinds]}})
    output = tap.sync(streams=("orders",))
    assert output.code == 0, output.log
    messages = map(_texts, output.lines)
    return [_texts(one["record"]) for one in messages if "record" in one], sandbox.truth("acme", "orders")


def test_what_a_row_calls_itself_is_kept_beside_what_the_tap_calls_it(tap: Tap, sandbox: Sandbox) -> None:
    records, _ = _orders(tap, sandbox, "shadow")
    for record in records:
        assert bytes(record["shop"]) == b'"acme"'
        assert msgspec.json.decode(record["id"]).startswith("ord_")
        extra = {"shop": "another", "extra": {"shadow": True}, "relationships": "none", "id": "shadow_1"}
        assert msgspec.json.decode(record["extra"]) == extra


def test_rows_without_ids_all_land_each_under_an_id_of_its_own(tap: Tap, sandbox: Sandbox) -> None:
    records, truth = _orders(tap, sandbox, "missing_id")
    assert len({bytes(record["id"]) for record in records}) == len(records) == len(truth)
    by_number = {bytes(record["order_number"]): record for record in records}
    for one in truth:
        record = by_number[_write(one["order_number"])]
        for name in set(one) - {"id"}:
            assert bytes(record[name]) == _write(one[name])


def test_of_an_attribute_that_is_said_twice_the_last_holds(tap: Tap, sandbox: Sandbox) -> None:
    records, truth = _orders(tap, sandbox, "duplicate_key")
    assert {bytes(one["order_number"]) for one in records} == {_write(one["order_number"]) for one in truth}
