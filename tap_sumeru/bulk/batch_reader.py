"""BATCH files: reads their records, in any storage that fsspec supports."""

from __future__ import annotations

import gzip
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, cast

from tap_sumeru.bulk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from upath import UPath

    from tap_sumeru.bulk.messages import Encoding


def records(url: str, encoding: Encoding) -> Iterator[bytes]:
    """Yield the records of a file, encoded as JSON.

    Raises:
        InputError: The file cannot be read, or is not of this kind.
    """
    if encoding.format != "jsonl" or encoding.compression not in (None, "none", "gzip"):
        raise InputError("input: a BATCH message has files that are neither jsonl nor gzipped jsonl.")
    try:
        with _path(url).open("rb") as raw:
            file = gzip.GzipFile(fileobj=raw) if encoding.compression == "gzip" else raw
            yield from (line for line in cast("IO[bytes]", file) if line.strip())
    except Exception as error:  # noqa: BLE001 - each storage raises its own errors
        raise _failed(url, error) from None


def modified_at(url: str) -> str:
    """Return when a file was written, as RFC 3339, as far as its storage knows; the present otherwise."""
    seconds = 0.0
    with suppress(Exception):
        seconds = _path(url).stat().st_mtime
    return (datetime.fromtimestamp(seconds, UTC) if seconds else datetime.now(UTC)).isoformat()


def delete(urls: Iterable[str]) -> None:
    """Delete files.

    Raises:
        InputError: A file cannot be deleted.
    """
    for url in urls:
        try:
            _path(url).unlink(missing_ok=True)
        except Exception as error:  # noqa: BLE001 - as above
            raise _failed(url, error) from None


def _path(url: str) -> UPath:
    from upath import UPath  # noqa: PLC0415 - its import is slow, and RECORD messages need no files

    return UPath(url)


def _failed(url: str, error: Exception) -> InputError:
    """Return an error with the name of a file, and the reason of the operating system."""
    reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    name = url.partition("?")[0].rstrip("/").rpartition("/")[2]
    return InputError(f"input: the BATCH file {name} cannot be read ({reason}).")
