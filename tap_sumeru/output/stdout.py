"""Standard output: a write either succeeds as a whole, or raises an error that is one line."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, BinaryIO, TextIO

import click
from typing_extensions import override

from tap_sumeru.errors import TargetClosed

if TYPE_CHECKING:
    from collections.abc import Iterator


def write(content: bytes, *, to_target: bool = False) -> None:
    """Write UTF-8 to stdout, and flush it.

    Args:
        content: Whole lines.
        to_target: Whether the reader is a Singer target.

    Raises:
        TargetClosed: The reader has gone, its disk is full, or stdout was closed at the start.
    """
    out = sys.stdout
    if out is None:
        raise TargetClosed("stdout is closed")
    try:
        if hasattr(out, "buffer"):
            _write_all(out.buffer, content)
        else:  # stdout is captured in memory
            out.write(content.decode())
        out.flush()
    except OSError as error:
        drop(out)
        if to_target and isinstance(error, BrokenPipeError):
            raise TargetClosed("the target has closed its input; its log says why") from None
        raise TargetClosed(f"stdout cannot be written ({error.strerror})") from None


def drop(out: TextIO) -> None:
    """Redirect a stream that cannot be written to the null device, or flushing it at exit fails again."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def printed_whole() -> Iterator[None]:
    """Collect what a library prints, and write it with `write` at the end.

    Raises:
        TargetClosed: As for `write`.
    """
    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text):
            yield
    finally:
        if text.getvalue():
            write(text.getvalue().encode())


class PrintingCommand(click.Command):
    """A command that reports an error if its --help or --version cannot be written."""

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; meanwhile the callbacks of some options print."""
        with printed_whole():
            return super().parse_args(ctx, args)


def _write_all(out: BinaryIO, content: bytes) -> None:
    # Under PYTHONUNBUFFERED a signal can interrupt a write half-way, which only the count shows.
    left = memoryview(content)
    while left:
        left = left[out.write(left) :]
