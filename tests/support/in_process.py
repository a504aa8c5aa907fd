"""The command line in this process, up to its first request: quick enough for random inputs."""

from __future__ import annotations

import io
import json
import logging
import signal
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from typing import TYPE_CHECKING
from unittest.mock import patch

from support.tap_cli import Output
from tap_sumeru.sync.run import Run
from tap_sumeru.tap import TapSumeru

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from support.tap_cli import Json

TOKEN = "copt_test_aB3xY9zKqMnPwR2vT4uH7jL5sQ8eFc1g"
BASE: Json = {"api_token": TOKEN, "shop": "acme"}
"""A valid config."""


class Inputs:
    """Runs the command line with input files.

    Args:
        folder: Where the files are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, config: Json | None = None, **files: Any) -> Output:
        """Run with a config and other input files, up to the first request."""
        options = ["--config", self.file("config", BASE if config is None else config)]
        for name, content in files.items():
            options += [f"--{name}", self.file(name, content)]
        return run_without_api(*options)

    def file(self, name: str, content: Any) -> str:
        """Write an input file, of bytes or of any JSON, and return its path."""
        path = self._folder / f"{name}.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(path)


def partition(shop: str = "acme", **more: Any) -> Json:
    """Return a partition of a state."""
    known = {"replication_key": "updated_at", "replication_key_value": "2026-05-10T00:00:00Z"}
    return {"context": {"shop": shop}, **known, **more}


def state(*partitions: Json) -> Json:
    """Return a state of orders."""
    return {"bookmarks": {"orders": {"partitions": list(partitions)}}}


def assert_rejected(output: Output, *parts: str) -> None:
    """Assert that the run ended with one line that has these parts, and no secret."""
    assert output.code == 1, output.log
    (error,) = output.errors
    assert all(part in error for part in parts), error
    assert "Traceback" not in output.log
    assert TOKEN not in output.log


def warnings(output: Output) -> str:
    """Return the warnings of a run that has succeeded."""
    assert output.code == 0, output.log
    return "\n".join(line for line in output.log.splitlines() if " WARNING " in line)


@cache
def _discovered() -> str:
    return run_text("--discover")[1]


def discover() -> Json:
    """Return a new copy of the catalog."""
    catalog: Json = json.loads(_discovered())
    return catalog


def run_without_api(*options: str) -> Output:
    """Run the command line up to the first request, and write the schemas and the state."""
    code, out, log = run_text(*options)
    return Output(code, out.split("\n")[:-1], log)


def run_text(*options: str) -> tuple[int, str, str]:
    """Run the command line up to the first request; return its exit code, stdout and stderr."""
    out, log = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(log), patch.object(Run, "sync", _sync), _restored():
        try:
            TapSumeru.cli.main(options)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
    return code, out.getvalue(), log.getvalue()


def _sync(run: Run) -> int:
    run._log_outdated()  # noqa: SLF001 - it reads all bookmarks
    for writer in run._writers.values():  # noqa: SLF001 - as `Run.sync` does
        writer.write_schema()
    run._state.write()  # noqa: SLF001 - as `Run.sync` does
    return 0


@contextmanager
def _restored() -> Iterator[None]:
    """Restore the handlers of signals, which every tap replaces, and those of the log, which it adds to.

    With hundreds of runs in one process, each line of the log would go into hundreds of texts.
    """
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT)}
    handlers, level = logging.root.handlers.copy(), logging.root.level
    try:
        yield
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        for signum, handler in before.items():
            signal.signal(signum, handler)
