"""What a shop holds now: the rows that it had to begin with, and over them all that was written since."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from heapq import merge
from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox.spec.endpoints import TYPES
from sumeru_sandbox.spec.fields import FIELDS
from sumeru_sandbox.world.clock import stamp
from sumeru_sandbox.world.date_patterns import REPLICATION_KEYS

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from sumeru_sandbox.world.clock import Clock
    from sumeru_sandbox.world.generated_shop import World

    Row = dict[str, Any]


_PARENTS = ("customer_id", "journey_id")


class Family(NamedTuple):
    """Rows under a parent: those computed, and those written, which are not to be computed again."""

    computed: list[range]
    written: list[int]
    over: Container[int]

    def indices(self) -> list[int]:
        """All of them."""
        untouched = [index for rows in self.computed for index in rows if index not in self.over]
        return untouched + self.written


class Store:
    """The rows of one shop, by stream and index."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.world = world
        self.clock = clock
        self.version = 0
        self.reset()

    def reset(self) -> None:
        """Forget all that was written."""
        self._written: dict[str, dict[int, Row | None]] = {stream: {} for stream in TYPES}
        self._new: dict[str, list[str]] = {stream: [] for stream in TYPES}
        self._places: dict[str, dict[str, int]] = {stream: {} for stream in TYPES}
        self._sorted: dict[str, list[int]] = {}
        self._kin: dict[tuple[str, str, object], set[int]] = {}
        self.version += 1

    def ident(self, stream: str, index: int) -> str:
        """The id of a row."""
        first = self.world.counts[stream]
        return self._new[stream][index - first] if index >= first else self.world.ident(stream, index)

    def index(self, stream: str, ident: str) -> int | None:
        """The index of a row that is or was there."""
        place = self._places[stream].get(ident)
        return self.world.index(stream, ident) if place is None else place

    def get(self, stream: str, index: int) -> Row | None:
        """The attributes of a row; nothing if it is gone."""
        written = self._written[stream]
        return written[index] if index in written else self.world.row(stream, index)

    def find(self, stream: str, ident: str) -> tuple[int, Row] | None:
        """A row by its id."""
        index = self.index(stream, ident)
        row = None if index is None else self.get(stream, index)
        return None if index is None or row is None else (index, row)

    def written(self, stream: str) -> list[int]:
        """Indices of the rows that were written and are still there, in order."""
        if stream not in self._sorted:
            self._sorted[stream] = sorted(i for i, row in self._written[stream].items() if row is not None)
        return self._sorted[stream]

    def count(self, stream: str) -> int:
        """How many rows there are."""
        gone = sum(row is None for row in self._written[stream].values())
        return self.world.counts[stream] + len(self._new[stream]) - gone

    def size(self, stream: str) -> int:
        """One more than the highest index that was ever used."""
        return self.world.counts[stream] + len(self._new[stream])

    def walk(
        self, stream: str, after: int, computed: Sequence[range], written: list[int] | None = None
    ) -> Iterator[int]:
        """Indices after the one given: of `computed` rows that nobody wrote, and of `written` rows."""
        over = self._written[stream]
        rest = self.written(stream) if written is None else written
        parts: list[Iterable[int]] = [
            rows[bisect_right(rows, after) :] for rows in computed if rows and rows[-1] > after
        ]
        untouched = (index for index in merge(*parts) if index not in over) if over else merge(*parts)
        return merge(untouched, rest[bisect_right(rest, after) :])

    def rows(self, stream: str) -> Iterator[tuple[int, Row]]:
        """All rows that are there at the start, in order, each as it is when its turn comes."""
        for index in array("q", self.walk(stream, -1, [range(self.world.counts[stream])])):
            row = self.get(stream, index)
            if row is not None:
                yield index, row

    def latest(self, stream: str) -> tuple[int, Row]:
        """The last row; there is always one that was never taken away."""
        found = ((index, self.get(stream, index)) for index in range(self.size(stream) - 1, -1, -1))
        return next((index, row) for index, row in found if row is not None)

    def family(self, stream: str, field: str, ident: str) -> Family:
        """The rows that belong to a customer or a journey."""
        kin = self._kin.get((stream, field, ident), ())
        written = sorted(i for i in kin if (self.get(stream, i) or {}).get(field) == ident)
        index = self.world.index("journeys" if field == "journey_id" else "customers", ident)
        computed = [] if index is None else self.world.family(stream, field, index)
        return Family(computed, written, self._written[stream])

    def put(self, stream: str, ident: str | None, attributes: Row, at: float | None = None) -> str:
        """Make a row, or change one, now or `at` a moment; without an `ident`, the next one is taken."""
        ident = ident or self.world.ident(stream, self.size(stream))
        index = self.index(stream, ident)
        row = None if index is None else self.get(stream, index)
        now = stamp(int(self.clock.time() if at is None else at))
        key = REPLICATION_KEYS[stream]
        stamps = {key: now[:10] if key == "date" else now}
        if row is None:
            row = dict.fromkeys(FIELDS[stream])
            stamps |= {"created_at": now} if "created_at" in row else {}
        if index is None:
            index = self.size(stream)
            self._new[stream].append(ident)
            self._places[stream][ident] = index
        row = self._written[stream][index] = row | stamps | attributes
        for field in _PARENTS:
            if field in row:
                self._kin.setdefault((stream, field, row[field]), set()).add(index)
        self._changed(stream)
        return ident

    def delete(self, stream: str, ident: str) -> bool:
        """Take a row away; whether it was there."""
        found = self.find(stream, ident)
        if found:
            self._written[stream][found[0]] = None
            self._changed(stream)
        return found is not None

    def _changed(self, stream: str) -> None:
        self._sorted.pop(stream, None)
        self.version += 1
