"""Random pages of any stream: most are as documented, some contain errors."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.column_types import FORMATS
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

# Values are JSON text, because some of them have no Python equivalent.
STRINGS = [
    '"Jane"', '""', r'"\u00e9\n\"\\"', '"é😀"', r'"\ud83d\ude00"', r'"\/"', '"null"', '"a,b"',
    '"487.20"', '"true"',
]  # fmt: skip
ODD_STRINGS = [*STRINGS, r'"\ud83d"', r'"\ude00x"', '"\u2028"', '"2026-05-10"']
TIMESTAMPS = [
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
SCALARS = [*ODD_STRINGS, *TIMESTAMPS, *NUMBERS, "null", "true", "false"]
UNKNOWN = ['"new"', '"läuft"', '"type"', '"meta"', '"links"', r'"q\"x"', r'"a\ud83d"', '"touchpoints"', '""']
OURS = ['"id"', '"shop"', '"extra"', '"relationships"', r'"\u0069d"', '"attributes"']
RETYPED = [["string"], ["number"], ["integer"], ["boolean"], ["object"], ["array"], ["string", "integer"]]
PAGINATION = [
    '{"has_next":true,"next_cursor":"c2"}',
    '{"has_next":true,"next_cursor":1.50}',
    '{"has_next":true}',
    "null",
    "[]",
]


def object_of(members: list[tuple[str, str]]) -> str:
    """Return a JSON object with these members; a name may occur twice."""
    return "{" + ",".join(f"{name}:{value}" for name, value in members) + "}"


class RandomPages:
    """Pages of one stream and a random selection of its columns, drawn from a seed.

    There may be several pages, because the columnar path adapts to pages that do not fit.

    Args:
        stream: Name of the stream.
        seed: Seed.

    Attributes:
        stream: As above.
        selection: The selected columns of the stream.
        key: Replication key.
        include: Related resources that are requested.
        parent: Id of the parent of the rows, None if the stream has no parents.
        bodies: The bodies of the responses.
    """

    def __init__(self, stream: str, seed: int) -> None:
        self.stream = stream
        self._random = Random(seed)  # noqa: S311 - for test data
        self._oddness = self._random.choice([0.0, 0.0, 0.02, 0.2])
        self._spec, properties = STREAMS[stream], stream_schemas.load(stream)["properties"]
        self._declared = {
            name: one for name, one in properties.items() if name not in stream_schemas.OWN_COLUMNS
        }
        self.parent = "jrn_1" if self._spec.parent else None
        self.key = self._spec.replication_key
        if self._odd():
            self.key = self._random.choice([*self._declared, "new"])
        choices = [[], ["extra"], ["shop", "id", "relationships"], self._some(self._declared)]
        deselected = set(self._random.choice(choices))
        if not self._odd():
            deselected -= {self.key, self._spec.parent_column}
        columns = tuple(name for name in properties if name not in deselected)
        retyped = self._retype(properties) if self._random.random() < 0.3 else set()
        columns += tuple(name for name in properties if name not in columns and name in retyped)
        hidden = {*deselected, *self._some(["new", "meta", "type", "tier", *self._declared])}
        protected = self._random.choice([frozenset[str](), frozenset(deselected), frozenset(hidden)])
        self.selection = StreamSelection(
            stream, properties, columns, protected=protected, retyped=frozenset(retyped)
        )
        self.include = tuple(name for name in self._spec.include if name not in deselected)
        self._names = self._some(self._declared)
        self._unknown = self._random.sample(UNKNOWN, self._random.choice([0, 0, 1, 2]))
        self._mistyped = self._random.sample(
            self._names, min(len(self._names), self._random.choice([0, 0, 1]))
        )
        self.bodies = [self._body() for _ in range(self._random.randint(1, 3))]

    def _retype(self, properties: dict[str, Any]) -> set[str]:
        """Give columns other types and add some, as a catalog may; return their names."""
        fixed = {*stream_schemas.OWN_COLUMNS, self.key, self._spec.replication_key, self._spec.parent_column}
        known = self._random.sample(sorted(properties.keys() - fixed), 2)
        added = self._random.sample(["new", "meta", "touchpoints", "läuft"], self._random.randint(0, 2))
        retyped = {name for name in (*known, *added) if name not in fixed}
        for name in sorted(retyped):
            properties[name] = {"type": [*self._random.choice(RETYPED), "null"]}
            if properties[name]["type"][0] == "string" and self._random.random() < 0.3:
                properties[name]["format"] = self._random.choice(FORMATS)
        return retyped

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
            return object_of(self._many(lambda: (self._random.choice(names), self._anything(depth + 1)), 3))
        return self._random.choice(SCALARS)

    def _value(self, schema: dict[str, Any]) -> str:
        """Return a value of a type that the schema allows, rarely of another."""
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
            return object_of(self._random.sample(members, len(members)))
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
                self._anything() if name in self._mistyped else self._value(self._declared[name]),
            )
            for name in names
        ]
        attributes += [(name, self._anything()) for name in self._unknown if self._random.random() < 0.8]
        members = [
            ('"type"', json.dumps(self._spec.resource)),
            ('"id"', self._random.choice(['"one"', '"two"', '"1"'])),
        ]
        if self._odd():
            members[1] = ('"id"', self._anything())
        related = '{"touchpoints":{"data":[{"type":"touchpoint","id":"t1"}]},"orders":null}'
        embedded = '{"note":{"data":{"id":"1","attributes":{"ti\\u0065r":1,"new":2}}},"meta":{}}'
        links = ["null", "{}", '{"orders":{"links":{}}}', related, embedded]
        members.append(('"relationships"', self._anything() if self._odd() else self._random.choice(links)))
        for holder in (attributes, members):
            while self._odd():
                names = [*map(json.dumps, self._declared), *UNKNOWN, *OURS]
                holder.append((self._random.choice(names), self._anything()))
        members += attributes if self._odd() else [('"attributes"', object_of(attributes))]
        return object_of(self._random.sample(members, len(members) - self._odd()))

    def _body(self) -> bytes:
        rows = "[" + ",".join(self._many(self._row, 4)) + "]"
        page = [('"data"', self._anything() if self._odd() else rows)]
        page.append(('"pagination"', self._random.choice(PAGINATION[: 5 if self._odd() else 1])))
        if self._odd():
            page.append(('"included"', '[{"type":"touchpoint","id":"t1","attributes":{"channel":"email"}}]'))
        whole = object_of(self._random.sample(page, len(page)))
        if self._odd():
            whole = whole.replace(",", " ,\n").replace("{", "{\r\n ") + "\n"
        body = whole.encode()
        return body.replace("é".encode(), b"\xff") if self._odd() else body
