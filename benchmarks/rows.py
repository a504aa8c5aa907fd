"""The rows that a client wrote, by stream: how many, how many different ones, and a checksum of their ids.

As a command it reads Singer's or Airbyte's lines from stdin, or the files that dlt wrote below a folder.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections import defaultdict
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MODULUS = 2**64
_HEAD = 40
"""The type of a message is in so many bytes from its start."""


class Tally(msgspec.Struct):
    """Number of rows, number of different rows, and a checksum of their ids, in whatever order."""

    rows: int = 0
    distinct: int = 0
    checksum: int = 0


def tally(ids: Iterable[str]) -> Tally:
    """Count ids, and how many of them differ."""
    seen: set[str] = set()
    result = Tally()
    for ident in ids:
        result.rows += 1
        if ident not in seen:
            seen.add(ident)
            result.checksum = (result.checksum + _hash(ident)) % _MODULUS
    result.distinct = len(seen)
    return result


def expected(ids: Iterable[str]) -> Tally:
    """Count ids that all differ."""
    result = Tally()
    for ident in ids:
        result.rows += 1
        result.distinct += 1
        result.checksum = (result.checksum + _hash(ident)) % _MODULUS
    return result


def _hash(ident: str) -> int:
    return int.from_bytes(blake2b(ident.encode(), digest_size=8).digest(), "big")


def total(tallies: Iterable[Tally | None]) -> Tally:
    """Add up the counts of rows that are in one of them only."""
    result = Tally()
    for one in tallies:
        if one is not None:
            result.rows += one.rows
            result.distinct += one.distinct
            result.checksum = (result.checksum + one.checksum) % _MODULUS
    return result


class _Row(msgspec.Struct):
    id: str | None = None
    shop: str | None = None


class _AirbyteRecord(msgspec.Struct):
    stream: str
    data: _Row


class _Line(msgspec.Struct):
    type: str
    stream: Any = None
    record: msgspec.Raw = msgspec.Raw()


def of_lines(lines: Iterable[bytes], *, by_shop: bool = False) -> Iterator[tuple[str, str]]:
    """Yield stream and id of each record in lines of JSON; `acme/cus_1` if the shop counts as well."""
    line = msgspec.json.Decoder(_Line).decode
    row = msgspec.json.Decoder(_Row).decode
    airbyte = msgspec.json.Decoder(_AirbyteRecord).decode
    for text in lines:
        message = line(text)
        if message.type == "RECORD":
            if isinstance(message.stream, str):
                found = row(message.record)
                yield message.stream, f"{found.shop}/{found.id}" if by_shop else str(found.id)
            else:
                record = airbyte(message.record)
                yield record.stream, str(record.data.id)


def of_files(folder: Path, *, by_shop: bool = False) -> Iterator[tuple[str, str]]:
    """Yield stream and id of each row in the files of dlt: the loaded ones, else the extracted ones."""
    loaded = sorted((folder / "files").rglob("*.jsonl*"))
    extracted = sorted((folder / "pipelines").rglob("new_jobs/*.typed-jsonl"))
    decode = msgspec.json.Decoder(_Row | list[_Row]).decode
    for path in loaded or extracted:
        stream = path.parent.name if loaded else path.name.split(".")[0]
        if stream.startswith("_dlt"):
            continue
        data = path.read_bytes()
        for line in (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).splitlines():
            found = decode(line)
            for row in found if isinstance(found, list) else [found]:
                yield stream, f"{row.shop}/{row.id}" if by_shop else str(row.id)


def tallies(found: Iterable[tuple[str, str]]) -> dict[str, Tally]:
    """Count rows by stream."""
    ids: dict[str, list[str]] = defaultdict(list)
    for stream, ident in found:
        ids[stream].append(ident)
    return {stream: tally(idents) for stream, idents in ids.items()}


def _keeping(lines: Iterable[bytes], path: Path) -> Iterator[bytes]:
    """Yield lines, and write the value of the last STATE among them into a file."""
    last = b""
    for line in lines:
        if b'"STATE"' in line[:_HEAD]:
            last = line
        yield line
    path.write_bytes(msgspec.json.encode(msgspec.json.decode(last)["value"]) if last else b"{}")


def main() -> None:
    """Count the rows, and write the counts as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", nargs="?", type=Path, help="folder with the files of dlt; default: stdin")
    parser.add_argument("--by-shop", action="store_true", help="ids are unique within a shop only")
    parser.add_argument("--state", type=Path, help="write the last state into this file")
    options = parser.parse_args()
    lines: Iterable[bytes] = sys.stdin.buffer
    if options.state:
        lines = _keeping(lines, options.state)
    by_shop = options.by_shop
    found = of_files(options.folder, by_shop=by_shop) if options.folder else of_lines(lines, by_shop=by_shop)
    sys.stdout.buffer.write(msgspec.json.encode(tallies(found)))


if __name__ == "__main__":
    main()
