"""Log of the writes that were applied, by shop: one entry for each row."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple


class WrittenRow(NamedTuple):
    """A row that a write has changed.

    Attributes:
        stream: Its stream.
        kind: `create`, `update`, `bulk` or `launch`.
        id: Its id.
        at: Unix time by the sandbox's clock.
    """

    stream: str
    kind: str
    id: str
    at: float


class WriteLog:
    """Stores the writes that were applied since the last reset."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Discard all entries."""
        self._rows: dict[str, list[WrittenRow]] = {}

    def record(self, shop: str, rows: list[WrittenRow]) -> None:
        """Add the rows of one write."""
        self._rows.setdefault(shop, []).extend(rows)

    def rows(self, shop: str) -> list[WrittenRow]:
        """Return the rows that writes have changed, in order."""
        return list(self._rows.get(shop, ()))

    def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return how many rows were written, by shop, stream and kind of write."""
        counts: dict[str, dict[str, dict[str, int]]] = {}
        for shop, rows in self._rows.items():
            for (stream, kind), number in Counter((row.stream, row.kind) for row in rows).items():
                counts.setdefault(shop, {}).setdefault(stream, {})[kind] = number
        return counts
