"""What came out of a client, by stream: how many rows, how many different ones, and which.

As a command it reads lines from stdin, Singer's or Airbyte's, or the files below a folder that dlt wrote.
"""

from __future__ import annotations

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


class Tally(msgspec.Struct):
    """Rows, different rows, and a sum of their ids' hashes that does not depend on their order."""

    rows: int = 0
    distinct: int = 0
    checksum: int = 0


def tally(ids: Iterable[str]) -> Tally:
    """Count ids."""
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
    """Count ids that are known to differ."""
    result = Tally()
    for ident in ids:
        result.rows += 1
        result.distinct += 1
        result.checksum = (result.checksum + _hash(ident)) % _MODULUS
    return result


def _hash(ident: str) -> int:
    return int.from_bytes(blake2b(ident.encode(), digest_size=8).digest(), "big")


class _Row(msgspec.Struct):
    id: str | None = None


class _AirbyteRecord(msgspec.Struct):
    stream: str
    data: _Row


class _Line(msgspec.Struct):
    type: str
    stream: Any = None
    record: msgspec.Raw = msgspec.Raw()


def of_lines(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Stream and id of each record in lines of JSON."""
    line = msgspec.json.Decoder(_Line).decode
    row = msgspec.json.Decoder(_Row).decode
    airbyte = msgspec.json.Decoder(_AirbyteRecord).decode
    for text in lines:
        message = line(text)
        if message.type == "RECORD":
            if isinstance(message.stream, str):
                yield message.stream, str(row(message.record).id)
            else:
                record = airbyte(message.record)
                yield record.stream, str(record.data.id)


def of_files(folder: Path) -> Iterator[tuple[str, str]]:
    """Stream and id of each row in the files of dlt: those that it loaded, else those that it extracted."""
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
                yield stream, str(row.id)


def tallies(found: Iterable[tuple[str, str]]) -> dict[str, Tally]:
    """Count by stream."""
    ids: dict[str, list[str]] = defaultdict(list)
    for stream, ident in found:
        ids[stream].append(ident)
    return {stream: tally(idents) for stream, idents in ids.items()}


def main() -> None:
    """Count what comes, and write the counts as JSON."""
    found = of_files(Path(sys.argv[1])) if len(sys.argv) > 1 else of_lines(sys.stdin.buffer)
    sys.stdout.buffer.write(msgspec.json.encode(tallies(found)))


if __name__ == "__main__":
    main()
