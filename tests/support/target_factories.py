"""Objects of the target for unit tests: settings, rows, ledger entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from target_sumeru.config.settings import Settings
from target_sumeru.input.rows import key_of
from target_sumeru.input.spool import SpooledRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from sumeru_api.errors import ApiError
    from target_sumeru.config.streams import TargetStream
    from target_sumeru.plan.items import Current

NOW = 1_800_000_000.0
"""The present of these tests, in Unix seconds."""
_encode = msgspec.json.Encoder(order="sorted").encode


def settings(**config: Any) -> Settings:
    """Return the settings of a config with one shop, acme."""
    return Settings.from_config({"api_token": "copt_test_x", "shop": "acme", **config})


def spooled(columns: str, values: Sequence[object], body: dict[str, Any], line: int = 1) -> SpooledRow:
    """Return a row of the spool, which is identified by some columns."""
    return SpooledRow(key_of(tuple(columns.split(",")), values), line, line, _encode(body), "", "")


class FakeLists:
    """The lists of a shop, in memory.

    Args:
        rows: The rows of every list.
        error: What reading fails with, None if it does not.
        page_size: Rows on a page.

    Attributes:
        read: Pages that were read.
    """

    def __init__(
        self, rows: Iterable[Current] = (), error: ApiError | None = None, page_size: int = 2
    ) -> None:
        self._rows = list(rows)
        self._error = error
        self._page_size = page_size
        self.read = 0

    async def pages(self, stream: TargetStream) -> AsyncIterator[list[Current]]:
        """Yield the rows in pages."""
        _ = stream
        if self._error is not None:
            raise self._error
        for start in range(0, len(self._rows), self._page_size):
            self.read += 1
            yield self._rows[start : start + self._page_size]

    def now(self) -> float:
        """Return the present."""
        return NOW
