"""Columnar path to records: checks each column of a page as a whole, and single values only if needed."""

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
from tap_sumeru.records.row_dates import other_dates_of
from tap_sumeru.records.shaped_page import ShapedPage
from tap_sumeru.records.type_checks import TypeMismatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sumeru_api.responses import Row
    from tap_sumeru.records.adaptive_decoder import DecodedPage
    from tap_sumeru.records.layouts import Column

_TOO_LONG = b"0" * 19
"""So many digits may be more than 63 bits hold."""

_TIMESTAMP = len('"2026-05-10T14:23:00Z",')
_ABSENT = len("null,")


def _letters(allowed: bytes) -> bytes:
    """Return a table for `bytes.translate`: digits become 0, and what is not allowed becomes x."""
    letters = (letter if letter in allowed else ord("x") for letter in range(256))
    return bytes(ord("0") if i in b"0123456789" else letter for i, letter in enumerate(letters))


# Of these letters no JSON is made but numbers and null.
_LETTERS = {"number": _letters(b"-+.eEnul,"), "integer": _letters(b"-nul,")}
_encode = msgspec.json.Encoder().encode
_decode_times = msgspec.json.Decoder(list[datetime | None]).decode


class UnfitError(Exception):
    """A page fits its layout, but only the reference path can shape it."""


class ColumnarPage(ShapedPage):
    """The records of a page that a layout decoded.

    Args:
        page: The page.
        shop: Name of the shop.
        parent: Id of the parent whose children they are.
        attributes: Returns the attributes of a row, parsed; called only if they are needed after all.

    Raises:
        UnfitError: Only the reference path can shape the page.
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
            self._adopt(parent)
        self._check_related()
        self._times: list[datetime | None] = []
        self.timestamps = self._check_times(self._layout.of_kind("time"))
        self._check_numbers("number")
        self._check_numbers("integer")
        for column in self._layout.of_kind("nested"):
            self._check_nested(column)
        for column in self._layout.of_kind("each"):
            self._mend(column)
        self._set_aside()
        self._complete(shop)

    @override
    def other_dates(self, index: int) -> Iterator[datetime]:
        """Yield all dates of a row except its replication key; those that are known already come first."""
        key, count = self._layout.key, len(self._layout.of_kind("time"))
        at_hand = self._times[index * count : (index + 1) * count]
        for column, time in zip(self._layout.of_kind("time"), at_hand, strict=False):
            if column.name != key and time is not None:
                yield time
        yield from other_dates_of(self._attributes(index), key)

    def _values(self, column: Column) -> list[Any]:
        return list(map(attrgetter(column.field), self.records))

    def _flat(self, columns: Iterable[Column]) -> list[Any]:
        """Return the values of columns, record by record."""
        fields = [column.field for column in columns]
        if not fields:
            return []
        values = map(attrgetter(*fields), self.records)
        return list(chain.from_iterable(values) if len(fields) > 1 else values)

    def _adopt(self, parent: str) -> None:
        column = self._layout.column(self._layout.parent_column)
        if column.type is Raw or any(value not in (None, parent) for value in self._values(column)):
            raise UnfitError
        for record in self.records:
            setattr(record, column.field, parent)

    def _check_related(self) -> None:
        for column in self._layout.columns:
            if column.related and not (column.nested and self._fits(column)):
                raise UnfitError
            if column.related and any(
                bytes(value) == b"null" and row.relationships
                for value, row in zip(self._values(column), self._page.rows, strict=True)
            ):
                raise UnfitError  # it may stand among the relationships

    def _check_times(self, columns: list[Column]) -> list[datetime | None]:
        key = self._layout.column(self._layout.key)
        times = _normal(self._flat(columns))
        if times is not None and key in columns:
            self._times = times
            return times[columns.index(key) :: len(columns)]
        found = [_instant(value) for value in self._values(key)]
        for column in columns:
            if _normal(self._values(column)) is None:
                self._mend(column)
        return found

    def _check_numbers(self, kind: str) -> None:
        columns = self._layout.of_kind(kind)
        if not _numbers(kind, self._flat(columns)):
            for column in columns:
                if not _numbers(kind, self._values(column)):
                    self._mend(column)

    def _check_nested(self, column: Column) -> None:
        if not self._fits(column):
            self._mend(column)

    def _fits(self, column: Column) -> bool:
        assert column.nested is not None  # noqa: S101 - for the type checker: its kind says so
        text = b"[" + b",".join(self._values(column)) + b"]"
        _check_letters(text)
        try:
            column.nested.decode(text)
        except msgspec.DecodeError:
            return False
        return True

    def _mend(self, column: Column) -> None:
        """Look at a column's values one by one; what does not have its type goes into `extra`."""
        field, check = column.field, column.check
        for i, (record, raw) in enumerate(zip(self.records, self._values(column), strict=True)):
            value = decode(bytes(raw)) if isinstance(raw, Raw) else raw
            if value is None:
                continue
            try:
                setattr(record, field, check(value))
            except TypeMismatch:
                if isinstance(raw, Raw):
                    _check_letters(bytes(raw))
                setattr(record, field, None)
                self.mismatches[column.name] += 1
                self._extra[i][column.name] = raw

    def _set_aside(self) -> None:
        """Move what has no column into `extra`, or away if its column is not wanted."""
        layout = self._layout
        if layout.beside:
            self._collect(layout.beside, self._page.rows)
        if layout.others:
            self._collect(layout.others, self.records)

    def _collect(self, fields: Mapping[str, str], holders: list[Any]) -> None:
        known = self._layout.known
        kept = [(field, name) for field, name in fields.items() if name not in known]
        for i, holder in enumerate(holders):
            for field, name in kept:
                value = getattr(holder, field)
                if value is not UNSET:
                    _check_letters(bytes(value))
                    self._extra[i][name] = value
            for field in fields:
                setattr(holder, field, UNSET)

    def _complete(self, shop: str) -> None:
        own, records = self._layout.own, self.records
        if "shop" in own:
            for record in records:
                record.shop = shop
        if "id" in own:
            for record, row_id in zip(records, self.ids, strict=True):
                record.id = row_id
        if "relationships" in own:
            given = [row.relationships for row in self._page.rows]
            for record, relationships in zip(records, given, strict=True):
                record.relationships = relationships
            _check_letters(_encode(given))
        if "extra" in own:
            for i, extra in self._extra.items():
                records[i].extra = extra


