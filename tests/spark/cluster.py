"""A standalone cluster on this machine: a master and two workers, each in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import psutil

from spark import environments
from spark.driver import environment

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_EXECUTOR = "CoarseGrainedExecutorBackend"
_START_SECONDS = 120


class Cluster:
    """A master and two workers with one slot each.

    Args:
        version: The version of Spark.
        folder: Where the logs and the working directories are.
    """

    def __init__(self, version: str, folder: Path) -> None:
        self._version = version
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.url = ""

    def __enter__(self) -> Self:
        port = _free_port()
        self.url = f"spark://127.0.0.1:{port}"
        self._start("master", "Master", "--port", str(port), "--webui-port", "0")
        self._wait_for("master", "I have been elected leader")
        for name in ("worker-1", "worker-2"):
            resources = ("--cores", "1", "--memory", "1g", "--work-dir", str(self._folder / name))
            self._start(name, "Worker", "--webui-port", "0", *resources, self.url)
        for name in ("worker-1", "worker-2"):
            self._wait_for(name, "Successfully registered with master")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._processes):
            for pid in (process.pid, *(one.pid for one in _descendants(process.pid))):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()

    def executors(self) -> list[psutil.Process]:
        """Return the executors that run now."""
        found = []
        for process in (one for worker in self._processes[1:] for one in _descendants(worker.pid)):
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if any(_EXECUTOR in part for part in process.cmdline()):
                    found.append(process)
        return found

    def _start(self, name: str, kind: str, *arguments: str) -> None:
        program = environments.spark_home(self._version) / "bin" / "spark-class"
        command = [
            str(program),
            f"org.apache.spark.deploy.{kind.lower()}.{kind}",
            "--host",
            "127.0.0.1",
            *arguments,
        ]
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    command,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._folder,
                    env={**environment(self._version), "SPARK_DAEMON_MEMORY": "256m"},
                )
            )

    def _wait_for(self, name: str, text: str) -> None:
        log = self._folder / f"{name}.log"
        end = time.monotonic() + _START_SECONDS
        while text not in log.read_text(errors="replace"):
            assert time.monotonic() < end, log.read_text(errors="replace")[-3000:]
            time.sleep(0.1)


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
