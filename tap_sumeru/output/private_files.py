"""Files with customer data: on a local disk only the user who runs the tap can read them."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from upath import UPath


def create(path: UPath) -> IO[bytes]:
    """Create a file for its owner only, and open it for writing; a bucket has its own policy."""
    if not _is_local(path):
        file: IO[bytes] = path.open("wb")
        return file
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path.path, flags, 0o600), "wb")


def make_folder(folder: UPath) -> None:
    """Create a folder and those above it, local ones for their owner only; one that exists stays as it is."""
    if not _is_local(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return
    path = Path(folder.path)
    missing = [one for one in (path, *path.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def _is_local(path: UPath) -> bool:
    return path.protocol in ("", "file", "local")
