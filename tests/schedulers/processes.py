"""Long-running processes of a scheduler, each ended with all that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

T = TypeVar("T")
PATIENCE = 400


@contextmanager
def running(command: Sequence[str | Path], log: Path, env: Mapping[str, str]) -> Iterator[None]:
    """Run a command until the end of the block, with its output in a file."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=log.parent, env=env, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(found: Callable[[], T | None], what: str, *logs: Path) -> T:
    """Wait until a function returns something; else fail with the end of some logs."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.5)
    ends = "\n".join(f"{log.name}:\n{log.read_text(errors='replace')[-3000:]}" for log in logs)
    raise AssertionError(f"{what} has not come in {PATIENCE} s\n{ends}")


def overlaps(intervals: Sequence[tuple[Any, Any]]) -> bool:
    """Whether two intervals of the same kind overlap."""
    ordered = sorted(intervals)
    return any(one[1] > other[0] for one, other in pairwise(ordered))
