"""Records, as JSON, with a column for each field: every value exact, or in `extra`."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import pyarrow as pa

from pyspark_sumeru.typed_columns import Column, Type, arrow_schema
from tap_sumeru.output.decimals import decimal_text
from tap_sumeru.output.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger("tap-sumeru")

_EXTRA = "extra"
_NULL = msgspec.Raw(b"null")
_PYTHON: dict[Type, Any] = {
    Type.STRING: str | None,
    Type.TIMESTAMP: str | None,
    Type.DATE: str | None,
    Type.LONG: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None,
    Type.BOOLEAN: bool | None,
    Type.DECIMAL: msgspec.Raw,
    Type.JSON: msgspec.Raw,
}
_PLAIN_LENGTH = 29
"""Characters of a number without an exponent up to which Arrow casts it exactly, or refuses."""
_fields_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class TypedRows:
    """Converts the records of one stream.

    Args:
        stream: Name of the stream, for the log.
        columns: Its columns.
    """

    def __init__(self, stream: str, columns: Sequence[Column]) -> None:
        self._stream = stream
        self._columns = columns
        self._schema = arrow_schema(columns)
        self._has_extra = any(one.name == _EXTRA for one in columns)
        self.moved: Counter[str] = Counter()
        """By column, how many values did not fit its type."""
        fields = [
            (f"f{i}", _PYTHON[one.type], _NULL if _PYTHON[one.type] is msgspec.Raw else None)
            for i, one in enumerate(columns)
        ]
        names = {f"f{i}": one.name for i, one in enumerate(columns)}
        self._row = msgspec.defstruct("_Row", fields, rename=names, gc=False)
        self._decode = msgspec.json.Decoder(self._row).decode

    def batch(self, lines: Sequence[bytes]) -> pa.RecordBatch:
        """Return records as one batch.

        A value that does not fit its column is null there, and moves to `extra` as it is.
        """
        misfits: dict[int, dict[str, msgspec.Raw]] = defaultdict(dict)
        try:
            rows = list(map(self._decode, lines))
        except msgspec.DecodeError:  # another type, or a string with half a character
            rows = [self._decode_singly(line, misfits, i) for i, line in enumerate(lines)]
        arrays = {}
        for i, column in enumerate(self._columns):
            if column.name != _EXTRA:
                values = [getattr(row, f"f{i}") for row in rows]
                arrays[column.name] = self._array(column, values, misfits)
        for found in misfits.values():
            self.moved.update(found.keys())
        if self._has_extra:
            arrays[_EXTRA] = self._extra(rows, misfits)
        ordered = [arrays[column.name] for column in self._columns]
        return pa.RecordBatch.from_arrays(ordered, schema=self._schema)

    def report(self) -> None:
        """Log how many values did not fit their column."""
        for column, count in self.moved.items():
            logger.warning(
                "%s.%s: %d values did not fit the column; it is null there, and `extra` has them unless that "
                "is left out.",
                self._stream,
                column,
                count,
            )

    def _decode_singly(self, line: bytes, misfits: dict[int, dict[str, msgspec.Raw]], index: int) -> Any:  # noqa: ANN401 - a struct
        """Return a record of which some value has another type than its column."""
        given = _fields_of(line)
        values = {}
        for i, column in enumerate(self._columns):
            raw = given.get(column.name, _NULL)
            try:
                values[f"f{i}"] = msgspec.json.decode(raw, type=_PYTHON[column.type])
            except msgspec.DecodeError:
                misfits[index][column.name] = raw
        return self._row(**values)

    def _array(
        self, column: Column, values: list[Any], misfits: dict[int, dict[str, msgspec.Raw]]
    ) -> pa.Array:
        if column.type in (Type.DECIMAL, Type.JSON):
            values = _texts(values)
        if column.type not in (Type.DECIMAL, Type.TIMESTAMP, Type.DATE):
            return pa.array(values, column.arrow)
        if column.type is not Type.DECIMAL or _are_plain(values):
            with suppress(pa.ArrowInvalid):
                return pa.array(values, pa.string()).cast(column.arrow)
        return pa.array(self._each(column, values, misfits), pa.string()).cast(column.arrow)

    def _each(
        self, column: Column, values: list[Any], misfits: dict[int, dict[str, msgspec.Raw]]
    ) -> list[str | None]:
        """Return texts that can be converted, without those that cannot."""
        fitting: list[str | None] = []
        for i, value in enumerate(values):
            text = decimal_text(value) if column.type is Type.DECIMAL and value is not None else value
            try:
                pa.scalar(text, pa.string()).cast(column.arrow)
            except pa.ArrowInvalid:
                text = None
            if text is None and value is not None:
                raw = value if column.type is Type.DECIMAL else encode(value)
                misfits[i][column.name] = msgspec.Raw(raw)
            fitting.append(text)
        return fitting

    def _extra(self, rows: list[Any], misfits: dict[int, dict[str, msgspec.Raw]]) -> pa.Array:
        position = next(i for i, one in enumerate(self._columns) if one.name == _EXTRA)
        texts = _texts([getattr(row, f"f{position}") for row in rows])
        for i, found in misfits.items():
            text = texts[i]
            before = {} if text is None else _fields_of(text)
            texts[i] = encode({**before, **found}).decode()
        return pa.array(texts, pa.string())


def _texts(values: list[msgspec.Raw]) -> list[str | None]:
    """Return JSON as text, None for null."""
    texts = [bytes(value).decode() for value in values]
    return [None if text == "null" else text for text in texts]


def _are_plain(texts: list[str | None]) -> bool:
    """Return whether Arrow casts all these numbers exactly or refuses them.

    It makes 1e-48 zero, and a number of 30 digits before the point another one.
    """
    joined = ",".join(filter(None, texts)).lower()
    return "e" not in joined and max(map(len, joined.split(","))) <= _PLAIN_LENGTH
