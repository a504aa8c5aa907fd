"""Rows for COPY: NUL characters are replaced, and nothing else changes."""

from __future__ import annotations

import json
import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.bulk import copy_rows

VALUES = st.recursive(
    st.none() | st.text(st.sampled_from('\0\\u0"a€\n')) | st.integers(-9, 9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.sampled_from("\0\\u0")), inner),
)


def without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "�")
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {without_nul(name): without_nul(item) for name, item in value.items()}
    return value


def fields(row: bytes) -> list[bytes | None]:
    """The fields of a row in the binary format of COPY."""
    (count,) = struct.unpack_from("!h", row)
    place, found = 2, []
    for _ in range(count):
        (length,) = struct.unpack_from("!i", row, place)
        place += 4
        found.append(None if length < 0 else row[place : place + length])
        place += max(length, 0)
    assert place == len(row)
    return found


@given(st.dictionaries(st.text(max_size=3), VALUES), st.none() | st.integers(-(2**63), 2**63 - 1))
def test_a_row_holds_the_record_without_nul_characters(record: Any, version: int | None) -> None:
    encoded = json.dumps(record).encode()
    at, number, landed = fields(copy_rows.encode(encoded, "2026-01-01T00:00:00Z", version))
    assert at == b"2026-01-01T00:00:00Z"
    assert number == (None if version is None else version.to_bytes(8, "big", signed=True))
    assert landed is not None
    assert json.loads(landed) == without_nul(record)
    if "\0" not in str(record) and "\\x00" not in repr(record):
        assert landed == encoded


def test_the_payload_has_a_header_and_a_trailer() -> None:
    payload = copy_rows.payload([b"one", b"two"])
    assert payload.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    assert payload.endswith(b"onetwo\xff\xff")
