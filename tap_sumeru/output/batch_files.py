"""BATCH: records in files, told to the target once they are whole."""

from __future__ import annotations

import gzip
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from upath import UPath

from tap_sumeru.errors import BatchFileError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_sumeru.output.messages import MessageWriter

_SIZE = 10_000
"""Records of a file, unless the setting says otherwise: the SDK's own number."""
_LEVEL = 1
"""Of gzip: more of it costs more than the rest of the tap, and gains little."""


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """Where the files go, and what they are.

    Attributes:
        root: Folder, or URL of one in any storage that fsspec knows.
        prefix: Begins the name of every file.
        params: Parameters of the storage; never shown.
        compressed: Whether the files are compressed with gzip.
        size: Records of a file, at most.
    """

    root: str
    prefix: str = ""
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    compressed: bool = True
    size: int = _SIZE

    @classmethod
    def from_config(cls, config: object) -> BatchConfig | None:
        """Return what the setting `batch_config` says; None if it is not set.

        Raises:
            SettingsError: It asks for what this tap cannot write.
        """
        if not config:
            return None
        config = _object(config, "batch_config")
        encoding = _object(config.get("encoding") or {}, "batch_config.encoding")
        storage = _object(config.get("storage"), "batch_config.storage")
        compression = encoding.get("compression") or "gzip"
        if (encoding.get("format") or "jsonl") != "jsonl":
            raise SettingsError("batch_config.encoding.format: must be jsonl; no other is written.")
        if compression not in ("gzip", "none"):
            raise SettingsError("batch_config.encoding.compression: must be gzip or none.")
        root, prefix, size = storage.get("root"), storage.get("prefix") or "", config.get("batch_size", _SIZE)
        if not isinstance(root, str) or not root:
            raise SettingsError(
                "batch_config.storage.root: missing; name a folder, such as file:///tmp/batches."
            )
        if not isinstance(prefix, str):
            raise SettingsError("batch_config.storage.prefix: must be text.")
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise SettingsError("batch_config.batch_size: must be a whole number above 0.")
        params = _object(storage.get("params") or {}, "batch_config.storage.params")
        return cls(root, prefix, params, compression == "gzip", size)


def _object(value: object, setting: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(f"{setting}: must be an object.")
    return value


class _File:
    """A file that records are being written to."""

    def __init__(self, path: UPath, *, compressed: bool) -> None:
        self.path = path
        self.records = 0
        self._raw: IO[bytes] = path.open("wb")
        self._out: IO[bytes] | gzip.GzipFile = (
            gzip.GzipFile("", "wb", _LEVEL, self._raw, mtime=0) if compressed else self._raw
        )

    def write(self, lines: Sequence[bytes]) -> None:
        self._out.write(b"\n".join(lines) + b"\n")
        self.records += len(lines)

    def close(self) -> None:
        self._out.close()
        self._raw.close()

    def discard(self) -> None:
        """Leave nothing of it behind, as far as that can be had."""
        for step in (self._out.close, self._raw.close, self.path.unlink):
            with suppress(Exception):
                step()


class BatchFiles:
    """Writes the records of all streams to files, and tells of each file that is whole.

    Args:
        config: Where the files go, and what they are.
        writer: Writes the messages.

    Raises:
        BatchFileError: The storage cannot be used.
    """

    def __init__(self, config: BatchConfig, writer: MessageWriter) -> None:
        self._config = config
        self._writer = writer
        self._run = uuid.uuid4().hex
        self._made = 0
        self._open: dict[str, _File] = {}
        try:
            self._root = UPath(config.root, **config.params).resolve()
            self._root.mkdir(parents=True, exist_ok=True)
        except Exception as error:  # noqa: BLE001 - each storage has errors of its own
            raise _failed("the storage cannot be used", error) from None

    def write(self, stream: str, lines: Sequence[bytes]) -> None:
        """Write records of a stream, as lines without their ends.

        Raises:
            BatchFileError: They cannot be written.
        """
        while lines:
            try:
                file = self._open.get(stream) or self._begin(stream)
                room = self._config.size - file.records
                file.write(lines[:room])
            except Exception as error:  # noqa: BLE001 - as above
                raise _failed("a file cannot be written", error) from None
            lines = lines[room:]
            if file.records >= self._config.size:
                self._announce(stream)

    def flush(self) -> None:
        """Make all files whole and tell of them, so that a STATE may follow.

        Raises:
            BatchFileError: One of them cannot be written.
        """
        for stream in list(self._open):
            self._announce(stream)

    def discard(self) -> None:
        """Remove what is not whole."""
        while self._open:
            self._open.popitem()[1].discard()

    def _begin(self, stream: str) -> _File:
        self._made += 1
        ending = "jsonl.gz" if self._config.compressed else "jsonl"
        name = f"{self._config.prefix}{stream}-{self._run}-{self._made:06d}.{ending}"
        file = self._open[stream] = _File(self._root / name, compressed=self._config.compressed)
        return file

    def _announce(self, stream: str) -> None:
        file = self._open[stream]
        try:
            file.close()
        except Exception as error:  # noqa: BLE001 - as above
            raise _failed("a file cannot be written", error) from None
        del self._open[stream]
        compression = "gzip" if self._config.compressed else "none"
        self._writer.write_batch(
            stream, {"format": "jsonl", "compression": compression}, [file.path.as_uri()]
        )


def _failed(what: str, error: Exception) -> BatchFileError:
    """Return the error, with the reason that the system gives, which holds nothing private."""
    reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    if isinstance(error, ImportError):
        reason = "the package that this storage needs is not installed"
    return BatchFileError(f"batch_config: {what} ({reason})")
