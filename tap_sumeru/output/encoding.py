"""Encodes messages and records as JSON, with every number exactly as the API sent it."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from simplejson import RawJSON
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sumeru_api.responses import Row

_MAX_DEPTH = 100
"""Levels of a record that are passed to the SDK, which walks them recursively."""


class _Number(Decimal):
    """A number that stream maps can calculate with, written as it came if they leave it unchanged."""

    text: str

    @override
    def __str__(self) -> str:
        return self.text


def _encode_other(value: object) -> msgspec.Raw | str:
    """Return what to write for a value that the encoder does not know."""
    if isinstance(value, RawJSON):
        return msgspec.Raw(value.encoded_json.encode())
    return msgspec.Raw(str(value).encode()) if isinstance(value, _Number) else str(value)


_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_encode_other)
encode = _encoder.encode
"""Returns a value as JSON."""
encode_lines = _encoder.encode_lines
"""Returns values as JSON, one line each."""


def lines_of(records: Sequence[Any]) -> list[bytes]:
    """Return records as lines of JSON without their line breaks."""
    return encode_lines(records).split(b"\n")[:-1]


def plain_record(record: Row) -> Row:
    """Return a record as the SDK's maps expect it, with decimals for numbers that are kept as text.

    What is nested too deeply for the SDK passes through it as encoded JSON.
    """
    plain = dict(record)
    todo: list[tuple[Any, int]] = [(plain, 1)]
    while todo:
        holder, depth = todo.pop()
        for place, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
            if isinstance(value, (msgspec.Raw, Decimal)):
                holder[place] = _number(value)
            elif isinstance(value, (dict, list)) and depth == _MAX_DEPTH:
                holder[place] = RawJSON(encode(value).decode())
            elif isinstance(value, (dict, list)):
                holder[place] = value.copy()
                todo.append((holder[place], depth + 1))
    return plain


def _number(value: msgspec.Raw | Decimal) -> Decimal | RawJSON:
    """Return a number to calculate with, or its text if the SDK would take it for infinite."""
    text = str(value) if isinstance(value, Decimal) else bytes(value).decode()
    try:
        number = _Number(text)
    except ArithmeticError:
        return RawJSON(text)
    number.text = text
    return number if math.isfinite(number) else RawJSON(text)
