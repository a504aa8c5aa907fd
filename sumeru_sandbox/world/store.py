"""The current rows of a shop: the generated ones, overlaid with everything written since."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from heapq import merge
from typing import TYPE_CHECKING, Any, NamedTuple

from sumeru_sandbox.spec.endpoints import REPLICATION_KEYS, TYPES
from sumeru_sandbox.spec.fields import FIELDS
from sumeru_sandbox.world.clock import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from sumeru_sandbox.world.clock import Clock
    from sumeru_sandbox.world.generated_shop import GeneratedShop

    Row = dict[str, Any]


_PARENTS = ("customer_id", "journey_id")


class ChildRows(NamedTuple):
    """The rows of a parent: generated ones, unless overwritten, and written ones."""

    generated: list[range]
    written: list[int]
    overwritten: Container[int]

    def indices(self) -> list[int]:
        """Return the indices of all rows."""
        unwritten = [index for rows in self.generated for index in rows if index not in self.overwritten]
        return unwritten + self.written


class Store:
    """The rows of one shop, by stream and index."""

    def __init__(self, generated: GeneratedShop, clock: Clock) -> None:
        self.generated = generated
        self.clock = clock
        self.version = 0
        self.reset()

    def reset(self) -> None:
        """Discard everything that was written."""
        self._written: dict[str, dict[int, Row | None]] = {stream: {} for stream in TYPES}
        self._new: dict[str, list[str]] = {stream: [] for stream in TYPES}
        self._new_indices: dict[str, dict[str, int]] = {stream: {} for stream in TYPES}
        self._sorted_written: dict[str, list[int]] = {}
        self._children: dict[tuple[str, str, object], set[int]] = {}
        self.version += 1

    def row_id(self, stream: str, index: int) -> str:
        """Return the id of a row."""
        first = self.generated.counts[stream]
        return self._new[stream][index - first] if index >= first else self.generated.row_id(stream, index)

    def row_index(self, stream: str, row_id: str) -> int | None:
        """Return the index of a row, deleted ones included; None if the id is unknown."""
        place = self._new_indices[stream].get(row_id)
        return self.generated.row_index(stream, row_id) if place is None else place

    def get(self, stream: str, index: int) -> Row | None:
        """Return the attributes of a row; None if it was deleted."""
        written = self._written[stream]
        return written[index] if index in written else self.generated.row(stream, index)

    def find(self, stream: str, row_id: str) -> tuple[int, Row] | None:
        """Return the index and attributes of a row by its id; None if it does not exist."""
        index = self.row_index(stream, row_id)
        row = None if index is None else self.get(stream, index)
        return None if index is None or row is None else (index, row)

    def written(self, stream: str) -> list[int]:
        """Return the indices of written rows that were not deleted, in order."""
        if stream not in self._sorted_written:
            rows = self._written[stream].items()
            self._sorted_written[stream] = sorted(index for index, row in rows if row is not None)
        return self._sorted_written[stream]

    def count(self, stream: str) -> int:
        """Return the number of rows."""
        deleted = sum(row is None for row in self._written[stream].values())
        return self.generated.counts[stream] + len(self._new[stream]) - deleted

    def next_index(self, stream: str) -> int:
        """Return the index of the next new row."""
        return self.generated.counts[stream] + len(self._new[stream])

    def indices(
        self, stream: str, after: int, generated: Sequence[range], written: list[int] | None = None
    ) -> Iterator[int]:
        """Yield the indices after `after` of generated rows without a write, and of written rows."""
        overwritten = self._written[stream]
        rest = self.written(stream) if written is None else written
        parts: list[Iterable[int]] = [
            rows[bisect_right(rows, after) :] for rows in generated if rows and rows[-1] > after
        ]
        unwritten: Iterable[int] = merge(*parts)
        if overwritten:
            unwritten = (index for index in unwritten if index not in overwritten)
        return merge(unwritten, rest[bisect_right(rest, after) :])

    def rows(self, stream: str) -> Iterator[tuple[int, Row]]:
        """Yield the rows that exist at the start, in order, each as it is when it is reached."""
        for index in array("q", self.indices(stream, -1, [range(self.generated.counts[stream])])):
            row = self.get(stream, index)
            if row is not None:
                yield index, row

    def last_row(self, stream: str) -> tuple[int, Row]:
        """Return the last row; at least one row is never deleted."""
        found = ((index, self.get(stream, index)) for index in range(self.next_index(stream) - 1, -1, -1))
        return next((index, row) for index, row in found if row is not None)

    def child_rows(self, stream: str, field: str, row_id: str) -> ChildRows:
        """Return the rows that belong to a customer or a journey."""
        children = self._children.get((stream, field, row_id), ())
        written = sorted(i for i in children if (self.get(stream, i) or {}).get(field) == row_id)
        index = self.generated.row_index("journeys" if field == "journey_id" else "customers", row_id)
        generated = [] if index is None else self.generated.child_rows(stream, field, index)
        return ChildRows(generated, written, self._written[stream])

    def put(self, stream: str, row_id: str | None, attributes: Row, at: float | None = None) -> str:
        """Create or change a row, now or at the time `at`; without a `row_id`, the next free id is used."""
        row_id = row_id or self.generated.row_id(stream, self.next_index(stream))
        index = self.row_index(stream, row_id)
        row = None if index is None else self.get(stream, index)
        now = format_timestamp(int(self.clock.time() if at is None else at))
        key = REPLICATION_KEYS[stream]
        dates = {key: now[:10] if key == "date" else now}
        if row is None:
            row = dict.fromkeys(FIELDS[stream])
            dates |= {"created_at": now} if "created_at" in row else {}
        if index is None:
            index = self.next_index(stream)
            self._new[stream].append(row_id)
            self._new_indices[stream][row_id] = index
        row = self._written[stream][index] = row | dates | attributes
        for field in _PARENTS:
            if field in row:
                self._children.setdefault((stream, field, row[field]), set()).add(index)
        self._invalidate(stream)
        return row_id

    def delete(self, stream: str, row_id: str) -> bool:
        """Delete a row; return whether it existed."""
        found = self.find(stream, row_id)
        if found:
            self._written[stream][found[0]] = None
            self._invalidate(stream)
        return found is not None

    def _invalidate(self, stream: str) -> None:
        self._sorted_written.pop(stream, None)
        self.version += 1
