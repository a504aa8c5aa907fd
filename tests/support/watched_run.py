"""A run of the tap that reports its progress ten times a second, and a reader of its log."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from support.tap_cli import Tap

QUICK = """
import sumeru_api.request_queue, tap_sumeru.sync.watch, tap_sumeru.tap
sumeru_api.request_queue._SILENT = tap_sumeru.sync.watch._STALLED = 0.2
tap_sumeru.sync.watch.FIRST_SECONDS = tap_sumeru.sync.watch.INTERVAL_SECONDS = 0.1
tap_sumeru.tap.TapSumeru.cli()
"""
"""A program that runs the tap, reports its progress ten times a second, and a stall after 0.2 s."""


class WatchedRun(ExitStack):
    """A run whose stdout nobody reads until `finish`.

    Args:
        tap: The tap's command line.
        streams: The streams to sync.
        config: Further settings.

    Attributes:
        log: The messages of the log so far.
        process: The process.
    """

    def __init__(self, tap: Tap, *streams: str, **config: Any) -> None:
        super().__init__()
        command = tap.command(streams=streams, **config)
        command[1:3] = ["-c", QUICK]
        pipe = subprocess.PIPE
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.log: list[str] = []
        self.process = self.enter_context(
            subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=tap.folder, env=environment)
        )
        self.callback(self.process.kill)

    def seen(self, text: str, times: int = 1) -> str:
        """Read the log until so many more lines contain a text; return the last of them."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line.split(" | ")[-1].strip())
            times -= text in line
            if not times:
                return self.log[-1]
        raise AssertionError(f"{text!r} was not logged: {self.log}")

    def finish(self) -> int:
        """Read stdout and the rest of the log; return the exit code."""
        _, rest = self.process.communicate(timeout=60)
        self.log += [line.split(" | ")[-1].strip() for line in rest.splitlines()]
        return self.process.returncode
