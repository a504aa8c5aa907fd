"""Random shops in the sandbox: their rows, and the changes made to them between and during runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from sumeru_sandbox.spec.endpoints import REPLICATION_KEYS
from sumeru_sandbox.spec.fields import FIELDS
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from random import Random

    from sumeru_sandbox import Sandbox

Json = dict[str, Any]

DAY = 86400
_LETTERS = "ü€😀"
HISTORY = 90 * DAY
"""Age of the oldest rows, in seconds."""


def text_column(stream: str) -> str:
    """Return the name of a column that takes any text."""
    return next(
        name
        for name, attribute in FIELDS[stream].items()
        if attribute.schema["type"][0] == "string"
        and "format" not in attribute.schema
        and not name.endswith("_id")
    )


class RandomShops:
    """Rows of one stream in some shops of the sandbox, all drawn from one random generator.

    Args:
        draw: The random generator.
        sandbox: The sandbox.
        shops: Names of the shops.
        stream: Name of the stream.

    Attributes:
        shops: As above.
        stream: As above.
        key: The stream's replication key.
        keyless: Whether a row may lack its replication key.
        numbers: Numbers that are used once each.
    """

    def __init__(self, draw: Random, sandbox: Sandbox, shops: tuple[str, ...], stream: str) -> None:
        self._draw = draw
        self._sandbox = sandbox
        self._start = sandbox.now()
        self._ids: dict[tuple[str, str], list[str]] = {}
        self._children: dict[tuple[str, str], int] = {}
        self.shops = shops
        self.stream = stream
        self.key = REPLICATION_KEYS[stream]
        self.keyless = False
        self.numbers = count(1)

    def _chance(self, probability: float) -> bool:
        return self._draw.random() < probability

    def clear(self) -> None:
        """Delete all rows of the stream and of its parent stream."""
        for shop in self.shops:
            for stream in {self.stream, STREAMS[self.stream].parent} - {""}:
                for row in self._sandbox.truth(shop, stream):
                    self._sandbox.delete(shop, stream, row["id"])

    def fill(self) -> None:
        """Create the first rows of each shop."""
        for shop in self.shops:
            if STREAMS[self.stream].parent:
                for _ in range(self._draw.randint(1, 4)):
                    self._create(shop, "journeys")
            same = self._replication_value()
            for _ in range(self._draw.choice((0, 1, 3, 12, 25, 40))):
                at = same if self._chance(0.3) else self._replication_value()
                self._create(shop, self.stream, at)

    def timestamp(self, seconds: float) -> str:
        """Return the timestamp a number of seconds after the start, as the API writes it."""
        return (self._start + timedelta(seconds=int(seconds))).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _replication_value(self) -> str | None:
        if self.keyless and self._chance(0.1):
            return None
        at = -self._draw.randint(0, HISTORY)
        if self._chance(0.2):  # midnight, or a second before or after it
            at -= at % DAY + int(self._start.timestamp()) % DAY + self._draw.choice((-1, 0, 1))
        if self._chance(0.05):
            at = 400 * DAY
        text = self.timestamp(at)
        return text[:10] if self.key == "date" else text

    @property
    def date_columns(self) -> set[str]:
        """Names of the columns that hold dates."""
        return {name for name, one in FIELDS[self.stream].items() if "date" in one.schema.get("format", "")}

    def _other_dates(self, stream: str, at: str | None) -> Json:
        """Return the other dates of a row: equal to its replication key, earlier, or absent."""
        dates: Json = {}
        for name, attribute in FIELDS[stream].items():
            if attribute.schema.get("format") != "date-time" or name == REPLICATION_KEYS[stream]:
                continue
            kind = self._draw.choice(("none", "same", "before", "long before"))
            if kind != "none" and at is not None:
                moment = datetime.fromisoformat(at)
                days = {"same": 0.0, "before": 1.5, "long before": 60.0}[kind]
                dates[name] = (moment - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return dates

    def _create(self, shop: str, stream: str, at: str | None = "now") -> None:
        number = next(self.numbers)
        ident = f"{stream[:3]}_{number:04d}"
        parent = self._draw.choice(self._ids[shop, "journeys"]) if STREAMS[stream].parent else None
        now = self._sandbox.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        row = self._other_dates(stream, now if at == "now" else at)
        if at != "now":
            row[REPLICATION_KEYS[stream]] = at
        if parent:
            row["journey_id"] = parent
            children = self._children[shop, parent] = self._children.get((shop, parent), 0) + 1
            ident = f"{parent}#{children}"  # the API may show only what follows the mark
        row[text_column(stream)] = f"first {number} {_LETTERS}"
        self._sandbox.put(shop, stream, ident, **row)
        self._ids.setdefault((shop, stream), []).append(ident)

    def change(self) -> None:
        """Create, change or delete a row of a random shop, or let time pass."""
        shop = self._draw.choice(self.shops)
        kind = self._draw.choice(("create", "create parent", "change", "change", "delete", "wait"))
        ids = self._ids.setdefault((shop, self.stream), [])
        if kind == "create":
            self._create(shop, self.stream, None if self.keyless and self._chance(0.3) else "now")
        elif kind == "create parent":
            if STREAMS[self.stream].parent:
                self._create(shop, "journeys")
                self._create(shop, self.stream)
        elif kind == "wait":
            self._sandbox.advance(self._draw.choice((1, 60, 3600)))
        elif ids and kind == "change":
            changed = {text_column(self.stream): f"changed {next(self.numbers)} {_LETTERS}"}
            self._sandbox.put(shop, self.stream, self._draw.choice(ids), **changed)
        elif ids:
            self._sandbox.delete(shop, self.stream, ids.pop(self._draw.randrange(len(ids))))
