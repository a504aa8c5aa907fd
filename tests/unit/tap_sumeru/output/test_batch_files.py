"""BATCH files: a message names only complete files, and a file that no message names is removed."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from typing_extensions import override

from tap_sumeru.errors import BatchFileError, TargetClosed
from tap_sumeru.output import private_files
from tap_sumeru.output.batch_files import BatchConfig, BatchFiles
from tap_sumeru.output.messages import MessageWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

LINES = [b'{"id":%d}' % number for number in range(5)]


class Target(MessageWriter):
    """Keeps what the files hold when their BATCH message arrives.

    Attributes:
        closed: Whether the target has closed its input.
        received: The stream and the content of each file, in order.
        paths: The files.
    """

    def __init__(self) -> None:
        self.closed = False
        self.received: list[tuple[str, list[bytes]]] = []
        self.paths: list[Path] = []

    @override
    def write_batch(self, stream: str, encoding: Mapping[str, str], manifest: list[str]) -> None:
        if self.closed:
            raise TargetClosed("the target has closed its input")
        (url,) = manifest
        path = Path(urlsplit(url).path)
        content = path.read_bytes()
        content = gzip.decompress(content) if encoding["compression"] == "gzip" else content
        self.received.append((stream, content.splitlines()))
        self.paths.append(path)


@pytest.fixture
def target() -> Target:
    """Receive the messages."""
    return Target()


def files_of(folder: Path, target: Target, compression: str = "gzip", size: int = 2) -> BatchFiles:
    encoding = {"format": "jsonl", "compression": compression}
    config = BatchConfig.from_config(
        {"encoding": encoding, "storage": {"root": folder.as_uri()}, "batch_size": size}
    )
    assert config is not None
    return BatchFiles(config, target)


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_a_file_is_complete_when_its_message_is_written(
    tmp_path: Path, target: Target, compression: str
) -> None:
    files = files_of(tmp_path, target, compression)
    files.write("orders", LINES)
    assert target.received == [("orders", LINES[:2]), ("orders", LINES[2:4])]
    files.flush()
    assert target.received[2:] == [("orders", LINES[4:])]


def test_messages_go_out_as_files_are_full_and_at_the_end_in_the_order_in_which_they_were_created(
    tmp_path: Path, target: Target
) -> None:
    files = files_of(tmp_path, target)
    files.write("orders", LINES[:1])
    files.write("customers", LINES[:1])
    files.write("products", LINES[:2])
    files.write("orders", LINES[1:2])
    assert target.received == [("products", LINES[:2]), ("orders", LINES[:2])]
    files.write("orders", LINES[2:3])
    files.write("attribution", LINES[:1])
    files.flush()
    assert [stream for stream, _ in target.received[2:]] == ["customers", "orders", "attribution"]
    assert len(set(target.paths)) == len(target.paths)


def test_a_flush_without_new_rows_writes_no_message(tmp_path: Path, target: Target) -> None:
    files = files_of(tmp_path, target)
    files.write("orders", LINES[:2])
    files.write("orders", [])
    files.flush()
    files.flush()
    assert len(target.received) == 1


def test_only_files_that_no_message_names_are_removed(tmp_path: Path, target: Target) -> None:
    files = files_of(tmp_path, target)
    files.write("orders", LINES)
    files.write("customers", LINES[:1])
    assert len(list(tmp_path.iterdir())) == 4
    files.discard()
    assert sorted(tmp_path.iterdir()) == sorted(target.paths)
    assert len(target.paths) == 2
    files.flush()
    assert len(target.received) == 2


def test_a_complete_file_is_removed_if_its_message_could_not_be_written(
    tmp_path: Path, target: Target
) -> None:
    files = files_of(tmp_path, target)
    target.closed = True
    with pytest.raises(TargetClosed):
        files.write("orders", LINES[:2])
    assert len(list(tmp_path.iterdir())) == 1
    files.discard()
    assert list(tmp_path.iterdir()) == []


class FullDisk:
    """A file on a disk with room for the header of a compressed file only; closing it fails too."""

    room = 10

    def __init__(self, path: Any) -> None:
        Path(path.path).touch()

    def write(self, content: bytes) -> int:
        self.room -= len(content)
        if self.room < 0:
            raise OSError(28, "No space left on device")
        return len(content)

    def close(self) -> None:
        raise OSError(28, "No space left on device")


class FullAtTheEnd(FullDisk):
    """A file whose content fits into the buffer, so that only closing it fails."""

    room = 1000


@pytest.mark.parametrize("disk", [FullDisk, FullAtTheEnd])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_a_file_that_cannot_be_written_or_closed_is_removed_and_no_message_names_it(
    tmp_path: Path, target: Target, monkeypatch: pytest.MonkeyPatch, compression: str, disk: type[FullDisk]
) -> None:
    monkeypatch.setattr(private_files, "create", disk)
    files = files_of(tmp_path, target, compression)
    with pytest.raises(BatchFileError, match=r"a file cannot be written \(No space left on device\)"):
        files.write("orders", LINES)
    assert len(list(tmp_path.iterdir())) == 1
    files.discard()
    assert list(tmp_path.iterdir()) == []
    assert target.received == []


def test_a_file_that_cannot_be_removed_does_not_keep_the_others(tmp_path: Path, target: Target) -> None:
    files = files_of(tmp_path, target)
    for stream in ("orders", "customers", "products"):
        files.write(stream, LINES[:1])
    next(path for path in tmp_path.iterdir() if path.name.startswith("customers")).unlink()
    files.discard()
    assert list(tmp_path.iterdir()) == []
