"""Shapes pages into records.

The columnar path decodes a page in C and checks it column by column. The reference path handles any page, row
by row and value by value. Both return the same records; a test compares them for every stream.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from typing_extensions import override

from sumeru_api.json_values import decode
from sumeru_api.responses import Page, row_id
from sumeru_api.timestamps import Precision, real
from tap_sumeru.records.adaptive_decoder import AdaptiveDecoder, DecodedPage
from tap_sumeru.records.columnar import ColumnarPage, ReferencePathRequired
from tap_sumeru.records.record_builder import RecordBuilder, RowContext, canonical
from tap_sumeru.records.related import keep_unlinked, owner_of
from tap_sumeru.records.row_dates import coarsest, other_dates_of
from tap_sumeru.records.shaped_page import EMPTY_PAGE, ShapedPage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    import msgspec

    from sumeru_api.responses import Row
    from tap_sumeru.catalog.selection import StreamSelection
    from tap_sumeru.catalog.streams import StreamSpec


class RecordShaper:
    """Shapes the pages of one stream, for all shops.

    Args:
        spec: The stream.
        selection: What the catalog selects of it.
        key: Replication key.
        include: Related resources that are requested.
    """

    def __init__(
        self, spec: StreamSpec, selection: StreamSelection, key: str, include: tuple[str, ...] = ()
    ) -> None:
        self.key = key
        self.by_day = selection.properties.get(key, {}).get("format") == "date"
        """Whether the replication key is a date without a time."""
        self._precision = Precision.SECOND
        self._builder = RecordBuilder(spec, selection, key, include)
        self._decoder = AdaptiveDecoder(spec, selection, key, include) if selection.columnar else None

    def decode(self, body: bytes) -> DecodedPage | None:
        """Return the page in a response body for the columnar path; None if it needs the reference path.

        Raises:
            UnexpectedResponse: `pagination` contradicts itself.
        """
        return self._decoder.read(body) if self._decoder else None

    def shape_page(
        self,
        page: Page | DecodedPage,
        shop: str,
        parent: str | None = None,
        *,
        natural_key: bool = True,
        own_ids: bool = True,
    ) -> ShapedPage:
        """Return the records of a page.

        Args:
            page: The page.
            shop: Name of the shop.
            parent: Id of the parent row, for a child stream.
            natural_key: Whether a row without an id gets one from its natural key; if not, from its content.
            own_ids: Whether the ids of the API are used.
        """
        if not page.rows:
            return EMPTY_PAGE
        shaped = self._shape(page, RowContext(shop, parent, natural_key, own_ids))
        shaped.ignore_placeholders()
        return shaped

    def _shape(self, page: Page | DecodedPage, context: RowContext) -> ShapedPage:
        if isinstance(page, DecodedPage):
            try:
                if context.own_ids:
                    attributes = _Attributes(page, self._builder, context.parent)
                    return ColumnarPage(page, context.shop, context.parent, attributes.of_row)
            except ReferencePathRequired:
                pass
            page = page.parsed()
        shaped = _ReferencePage(page, self._builder, context)
        if self._decoder is not None:
            self._decoder.learn(page, shaped.mismatches)
        return shaped

    def is_coarser(self, precision: Precision) -> bool:
        """Return whether a replication key is coarser than those of all shops before."""
        coarser = precision.distance > self._precision.distance
        self._precision = precision if coarser else self._precision
        return coarser

    def timestamp(self, row: Row, page: Page, parent: str | None = None) -> datetime | None:
        """Return the replication key of a row, None if it is missing or no real timestamp."""
        return real(self._builder.peek(row, (page.included,), parent)[0])


class _Attributes:
    """The attributes of the rows of a decoded page; few rows of a page are ever parsed, each of them once."""

    def __init__(self, page: DecodedPage, builder: RecordBuilder, parent: str | None) -> None:
        self._page, self._builder, self._parent = page, builder, parent
        self._raw_rows: list[msgspec.Raw] = []
        self._parsed: dict[int, Row] = {}

    def of_row(self, index: int) -> Row:
        """Return the attributes of the row at an index."""
        if index not in self._parsed:
            self._raw_rows = self._raw_rows or self._page.raw_rows()
            row = decode(bytes(self._raw_rows[index]))
            self._parsed[index] = self._builder.peek(row, (), self._parent)[1]
        return self._parsed[index]


class _ReferencePage(ShapedPage):
    """The records of any page, built row by row."""

    def __init__(self, page: Page, builder: RecordBuilder, context: RowContext) -> None:
        self.mismatches = Counter()
        self.replaced = page.replaced
        included = [
            (page.included_of[i], page.included) if i in page.included_of else (page.included,)
            for i in range(len(page.rows))
        ]
        built = [
            builder.build(row, context, sources, self.mismatches)
            for row, sources in zip(page.rows, included, strict=True)
        ]
        self.records = [one.record for one in built]
        self.ids = [row_id(row) if context.own_ids else None for row in page.rows]
        self.timestamps = [one.timestamp for one in built]
        self.made_ids = {i: one.made_id for i, one in enumerate(built) if one.made_id is not None}
        self._attributes = [one.attributes for one in built]
        self.precision = coarsest(attributes.get(builder.key) for attributes in self._attributes)
        self._key = builder.key
        self._rows = page.rows
        self._keep_unlinked(page, builder)

    def _keep_unlinked(self, page: Page, builder: RecordBuilder) -> None:
        """Keep what the responses include and nothing links to in `extra`."""
        unlinked = {index: included.unlinked() for index, included in page.included_of.items()}
        for resource in page.included.unlinked():
            owner = owner_of(resource, self.ids, self.timestamps)
            unlinked.setdefault(owner, []).append(resource)
        for index, resources in unlinked.items():
            kept = [resource for resource in resources if builder.may_keep(resource)]
            keep_unlinked(self.records[index], kept)

    @property
    @override
    def identity(self) -> frozenset[int]:
        """A hash of what distinguishes the rows, in no order: without ids, all that they hold."""
        whole = None in self.ids
        return frozenset(hash(canonical(row)) for row in self._rows) if whole else super().identity

    @override
    def values(self, index: int, names: Sequence[str]) -> Sequence[object]:
        return [*map(self._attributes[index].get, names)]

    @override
    def names(self, index: int) -> Collection[str]:
        return self._attributes[index].keys()

    @override
    def other_dates(self, index: int) -> Iterator[datetime]:
        return other_dates_of(self._attributes[index], self._key)
