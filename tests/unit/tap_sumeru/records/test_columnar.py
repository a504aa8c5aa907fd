"""`raw`: whatever a page holds, decoding it into records gives what parsing it row by row gives."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tap_sumeru.records.rows import ParsedRows, Rows

from sumeru_api.errors import UnexpectedResponse
from sumeru_api.json_values import UndecodableError, decode
from sumeru_api.responses import Page, read_page
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.extract.filter_trust import FilterTrust
from tap_sumeru.extract.windows import Window
from tap_sumeru.records.adaptive_decoder import AdaptiveDecoder, DecodedPage
from tap_sumeru.records.columnar import ColumnarPage, rows_of
from tap_sumeru.records.record_builder import RecordBuilder
from tap_sumeru.state.bookmarks import Bookmark, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = datetime(2026, 5, 10, tzinfo=UTC)
WINDOW = Window(DAY, DAY + timedelta(days=2))

# Values as JSON text, so that what no Python object can hold is there too.
STRINGS = [
    '"Jane"', '""', r'"\u00e9\n\"\\"', '"é😀"', r'"\ud83d\ude00"', r'"\/"', '"null"', '"a,b"',
    '"487.20"', '"true"',
]  # fmt: skip
ODD_STRINGS = [*STRINGS, r'"\ud83d"', r'"\ude00x"', '"\u2028"', '"2026-05-10"']
TIMES = [
    '"2026-05-10T14:23:00.5Z"', '"2026-05-10T14:23:00.123456Z"', '"2026-05-10T14:23:00.1234567Z"',
    '"2026-05-10T14:23:00+02:00"', '"2026-05-10T14:23:00"', '"2026-05-10 14:23:00Z"',
    '"2026-05-10t14:23:00z"', '"2026-05-10"', '"2024-02-29T00:00:00Z"',
    '"2026-02-29T00:00:00Z"', '"2026-05-10T24:00:00Z"', '"soon"',
    r'"2026-05-10T14:23:0\u0030Z"', r'"2026-05-10T14:23:0\\u0030Z"', '"0000-01-01T00:00:00Z"', '"TZ"',
    '"9999-12-31T23:59:59Z"', '"2026-05-10T14:23:60Z"', '"2026-05-10T14:23:00.Z"',
    '"\uff12026-05-10T14:23:00Z"',
    '"0001-01-01T00:00:00+14:00"', '"2026-05-10T14:23:00Z\\n"', '"20260510T142300Z"',
]  # fmt: skip
NUMBERS = [
    "0", "-1", "487.20", "1e5", "1E+30", "-0.0", "1e-7", "1e400", "9223372036854775807",
    "9223372036854775808", "-9223372036854775807", "-9223372036854775808", "123456789012345678",
    "9" * 40, "1.0", "-1e0",
    "0.1234567890123456789012", "1e99999999999999999999",
]  # fmt: skip
SCALARS = [*ODD_STRINGS, *TIMES, *NUMBERS, "null", "true", "false"]
UNKNOWN = ['"new"', '"läuft"', '"type"', '"meta"', '"links"', r'"q\"x"', r'"a\ud83d"', '"touchpoints"', '""']
OURS = ['"id"', '"shop"', '"extra"', '"relationships"', r'"\u0069d"', '"attributes"']
PAGINATION = [
    '{"has_next":true,"next_cursor":"c2"}',
    '{"has_next":true,"next_cursor":1.50}',
    '{"has_next":true}',
    "null",
    "[]",
]


def joined(members: list[tuple[str, str]]) -> str:
    """Return an object of members; a name may be there twice."""
    return "{" + ",".join(f"{name}:{value}" for name, value in members) + "}"


@dataclass
class Case:
    """Pages of a stream, made up from a seed: the more than one, since the first one is learned from."""

    seed: int
    stream: str = ""
    unwanted: frozenset[str] = frozenset()
    parent: str | None = None
    bodies: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - for test data
        self._oddness = self._random.choice([0.0, 0.0, 0.02, 0.2])
        self.stream = self._random.choice(
            ["customers", "orders", "attribution", "enrollments", "products", "usage"]
        )
        self._spec, properties = STREAMS[self.stream], stream_schemas.load(self.stream)["properties"]
        self._declared = {
            name: one for name, one in properties.items() if name not in stream_schemas.OWN_COLUMNS
        }
        self.parent = "jrn_1" if self._spec.parent else None
        own = {self._spec.replication_key, self._spec.parent_column}
        choices = [[], ["extra"], ["shop", "id", "relationships"], self._some(self._declared)]
        self.unwanted = frozenset(self._random.choice(choices)) - own
        self._names = self._some(self._declared)
        self._steady = self._random.sample(UNKNOWN, self._random.choice([0, 0, 1, 2]))
        self._misfits = self._random.sample(
            self._names, min(len(self._names), self._random.choice([0, 0, 1]))
        )
        self.bodies = [self._body() for _ in range(self._random.randint(1, 3))]

    def _some(self, names: Any) -> list[str]:
        return self._random.sample(sorted(names), self._random.randint(0, len(names)))

    def _odd(self) -> bool:
        return self._random.random() < self._oddness

    def _many(self, one: Callable[[], Any], most: int) -> list[Any]:
        return [one() for _ in range(self._random.randint(0, most))]

    def _anything(self, depth: int = 0) -> str:
        kind = self._random.randrange(8 if depth < 3 else 6)
        if kind == 6:
            return "[" + ",".join(self._many(lambda: self._anything(depth + 1), 3)) + "]"
        if kind == 7:
            names = [*ODD_STRINGS, *UNKNOWN, *OURS]
            return joined(self._many(lambda: (self._random.choice(names), self._anything(depth + 1)), 3))
        return self._random.choice(SCALARS)

    def _value(self, schema: dict[str, Any]) -> str:
        """Return a value of the type that a schema allows; now and then another."""
        if self._odd():
            return self._anything()
        kind = next(one for one in schema["type"] if one != "null")
        if self._random.random() < 0.1:
            return "null"
        if kind == "array":
            items = schema.get("items") or {"type": ["number"]}
            return "[" + ",".join(self._many(lambda: self._value(items), 3)) + "]"
        if kind == "object":
            members = [
                (json.dumps(name), self._value(one)) for name, one in schema.get("properties", {}).items()
            ]
            if self._odd():
                members.append((self._random.choice(['"attributes"', *UNKNOWN]), self._anything()))
            return joined(self._random.sample(members, len(members)))
        if kind == "string" and schema.get("format"):
            day = f"2026-05-{self._random.randint(6, 15):02d}"
            return (
                f'"{day}"'
                if schema["format"] == "date"
                else f'"{day}T{self._random.choice([0, 9, 23]):02d}:00:00Z"'
            )
        usual = {
            "string": STRINGS,
            "number": NUMBERS[:3],
            "integer": NUMBERS[:2],
            "boolean": ["true", "false"],
        }
        return self._random.choice(usual[kind])

    def _row(self) -> str:
        names = [*self._names, self._spec.replication_key] if self._random.random() < 0.9 else self._names
        attributes = [
            (
                json.dumps(name),
                self._anything() if name in self._misfits else self._value(self._declared[name]),
            )
            for name in names
        ]
        attributes += [(name, self._anything()) for name in self._steady if self._random.random() < 0.8]
        members = [
            ('"type"', json.dumps(self._spec.resource)),
            ('"id"', self._random.choice(['"one"', '"two"', '"1"'])),
        ]
        if self._odd():
            members[1] = ('"id"', self._anything())
        related = '{"touchpoints":{"data":[{"type":"touchpoint","id":"t1"}]},"orders":null}'
        links = ["null", "{}", '{"orders":{"links":{}}}', related]
        members.append(('"relationships"', self._anything() if self._odd() else self._random.choice(links)))
        for holder in (attributes, members):
            while self._odd():
                names = [*map(json.dumps, self._declared), *UNKNOWN, *OURS]
                holder.append((self._random.choice(names), self._anything()))
        members += attributes if self._odd() else [('"attributes"', joined(attributes))]
        return joined(self._random.sample(members, len(members) - self._odd()))

    def _body(self) -> bytes:
        rows = "[" + ",".join(self._many(self._row, 4)) + "]"
        page = [('"data"', self._anything() if self._odd() else rows)]
        page.append(('"pagination"', self._random.choice(PAGINATION[: 5 if self._odd() else 1])))
        if self._odd():
            page.append(('"included"', '[{"type":"touchpoint","id":"t1","attributes":{"channel":"email"}}]'))
        whole = joined(self._random.sample(page, len(page)))
        if self._odd():
            whole = whole.replace(",", " ,\n").replace("{", "{\r\n ") + "\n"
        body = whole.encode()
        return body.replace("é".encode(), b"\xff") if self._odd() else body


def exact(record: object) -> Any:
    """Return a record as a target reads it, with the letters of its numbers."""
    line = msgspec.json.Encoder(decimal_format="number", enc_hook=str).encode(record)
    assert not {b"\n", b"\r"} & set(line.splitlines(keepends=True))
    return json.loads(
        line.decode(), parse_float=lambda text: ("number", text), parse_int=lambda text: ("number", text)
    )


def saying(rows: Rows) -> list[object]:
    """Return what the rows say of a filter that was proven, of one that was not, and who can bear witness."""
    said: list[object] = []
    for before in (Verdict.PROVEN, Verdict.UNPROVEN):
        for whole in (True, False):
            bookmark = Bookmark({}, "updated_at", ("from", "to"))
            bookmark.verdict = before
            held = FilterTrust(bookmark, usable=True).verify(WINDOW.reach, rows, whole=whole)
            said.append((held, bookmark.verdict))
    trust = FilterTrust(Bookmark({}, "updated_at", ("from", "to")), usable=True)
    trust.seek_witness(DAY + timedelta(days=4))
    trust.look(rows, None)
    witness = trust.call_witness()
    return [*said, witness and (witness.window, witness.found)]


def reference(body: bytes) -> Page | str:
    """Return the page, or the error that it is."""
    try:
        return read_page(decode(body))
    except (UnexpectedResponse, UndecodableError) as error:
        return str(error)


def compare(case: Case) -> Counter[str]:
    """Hold both ways of reading against each other; return how many pages took which way."""
    spec, properties = STREAMS[case.stream], stream_schemas.load(case.stream)["properties"]
    selected = [name for name in properties if name not in case.unwanted]
    layouts = AdaptiveDecoder(spec, properties, selected, spec.replication_key, spec.include)
    arguments = (spec, properties, selected, spec.replication_key, spec.include)
    one, other = RecordBuilder(*arguments, layouts=layouts), RecordBuilder(*arguments)
    ways: Counter[str] = Counter()
    for body in case.bodies:
        expected = reference(body)
        page: DecodedPage | Page | str | None
        try:
            page = layouts.read(body)
        except UnexpectedResponse as error:
            page = str(error)
        page = expected if page is None else page
        if isinstance(page, str) or isinstance(expected, str):
            assert page == expected
            continue
        assert page.next_cursor == expected.next_cursor
        rows = rows_of(page, one, "acme", case.parent)
        parsed = ParsedRows(expected, other, "acme", case.parent)
        assert list(map(exact, rows.records)) == list(map(exact, parsed.records))
        assert list(rows.instants) == list(parsed.instants)
        assert one.drift == other.drift
        assert saying(rows) == saying(parsed)
        ways[type(rows).__name__] += 1
    return ways


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_page_gives_the_same_whichever_way_it_is_read(seed: int) -> None:
    compare(Case(seed))


def test_pages_take_either_way() -> None:
    ways = sum((compare(Case(seed)) for seed in range(100)), Counter())
    assert ways[ColumnarPage.__name__] > 20
    assert ways[ParsedRows.__name__] > 20


@pytest.mark.parametrize(
    ("columns", "value"),
    [
        *((("created_at", "updated_at", "first_order_at", "last_order_at"), value) for value in TIMES),
        *((("total_spent", "orders_count"), value) for value in NUMBERS),
    ],
)
def test_columns_whose_values_all_have_one_form_are_read_as_one_by_one(
    columns: tuple[str, ...], value: str
) -> None:
    attributes = joined([(json.dumps(name), value) for name in columns])
    rows = ",".join(f'{{"type":"customer","id":"c{i}","attributes":{attributes}}}' for i in range(3))
    case = Case(0)
    case.stream, case.unwanted, case.parent = "customers", frozenset(), None
    case.bodies = [f'{{"data":[{rows}],"pagination":{PAGINATION[0]}}}'.encode()] * 2
    compare(case)
