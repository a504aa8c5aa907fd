"""Rows in the binary format of COPY, which needs no escapes: time of extraction, version and JSON."""

from __future__ import annotations

import re
from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_COLUMNS = b"\x00\x03"
_length = Struct("!i").pack
_bigint = Struct("!iq").pack
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""The character NUL, escaped; not `u0000` after an escaped backslash."""


def encode(record: bytes, extracted_at: str, version: int | None) -> bytes:
    r"""Return a row.

    Args:
        record: The record, encoded as JSON. The character NUL, which PostgreSQL cannot store, becomes U+FFFD
            as with `sanitize_null_text_characters` of the loader.
        extracted_at: When it was extracted, as RFC 3339.
        version: Version of a FULL_TABLE read, None otherwise.
    """
    if b"\\u0000" in record:
        record = _NUL.sub(rb"\1\\ufffd", record)
    at = extracted_at.encode()
    number = _NULL if version is None else _bigint(8, version)
    return b"".join((_COLUMNS, _length(len(at)), at, number, _length(len(record)), record))


def payload(rows: Iterable[bytes]) -> bytes:
    """Return what COPY reads for rows."""
    return b"".join((_HEADER, *rows, _TRAILER))
