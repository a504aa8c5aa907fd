"""Pages decoded in C by a layout: looked at a column at a time, and written without being parsed.

What this gives is what `records` gives for the same page; a page of which that is not certain is left to
`records`, and what was unexpected about it is learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from sumeru_api.json_values import decode
from sumeru_api.pagination import next_cursor
from sumeru_api.responses import Page, read_page
from tap_sumeru.catalog.stream_schemas import OWN_COLUMNS, Schema
from tap_sumeru.records.layouts import Layout, column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_sumeru.catalog.streams import StreamSpec

_MOST_LEARNED = 64
"""Fields that no schema knows and a layout learns, at most."""
_ENVELOPE = frozenset({"id", "type", "attributes", "relationships"})


@dataclass(frozen=True, slots=True)
class DecodedPage:
    """The rows of one answer, as a layout decodes them.

    Attributes:
        layout: The layout.
        rows: The rows.
        next_cursor: Cursor of the next page, or None on the last.
        body: The answer.
    """

    layout: Layout
    rows: list[Any]
    next_cursor: str | None
    body: bytes

    def parsed(self) -> Page:
        """Return the page as it is without a layout."""
        return read_page(decode(self.body))


class AdaptiveDecoder:
    """The layout of one stream, which grows with what its pages turn out to hold. One thread learns.

    Args:
        spec: The stream.
        properties: The properties of its schema.
        selected: The columns that are wanted.
        key: Replication key.
        include: Related resources that were asked for.
    """

    def __init__(
        self,
        spec: StreamSpec,
        properties: Mapping[str, Schema],
        selected: Sequence[str],
        key: str,
        include: tuple[str, ...] = (),
    ) -> None:
        self._spec = spec
        self._properties = properties
        self._selected = tuple(name for name in properties if name in selected)
        self._include = include
        self._wary: set[str] = set()
        self._others: dict[str, None] = {}
        self._beside: dict[str, None] = {}
        self._key = key
        names = {key, *include, *([spec.parent_column] if spec.parent else ())}
        # Without these the rows cannot be dated, completed or told to whom they belong.
        self._usable = names <= set(self._selected) and properties[key].get("format") == "date-time"
        self._layout = self._build()

    def read(self, body: bytes) -> DecodedPage | None:
        """Return the page in an answer, or None if it must be read by `pages`.

        Raises:
            UnexpectedResponse: Its paging contradicts itself.
        """
        if not self._usable:
            return None
        layout = self._layout
        try:
            body = body.strip()
            if b"\n" in body or b"\r" in body:  # what is written ends with the first of them
                body = msgspec.json.format(body, indent=-1)
            answer = layout.decoder.decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
        if self._include and answer.included is not UNSET:
            return None
        return DecodedPage(layout, answer.data, next_cursor(decode(bytes(answer.pagination))), body)

    def learn(self, page: Page, drifted: Mapping[str, int]) -> None:
        """Learn from a page that did not fit: what it holds, and which columns had values of another type."""
        if not self._usable:
            return
        before = len(self._others), len(self._beside), len(self._wary)
        for row in page.rows:
            if isinstance(row.get("attributes"), dict):
                self._learn_names(self._others, row["attributes"])
                self._learn_names(self._beside, row.keys() - _ENVELOPE - self._properties.keys())
        self._wary |= drifted.keys() & set(self._selected)
        if before != (len(self._others), len(self._beside), len(self._wary)):
            self._layout = self._build()

    def _learn_names(self, learned: dict[str, None], names: Iterable[str]) -> None:
        for name in names:
            if len(learned) < _MOST_LEARNED + len(self._properties) and self._may_learn(name):
                learned[name] = None

    def _may_learn(self, name: str) -> bool:
        plain = not any(letter in '"\\' or letter < " " for letter in name)
        return plain and name not in OWN_COLUMNS and name not in self._selected and name not in self._include

    def _build(self) -> Layout:
        columns = [
            column(
                name,
                f"c{i}",
                self._properties[name],
                wary=name in self._wary,
                related=name in self._include,
            )
            for i, name in enumerate(self._selected)
            if name not in OWN_COLUMNS
        ]
        return Layout(
            tuple(columns),
            OWN_COLUMNS & set(self._selected),
            {f"o{i}": name for i, name in enumerate(self._others)},
            {f"b{i}": name for i, name in enumerate(self._beside)},
            frozenset(self._properties),
            self._key,
            self._spec.parent_column,
        )
