"""Fast path to records (see shaping.py): checks each column of a page as a whole, single values if needed."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw
from typing_extensions import override

from sumeru_api import timestamps
from sumeru_api.json_values import decode
from tap_sumeru.records.extra import keep, without
from tap_sumeru.records.layouts import Check
from tap_sumeru.records.row_dates import coarsest, other_dates_of
from tap_sumeru.records.shaped_page import ShapedPage
from tap_sumeru.records.type_checks import TypeMismatch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from sumeru_api.responses import Row
    from tap_sumeru.records.adaptive_decoder import DecodedPage
    from tap_sumeru.records.layouts import Column

_LONG_NUMBER = b"0" * 19
"""A number with this many digits may not fit 63 bits."""

_TIMESTAMP_LENGTH = len('"2026-05-10T14:23:00Z",')
_NULL_LENGTH = len("null,")


def _translation(allowed: bytes) -> bytes:
    """Return a table for `bytes.translate` that maps digits to 0 and bytes that are not allowed to x."""
    mapped = (byte if byte in allowed else ord("x") for byte in range(256))
    return bytes(ord("0") if i in b"0123456789" else byte for i, byte in enumerate(mapped))


# JSON of these bytes consists of numbers and null only.
_TRANSLATIONS = {
    Check.NUMBERS: _translation(b"-+.eEnul,"),
    Check.INTEGERS: _translation(b"-nul,"),
}
_encode = msgspec.json.Encoder().encode
_decode_timestamps = msgspec.json.Decoder(list[datetime | None]).decode


class ReferencePathRequired(Exception):
    """A decoded page that the columnar path cannot handle."""


class ColumnarPage(ShapedPage):
    """The records of a decoded page.

    Args:
        page: The page.
        shop: Name of the shop.
        parent: Id of the parent row, for a child stream.
        attributes: Returns the parsed attributes of a row; called only if they are needed.

    Raises:
        ReferencePathRequired: The columnar path cannot handle the page.
    """

    def __init__(
        self, page: DecodedPage, shop: str, parent: str | None, attributes: Callable[[int], Row]
    ) -> None:
        self._page = page
        self._layout = page.layout
        self._attributes = attributes
        self.records: list[Any] = [row.attributes for row in page.rows]
        self.mismatches: Counter[str] = Counter()
        self.ids = [row.id for row in page.rows]
        self._extra: dict[int, dict[str, Any]] = defaultdict(dict)
        if parent is not None:
            self._set_parent(parent)
        self._check_related()
        self._all_timestamps: list[datetime | None] = []
        self.timestamps = self._check_timestamps(self._layout.checked_by(Check.TIMESTAMPS))
        self._check_numbers(Check.NUMBERS)
        self._check_numbers(Check.INTEGERS)
        for column in self._layout.checked_by(Check.NESTED):
            if not (column.related or self._has_type(column)):  # related ones are checked above
                self._check_singly(column)
        for column in self._layout.checked_by(Check.SINGLY):
            self._check_singly(column)
        self._collect_unknown(self._layout.unknown_members, self._page.rows)
        self._collect_unknown(self._layout.unknown_attributes, self.records)
        self._fill_own_columns(shop)

    @override
    def values(self, index: int, names: Sequence[str]) -> Sequence[object]:
        fields = self._layout.decoded
        if all(name in fields for name in names):
            return [getattr(self.records[index], fields[name]) for name in names]
        return [*map(self._attributes(index).get, names)]

    @override
    def names(self, index: int) -> Collection[str]:
        return self._attributes(index).keys()

    @override
    def other_dates(self, index: int) -> Iterator[datetime]:
        """Yield all dates of a row except its replication key, and first those that are parsed already."""
        key, columns = self._layout.key, self._layout.checked_by(Check.TIMESTAMPS)
        parsed = self._all_timestamps[index * len(columns) : (index + 1) * len(columns)]
        for column, timestamp in zip(columns, parsed, strict=False):
            if column.name != key and timestamp is not None:
                yield timestamp
        yield from other_dates_of(self._attributes(index), key)

    @property
    @override
    def identity(self) -> frozenset[int]:
        """A hash of what distinguishes the rows: texts are hashed faster than timestamps."""
        key = self._layout.column(self._layout.key)
        if key.type is Raw:
            return super().identity
        return frozenset(map(hash, zip(self.ids, self._values(key), strict=True)))

    def _values(self, column: Column) -> list[Any]:
        return list(map(attrgetter(column.field), self.records))

    def _all_values(self, columns: Iterable[Column]) -> list[Any]:
        """Return the values of columns, record by record."""
        fields = [column.field for column in columns]
        if not fields:
            return []
        values = map(attrgetter(*fields), self.records)
        return list(chain.from_iterable(values) if len(fields) > 1 else values)

    def _set_parent(self, parent: str) -> None:
        column = self._layout.column(self._layout.parent_column)
        if column.type is Raw or any(value not in (None, parent) for value in self._values(column)):
            raise ReferencePathRequired
        for record in self.records:
            setattr(record, column.field, parent)

    def _check_related(self) -> None:
        for column in self._layout.columns:
            if column.related and not (column.nested and self._has_type(column)):
                raise ReferencePathRequired
            if column.related and any(
                bytes(value) == b"null" and row.relationships
                for value, row in zip(self._values(column), self._page.rows, strict=True)
            ):
                raise ReferencePathRequired  # the resource may be in `relationships`

    def _check_timestamps(self, columns: list[Column]) -> list[datetime | None]:
        """Check timestamp columns, and return the replication key of each row."""
        key = self._layout.column(self._layout.key)
        parsed = _parse_normal(self._all_values(columns))
        if parsed is not None and key in columns:
            self._all_timestamps = parsed
            return parsed[columns.index(key) :: len(columns)]
        texts = list(map(_text, self._values(key)))
        self.precision = coarsest(texts)
        keys = [None if text is None else timestamps.parse(text) for text in texts]
        for column in columns:
            if _parse_normal(self._values(column)) is None:
                self._check_singly(column)
        return keys

    def _check_numbers(self, check: Check) -> None:
        columns = self._layout.checked_by(check)
        if not _are_numbers(check, self._all_values(columns)):
            for column in columns:
                if not _are_numbers(check, self._values(column)):
                    self._check_singly(column)

    def _has_type(self, column: Column) -> bool:
        assert column.nested is not None  # noqa: S101 - for the type checker: its check is NESTED
        text = b"[" + b",".join(self._values(column)) + b"]"
        _require_utf8(text)
        try:
            column.nested.decode(text)
        except msgspec.DecodeError:
            return False
        return True

    def _check_singly(self, column: Column) -> None:
        """Convert the values of a column one by one, and move those of another type into `extra`."""
        field, convert = column.field, column.convert
        given = self._values(column)
        values = decode(b"[" + b",".join(given) + b"]") if column.type is Raw else given
        mismatched = []
        for i, value in enumerate(values):
            if value is None:
                continue
            try:
                setattr(self.records[i], field, convert(value))
            except TypeMismatch:
                setattr(self.records[i], field, None)
                self._keep(i, column.name, given[i])
                mismatched.append(given[i])
        if mismatched:
            self.mismatches[column.name] += len(mismatched)
            if column.type is Raw:
                _require_utf8(b"".join(mismatched))

    def _keep(self, index: int, name: str, value: Any) -> None:  # noqa: ANN401 - raw or decoded
        """Keep a value in `extra`; the reference path finds a name for one whose name is taken."""
        extra, protected = self._extra[index], self._layout.protected
        if name in extra:
            raise ReferencePathRequired
        if protected and isinstance(value, Raw) and bytes(value)[:1] in (b"{", b"["):
            value = decode(bytes(value))
        keep(extra, name, value, protected)

    def _collect_unknown(self, fields: Mapping[str, str], structs: list[Any]) -> None:
        """Move fields without a column into `extra`, and remove those of deselected columns."""
        known = self._layout.known
        for field, name in fields.items():
            values = list(map(attrgetter(field), structs))
            given = [] if name in known else [i for i, value in enumerate(values) if value is not UNSET]
            _require_utf8(b"".join([values[i] for i in given]))
            for i in given:
                self._keep(i, name, values[i])
            for struct in structs:
                setattr(struct, field, UNSET)

    def _fill_own_columns(self, shop: str) -> None:
        own, records = self._layout.own, self.records
        if "shop" in own:
            for record in records:
                record.shop = shop
        if "id" in own:
            for record, row_id in zip(records, self.ids, strict=True):
                record.id = row_id
        if "relationships" in own:
            for record, relationships in zip(records, self._relationships(), strict=True):
                record.relationships = relationships
        if "extra" in own:
            for i, extra in self._extra.items():
                records[i].extra = extra or None

    def _relationships(self) -> list[Any]:
        """Return the relationships of each row, which may embed resources with protected values."""
        given = [row.relationships for row in self._page.rows]
        text, protected = _encode(given), self._layout.protected
        _require_utf8(text)
        if protected and (b"\\" in text or any(_encode(name) in text for name in protected)):
            return [without(decode(_encode(one)), protected) for one in given]
        return given


def _require_utf8(text: bytes) -> None:
    """Check that raw JSON is UTF-8, which msgspec checks only for the strings that it decodes.

    Raises:
        ReferencePathRequired: It is not.
    """
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            raise ReferencePathRequired from None


def _text(value: object) -> str | None:
    if isinstance(value, Raw):
        value = decode(bytes(value))
    return value if isinstance(value, str) else None


def _parse_normal(values: list[str | None]) -> list[datetime | None] | None:
    """Return timestamps parsed if all have the form in which they are emitted, None otherwise."""
    text = _encode(values)
    nulls = values.count(None)
    count = len(values) - nulls
    # Without fractions all timestamps have the same length.
    same_length = len(text) == count * _TIMESTAMP_LENGTH + nulls * _NULL_LENGTH + 1
    if not same_length and not set(map(len, filter(None, values))) <= timestamps.UNCHANGED_LENGTHS:
        return None
    if text.count(b"T") != count or text.count(b"Z") != count:
        return None
    try:
        return _decode_timestamps(text)
    except msgspec.DecodeError:
        return None


def _are_numbers(check: Check, values: list[Raw]) -> bool:
    """Return whether all values are null or numbers of a length that needs no check."""
    translated = b",".join(values).translate(_TRANSLATIONS[check])
    return b"x" not in translated and _LONG_NUMBER not in translated
