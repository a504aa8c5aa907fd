"""Where states go: a file that is replaced in one step, or standard output."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from tap_sumeru.bulk.errors import StateFileError
from tap_sumeru.errors import TargetClosed
from tap_sumeru.output import stdout

if TYPE_CHECKING:
    from pathlib import Path


class StateOutput:
    """Writes states.

    Args:
        path: The file; None for standard output.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def write(self, state: bytes) -> None:
        """Write a state: into the file, so that it is there even after a power failure, or as a line.

        Raises:
            StateFileError: It cannot be written.
        """
        try:
            if self._path is None:
                stdout.write(state + b"\n")
            else:
                _replace(self._path, state)
        except TargetClosed as error:
            raise StateFileError(f"state: {error}.") from None
        except OSError as error:
            raise StateFileError(f"state: cannot be written ({error.strerror}).") from None


def _replace(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        shutil.copymode(path, new)
    new.replace(path)
