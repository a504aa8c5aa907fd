"""Runs commands whose standard error is a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Watched(NamedTuple):
    """What a command did: its exit code, its standard output, and what the terminal received."""

    code: int
    output: str
    shown: str


def on_a_terminal(command: Sequence[str], folder: Path) -> Watched:
    """Run a command in a folder until it ends."""
    terminal, stderr = pty.openpty()
    shown = b""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=folder) as process:
        os.close(stderr)
        while part := _read(terminal):
            shown += part
        os.close(terminal)
        assert process.stdout
        output = process.stdout.read()
    return Watched(process.returncode, output, shown.decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux, when the command has ended
        return b""