def _check_letters(text: bytes) -> None:
    """Make sure that what goes out as it came is UTF-8: msgspec looks only at the texts that it decodes.

    Raises:
        UnfitError: It is not.
    """
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            raise UnfitError from None


def _instant(value: object) -> datetime | None:
    if isinstance(value, Raw):
        value = decode(bytes(value))
    return timestamps.parse(value) if isinstance(value, str) else None


def _normal(values: list[str | None]) -> list[datetime | None] | None:
    """Return what timestamps denote, if each has the form in which it is emitted; None if not."""
    text = _encode(values)
    absent = values.count(None)
    count = len(values) - absent
    # Once it is known that each is a timestamp with one T and one Z, only fractions make it longer.
    plain = len(text) == count * _TIMESTAMP + absent * _ABSENT + 1
    if not plain and not set(map(len, filter(None, values))) <= timestamps.UNCHANGED_LENGTHS:
        return None
    if text.count(b"T") != count or text.count(b"Z") != count:
        return None
    try:
        return _decode_times(text)
    except msgspec.DecodeError:
        return None


def _numbers(kind: str, values: list[Raw]) -> bool:
    """Return whether values are numbers, none of them an integer that needs a closer look, or null."""
    letters = b",".join(values).translate(_LETTERS[kind])
    return b"x" not in letters and _TOO_LONG not in letters
