"""Columns of Parquet files: their types, and the values of encoded records, every number exact."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from tap_sumeru.bulk.errors import InputError
from tap_sumeru.output.decimals import PRECISION, SCALE, decimal_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_sumeru.bulk.messages import Schema
    from tap_sumeru.bulk.table import Table

DECIMAL = pa.decimal128(PRECISION, SCALE)
TIMESTAMP = pa.timestamp("us", "UTC")
_ARROW = {
    "string": pa.string(),
    "date-time": TIMESTAMP,
    "date": pa.date32(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "number": DECIMAL,
    "json": pa.string(),
}
_PYTHON: dict[str, Any] = {
    **dict.fromkeys(("string", "date-time", "date"), str | None),
    "integer": int | None,
    "boolean": bool | None,
    **dict.fromkeys(("number", "json"), msgspec.Raw),
}
_PLAIN = re.compile(r"-?\d{1,29}(\.\d{1,9})?")
"""Numbers that certainly fit."""
_NULL = msgspec.Raw(b"null")
_EXTRA = "extra"
"""Column of the tap that keeps what another column cannot hold."""


def kind_of(schema: Schema) -> str:
    """Return the kind of a column; what has no single scalar type is text of JSON."""
    declared = schema.get("type") or ()
    types = [declared] if isinstance(declared, str) else [one for one in declared if one != "null"]
    (only,) = types if len(types) == 1 else ("json",)
    if only == "string" and schema.get("format") in _ARROW:
        return str(schema["format"])
    return only if only in _ARROW else "json"


class Columns:
    """The columns of a table.

    Args:
        table: The table.

    Attributes:
        schema: Their names and types.
    """

    def __init__(self, table: Table) -> None:
        self._stream = table.stream
        self._kinds = {name: kind_of(column) for name, column in table.columns.items()}
        self.schema = pa.schema([(name, _ARROW[kind]) for name, kind in self._kinds.items()])
        self._decode = _decoder(self._kinds)

    def arrays(self, records: Sequence[bytes]) -> list[pa.Array]:
        """Return the values of records, one array for each column.

        Raises:
            InputError: A record does not fit its schema, or a number fits nowhere.
        """
        try:
            rows = [msgspec.structs.astuple(self._decode(record)) for record in records]
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._misfit() from None
        values = {
            name: list(column) for name, column in zip(self._kinds, zip(*rows, strict=True), strict=True)
        }
        for name, kind in self._kinds.items():
            if _PYTHON[kind] is msgspec.Raw:
                values[name] = [None if raw == _NULL else str(raw, "utf-8") for raw in values[name]]
        for name, kind in self._kinds.items():
            if kind == "number":
                self._make_exact(name, values)
        try:
            return [_array(values[name], kind) for name, kind in self._kinds.items()]
        except (pa.ArrowInvalid, OverflowError):
            raise self._misfit() from None

    def _misfit(self) -> InputError:
        return InputError(f"{self._stream}: a record does not fit its SCHEMA.")

    def _make_exact(self, name: str, values: dict[str, list[Any]]) -> None:
        """Write numbers out in full; move those with too many digits to `extra`, so that none is rounded."""
        texts = values[name]
        for place, text in enumerate(texts):
            if text is None or _PLAIN.fullmatch(text):
                continue
            texts[place] = decimal_text(text)
            if texts[place] is not None:
                continue
            if self._kinds.get(_EXTRA) != "json":
                raise InputError(f"{self._stream}.{name}: a number has more digits than DECIMAL(38, 9).")
            kept = msgspec.json.decode(values[_EXTRA][place] or "{}", type=dict[str, msgspec.Raw])
            kept[name] = msgspec.Raw(text.encode())
            values[_EXTRA][place] = msgspec.json.encode(kept).decode()


def _decoder(kinds: dict[str, str]) -> Callable[[bytes], Any]:
    """Return a function that decodes a record into a structure with one field for each column."""
    fields = [
        (f"column{place}", _PYTHON[kind], _NULL if _PYTHON[kind] is msgspec.Raw else None)
        for place, kind in enumerate(kinds.values())
    ]
    names = {field: name for (field, _, _), name in zip(fields, kinds, strict=True)}
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(
        msgspec.defstruct("Record", fields, rename=names)
    ).decode
    return decode


def _array(values: Sequence[Any], kind: str) -> pa.Array:
    is_text = kind in ("number", "date-time", "date")
    return pa.array(values, pa.string() if is_text else _ARROW[kind]).cast(_ARROW[kind])
