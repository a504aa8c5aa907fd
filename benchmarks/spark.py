"""The Spark data source: a thousand shops in four tasks; `make spark` installs Spark."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from typing_extensions import override

from benchmarks import processes, servers
from benchmarks.environments import PEERS, ROOT
from benchmarks.sandbox import counts
from benchmarks.scenarios import Result, at_most

if TYPE_CHECKING:
    from benchmarks.turns import Figures, Turns

_SPARK = ROOT / ".cache" / "spark"
_SLOTS, _SHOPS, _CUSTOMERS = 4, 1_000, 100
_FIRST_SECONDS, _SECOND_SECONDS, _WORKER_MIB = 60, 20, 300
_WORKER = "pyspark.daemon"
_INTERVAL = 0.2
_COLUMNS = [
    "sync",
    "seconds",
    "records in the table",
    "CPU s of Spark",
    "peak MiB of a Python worker",
    "void",
]
_NOTE = (
    "Spark {version}, {shops:,} shops with {rows:,} rows each, in {slots} tasks. The server of pages from "
    "memory, Spark and its Python workers share all cores; the session has been used before, as that of a "
    "notebook. CPU and memory are those of both syncs and of the start of Spark."
)


def version() -> str:
    """Return the newest version of Spark that `make spark` has installed; empty if there is none."""
    return max((path.parts[-3] for path in _SPARK.glob("*/bin/python")), key=_parts, default="")


def _parts(name: str) -> list[int]:
    return [int(part) for part in name.split(".") if part.isdecimal()]


class Watch(threading.Thread):
    """Watches a driver and all that it starts, until it has ended.

    Args:
        pid: The driver.

    Attributes:
        peak: The largest resident memory of a Python worker so far, in bytes.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._driver = psutil.Process(pid)
        self._cpu: dict[int, float] = {}
        self.peak = 0

    @property
    def cpu(self) -> float:
        """CPU seconds of all processes so far, those that have ended included."""
        return sum(self._cpu.values())

    @override
    def run(self) -> None:
        """Watch until the driver has ended."""
        with suppress(psutil.NoSuchProcess):
            while self._driver.status() != psutil.STATUS_ZOMBIE:
                for member in [self._driver, *self._driver.children(recursive=True)]:
                    with suppress(psutil.Error):
                        self._look(member)
                time.sleep(_INTERVAL)

    def _look(self, member: psutil.Process) -> None:
        times = member.cpu_times()
        self._cpu[member.pid] = times.user + times.system
        if any(_WORKER in part for part in member.cmdline()):
            self.peak = max(self.peak, member.memory_info().rss)


def spark(turns: Turns) -> Result:
    """Measure a first sync of many shops, and a sync with nothing new."""
    shops = 12 if turns.quick else _SHOPS
    newest = version()
    if not newest:
        raise SystemExit("spark: Spark is not installed; run `make spark` first")
    processes.pin(os.getpid(), None)
    try:
        found = turns.kept(f"Spark {newest}", lambda: _measured(turns, shops, newest))
    finally:
        processes.pin(os.getpid(), -1)
    rows = sum(counts(_CUSTOMERS).values())
    return Result(
        "Spark, many shops",
        _COLUMNS,
        [
            ["first", found["first"], found["records"], found["cpu"], found["worker_mib"], found["wrong"]],
            ["with nothing new", found["second"], found["records"], "", "", found["wrong"]],
        ],
        [
            at_most(f"{shops:,} shops, first sync: seconds", found["first"], _FIRST_SECONDS, found),
            at_most(f"{shops:,} shops, nothing new: seconds", found["second"], _SECOND_SECONDS, found),
            at_most("peak MiB of a Python worker", found["worker_mib"], _WORKER_MIB, found),
        ],
        [_NOTE.format(version=newest, shops=shops, rows=rows, slots=_SLOTS)],
    )


def _measured(turns: Turns, shops: int, installed: str) -> Figures:
    """Sync the shops twice, with this checkout."""
    python = _SPARK / installed / "bin" / "python"
    log = turns.log("spark")
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.replay(_CUSTOMERS, now="", options=[f"--shops={shops}"]) as server,
    ):
        entries = [{"shop": servers.shop(i), "api_token": servers.token(i)} for i in range(shops)]
        file = Path(folder) / "shops.json"
        file.write_text(json.dumps(entries))
        script = str(PEERS / "spark_sync.py")
        command = [str(python), script, str(_SLOTS), server.url, str(file), f"{folder}/bronze"]
        own = {"PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": str(python), "SPARK_LOCAL_IP": "127.0.0.1"}
        others = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        with (
            log.open("w") as errors,
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder, env=others | own
            ) as process,
        ):
            watch = Watch(process.pid)
            watch.start()
            try:
                lines, _ = process.communicate()
            except BaseException:
                process.kill()  # Java ends with it
                raise
    if process.returncode:
        raise SystemExit(f"spark: the driver failed; see {log}")
    first, second = map(json.loads, lines.splitlines())
    return _figures(first, second, watch, shops * sum(counts(_CUSTOMERS).values()))


def _figures(first: dict[str, Any], second: dict[str, Any], watch: Watch, expected: int) -> Figures:
    held = first["distinct"]
    return {
        "first": first["seconds"],
        "second": second["seconds"],
        "records": held,
        "worker_mib": watch.peak / (1 << 20),
        "cpu": watch.cpu,
        "wall": first["seconds"] + second["seconds"],
        "rss_mib": watch.peak / (1 << 20),
        "wrong": "" if held == expected else f"{held:,} of {expected:,} records",
    }
