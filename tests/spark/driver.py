"""A program with a Spark session of its own, as a notebook has it, which does what a test asks for."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from spark import environments

if TYPE_CHECKING:
    from types import TracebackType

Json = dict[str, Any]
JOBS = Path(__file__).with_name("jobs.py")


class JobFailed(Exception):
    """A job has raised an exception; the message is its text."""


class Driver:
    """A Spark driver in a process of its own.

    Args:
        version: The version of Spark.
        folder: Its working directory, which also receives its log.
        session: What the session is built with: `master` or `remote`, and `conf`; without the first two there
            is none.
    """

    def __init__(self, version: str, folder: Path, **session: Any) -> None:
        self._version = version
        self._session = session
        self._process: subprocess.Popen[str] | None = None
        self._count = 0
        self.folder = folder
        self.log = folder / "driver.log"

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        python = str(environments.python(self._version))
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [python, str(JOBS), json.dumps(self._session)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.folder,
                env=environment(self._version),
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self, job: str, **arguments: Any) -> None:
        """Start a job."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"job": job, "arguments": arguments}) + "\n")
        self._process.stdin.flush()

    def is_done(self) -> bool:
        """Return whether the job that was started has ended."""
        assert self._process is not None
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def result(self) -> Any:
        """Return the result of the job that was started.

        Raises:
            JobFailed: The job has failed.
        """
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise JobFailed(f"the driver has ended: {self.log.read_text()[-3000:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise JobFailed(answer["error"])
        return answer["result"]

    def run(self, job: str, **arguments: Any) -> Any:
        """Run a job to its end, and return its result."""
        self.start(job, **arguments)
        return self.result()

    def rows(self, job: str, **arguments: Any) -> list[Json]:
        """Run a job that returns rows."""
        self._count += 1
        path = self.folder / f"rows-{self._count}.jsonl"
        self.run(job, out=str(path), **arguments)
        rows = self.written(path)
        path.unlink()
        return rows

    @staticmethod
    def written(path: Path) -> list[Json]:
        """Return the rows that a job has written to a file."""
        return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]

    def kill(self) -> None:
        """Kill the driver, with its Java process, at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
            self._process = None


def environment(version: str) -> dict[str, str]:
    """Return the environment variables of a process of Spark."""
    python = str(environments.python(version))
    own = {
        "PYSPARK_PYTHON": python,
        "PYSPARK_DRIVER_PYTHON": python,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYTHONPATH": str(environments.ROOT),  # this checkout, whichever is installed there
        "TZ": "UTC",
    }
    unwanted = {"SPARK_HOME", "VIRTUAL_ENV"}
    return {name: value for name, value in os.environ.items() if name not in unwanted} | own
