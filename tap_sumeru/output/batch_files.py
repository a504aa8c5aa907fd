"""BATCH files: writes records to files, and announces each complete file to the target.

They hold customer data, so on a local disk only the user who runs the tap can read them.
"""

from __future__ import annotations

import gzip
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from upath import UPath

from tap_sumeru.errors import BatchFileError, SettingsError
from tap_sumeru.output import private_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_sumeru.output.messages import MessageWriter

_DEFAULT_SIZE = 10_000
"""Default of `batch_size`, as in the SDK."""
_GZIP_LEVEL = 1
"""Higher levels take more CPU than the rest of the tap, and save little."""

_PACKAGES = {"smbclient": "smbprotocol"}
"""Packages that are named differently from their modules."""


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """The setting `batch_config`, validated.

    Attributes:
        root: Path or URL of a folder, in any storage that fsspec supports.
        prefix: Prefix of the file names.
        params: Parameters of the storage; never logged.
        compressed: Whether the files are compressed with gzip.
        size: Maximum records of a file.
    """

    root: str
    prefix: str
    params: Mapping[str, Any] = field(repr=False)
    compressed: bool
    size: int

    @classmethod
    def from_config(cls, config: object) -> BatchConfig | None:
        """Read the setting `batch_config`; return None if it is not set.

        Raises:
            SettingsError: It is not valid, or the tap does not support it.
        """
        if not config:
            return None
        config = _object(config, "batch_config")
        encoding = _object(config.get("encoding") or {}, "batch_config.encoding")
        storage = _object(config.get("storage"), "batch_config.storage")
        compression = encoding.get("compression") or "gzip"
        if (encoding.get("format") or "jsonl") != "jsonl":
            raise SettingsError("batch_config.encoding.format: must be jsonl.")
        if compression not in ("gzip", "none"):
            raise SettingsError("batch_config.encoding.compression: must be gzip or none.")
        root, prefix, size = (
            storage.get("root"),
            storage.get("prefix") or "",
            config.get("batch_size", _DEFAULT_SIZE),
        )
        if not isinstance(root, str) or not root:
            raise SettingsError(
                "batch_config.storage.root: is missing. Set a folder, such as file:///tmp/batches."
            )
        if not isinstance(prefix, str):
            raise SettingsError("batch_config.storage.prefix: must be a string.")
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise SettingsError("batch_config.batch_size: must be an integer above 0.")
        params = _object(storage.get("params") or {}, "batch_config.storage.params")
        return cls(root, prefix, params, compression == "gzip", size)


def _object(value: object, setting: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(f"{setting}: must be an object.")
    return value


class _File:
    """A file that is not complete yet."""

    def __init__(self, path: UPath, *, compressed: bool) -> None:
        self.path = path
        self.records = 0
        self._raw: IO[bytes] = private_files.create(path)
        self._out: IO[bytes] | gzip.GzipFile = (
            gzip.GzipFile("", "wb", _GZIP_LEVEL, self._raw, mtime=0) if compressed else self._raw
        )

    def write(self, lines: Sequence[bytes]) -> None:
        self._out.write(b"\n".join(lines) + b"\n")
        self.records += len(lines)

    def close(self) -> None:
        self._out.close()
        self._raw.close()

    def discard(self) -> None:
        """Remove the file if possible."""
        for step in (self._out.close, self._raw.close, self.path.unlink):
            with suppress(Exception):
                step()


class BatchFiles:
    """Writes the records of all streams to files, with a BATCH message for each complete file.

    Args:
        config: The setting `batch_config`.
        writer: Writes the BATCH messages.

    Raises:
        BatchFileError: The storage cannot be used.
    """

    def __init__(self, config: BatchConfig, writer: MessageWriter) -> None:
        self._config = config
        self._writer = writer
        self._run = uuid.uuid4().hex
        self._files = 0
        self._open: dict[str, _File] = {}
        try:
            self._root = UPath(config.root, **config.params).resolve()
            private_files.make_folder(self._root)
        except Exception as error:  # noqa: BLE001 - each storage raises its own errors
            raise _failed("the storage cannot be used", error) from None

    def write(self, stream: str, lines: Sequence[bytes]) -> None:
        """Write records of a stream.

        Args:
            stream: Name of the stream.
            lines: Encoded records, without newlines.

        Raises:
            BatchFileError: A file cannot be written.
        """
        while lines:
            try:
                file = self._open.get(stream) or self._create(stream)
                room = self._config.size - file.records
                file.write(lines[:room])
            except Exception as error:  # noqa: BLE001 - as above
                raise _failed("a file cannot be written", error) from None
            lines = lines[room:]
            if file.records >= self._config.size:
                self._announce(stream)

    def flush(self) -> None:
        """Complete and announce all files, so that a STATE message may follow.

        Raises:
            BatchFileError: A file cannot be written.
        """
        for stream in list(self._open):
            self._announce(stream)

    def discard(self) -> None:
        """Remove the incomplete files."""
        while self._open:
            self._open.popitem()[1].discard()

    def _create(self, stream: str) -> _File:
        self._files += 1
        extension = "jsonl.gz" if self._config.compressed else "jsonl"
        name = f"{self._config.prefix}{stream}-{self._run}-{self._files:06d}.{extension}"
        file = self._open[stream] = _File(self._root / name, compressed=self._config.compressed)
        return file

    def _announce(self, stream: str) -> None:
        file = self._open[stream]
        try:
            file.close()
        except Exception as error:  # noqa: BLE001 - as above
            raise _failed("a file cannot be written", error) from None
        compression = "gzip" if self._config.compressed else "none"
        self._writer.write_batch(
            stream, {"format": "jsonl", "compression": compression}, [file.path.as_uri()]
        )
        del self._open[stream]  # only now: a file that no message names is discarded


def _failed(problem: str, error: Exception) -> BatchFileError:
    """Return an error with the reason of the operating system, which contains no value."""
    if isinstance(error, ImportError):
        package = _missing_package(error)
        reason = f"install the package that this storage needs beside the tap: pip install {package}"
        return BatchFileError(f"batch_config: {problem} ({reason})")
    reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    return BatchFileError(f"batch_config: {problem} ({reason}). Check `storage.root` and the space there.")


def _missing_package(error: ImportError) -> str:
    """Return the name of the package whose absence has led to an error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ImportError) and cause.name:
            module = cause.name.partition(".")[0]
            return _PACKAGES.get(module, module)
        cause = cause.__cause__ or cause.__context__
    return "s3fs, gcsfs or adlfs"
