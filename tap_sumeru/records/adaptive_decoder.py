"""Adaptive decoder: decodes pages in C with a layout, and extends the layout by the fields that pages have.

A page that does not fit the layout goes through `record_builder`, and the decoder learns its fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from sumeru_api.embedded_errors import raise_if_failed
from sumeru_api.json_values import decode, decode_counting
from sumeru_api.pagination import next_cursor
from sumeru_api.paging_hints import stated_total
from sumeru_api.responses import Page, check_end, read_page
from tap_sumeru.catalog.stream_schemas import OWN_COLUMNS
from tap_sumeru.records.layouts import Layout, build_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.catalog.streams import StreamSpec

_MAX_LEARNED = 64
"""Unknown fields that a layout may learn, in addition to as many as the schema has properties in a layout."""
_ENVELOPE = frozenset({"id", "type", "attributes", "relationships"})
_NOTHING = (b"[]", b"null")
_DOCUMENTED_PAGING = frozenset({"next_cursor", "has_next"})


@dataclass(frozen=True, slots=True)
class DecodedPage:
    """A page that a layout has decoded.

    Attributes:
        layout: The layout.
        rows: The rows, as structs of the layout.
        next_cursor: Cursor of the next page, None on the last one.
        body: The response body.
        total: How many rows the list has, as the response says, 0 if it does not.
    """

    layout: Layout
    rows: list[Any]
    next_cursor: str | None
    body: bytes
    total: int = 0

    def parsed(self) -> Page:
        """Return the page, decoded without a layout."""
        content, replaced = decode_counting(self.body)
        page = read_page(content)
        page.replaced = replaced
        return page

    def raw_rows(self) -> list[msgspec.Raw]:
        """Return the JSON of each row."""
        return _raw_rows.decode(self.body).data


class _RawRows(msgspec.Struct):
    data: list[msgspec.Raw]


_raw_rows = msgspec.json.Decoder(_RawRows)
_pagination = lru_cache(decode)  # always the same on a last page; never changed


class AdaptiveDecoder:
    """Decodes the pages of one stream. Only one thread may use it.

    Args:
        spec: The stream.
        selection: What the catalog selects of it.
        key: Replication key.
        include: Related resources that are requested.
    """

    def __init__(
        self, spec: StreamSpec, selection: StreamSelection, key: str, include: tuple[str, ...] = ()
    ) -> None:
        self._spec = spec
        self._properties = properties = selection.properties
        self._selected = tuple(name for name in properties if name in selection.columns)
        self._retyped = selection.retyped
        self._protected = selection.protected
        self._known = frozenset(properties) | selection.protected
        self._include = include
        self._key = key
        self._mismatched: set[str] = set()
        self._unknown_attributes: dict[str, None] = {}
        self._unknown_members: dict[str, None] = {}
        self._envelope: dict[str, None] = {}
        required = {key, *include, *([spec.parent_column] if spec.parent else ())}
        # The columnar path reads the replication key, the parent and related resources from the columns.
        self._usable = required <= set(self._selected) and properties[key].get("format") == "date-time"
        self._layout = self._build()

    def read(self, body: bytes) -> DecodedPage | None:
        """Return the page in a response body, None if it does not fit the layout.

        Raises:
            EmbeddedError: The response says that the request failed.
            UnexpectedResponse: `pagination` contradicts itself, or what stands beside it.
        """
        if not self._usable:
            return None
        layout = self._layout
        try:
            body = body.strip()
            if b"\n" in body or b"\r" in body:  # raw values must not contain the newline that ends a message
                body = msgspec.json.format(body, indent=-1)
            decoded = layout.decoder.decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None
        if decoded.included is not UNSET and bytes(decoded.included) not in _NOTHING:
            return None
        pagination = _pagination(bytes(decoded.pagination))
        if not pagination or decoded.error is not UNSET or decoded.errors is not UNSET:
            return None  # only a closer look tells whether the page is the last one, or an error
        cursor = next_cursor(pagination)
        total = 0
        if layout.envelope or not pagination.keys() <= _DOCUMENTED_PAGING:
            total = self._check_envelope(decoded, layout, pagination, cursor)
        return DecodedPage(layout, decoded.data, cursor, body, total)

    @staticmethod
    def _check_envelope(decoded: Any, layout: Layout, pagination: dict[str, Any], cursor: str | None) -> int:  # noqa: ANN401 - a struct
        """Make sure that nothing beside the rows says that the request failed, or that more rows follow.

        Returns:
            How many rows the list has, as the response says, 0 if it does not.
        """
        given = ((name, getattr(decoded, field)) for field, name in layout.envelope.items())
        content = {name: decode(bytes(raw)) for name, raw in given if raw is not UNSET}
        content["pagination"] = pagination
        raise_if_failed(content)
        check_end(content, cursor)
        return stated_total(content)

    def learn(self, page: Page, mismatches: Mapping[str, int]) -> None:
        """Extend the layout by what a page that did not fit has.

        Args:
            page: The page.
            mismatches: Columns with values of another type.
        """
        if not self._usable:
            return
        before = self._learned()
        self._add_names(self._envelope, page.members)
        for row in page.rows:
            if isinstance(row.get("attributes"), dict):
                self._add_names(self._unknown_attributes, row["attributes"])
                self._add_names(self._unknown_members, row.keys() - _ENVELOPE - self._properties.keys())
        self._mismatched |= mismatches.keys() & set(self._selected)
        if before != self._learned():
            self._layout = self._build()

    def _learned(self) -> tuple[int, ...]:
        learned = self._unknown_attributes, self._unknown_members, self._mismatched, self._envelope
        return tuple(map(len, learned))

    def _add_names(self, learned: dict[str, None], names: Iterable[str]) -> None:
        for name in names:
            if len(learned) < _MAX_LEARNED + len(self._properties) and self._may_learn(name):
                learned[name] = None

    def _may_learn(self, name: str) -> bool:
        unescaped = not any(letter in '"\\' or letter < " " for letter in name)
        return unescaped and not (name in OWN_COLUMNS or name in self._selected or name in self._include)

    def _build(self) -> Layout:
        columns = (
            build_column(
                name,
                f"c{i}",
                self._properties[name],
                singly=name in self._mismatched,
                retyped=name in self._retyped,
                related=name in self._include,
            )
            for i, name in enumerate(self._selected)
            if name not in OWN_COLUMNS
        )
        return Layout(
            tuple(columns),
            OWN_COLUMNS & set(self._selected),
            {f"o{i}": name for i, name in enumerate(self._unknown_attributes)},
            {f"b{i}": name for i, name in enumerate(self._unknown_members)},
            self._known,
            self._key,
            self._spec.parent_column,
            self._protected,
            {f"e{i}": name for i, name in enumerate(self._envelope)},
        )
