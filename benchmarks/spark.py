"""Measures the Spark data source: a thousand shops in four tasks, `python -m benchmarks.spark [SHOPS]`.

`make spark` installs Spark. The server of pages from memory, Spark and its Python workers share the cores of
this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
from typing_extensions import override

from benchmarks import servers
from benchmarks.sandbox import counts

ROOT = Path(__file__).parents[1]
SLOTS, CUSTOMERS = 4, 100
FIRST_SECONDS, SECOND_SECONDS, WORKER_MIB = 60, 20, 300
_WORKER = "pyspark.daemon"
_INTERVAL = 0.2


class Memory(threading.Thread):
    """Watches the memory of Spark's Python workers.

    Args:
        pid: The driver.

    Attributes:
        peak: The largest resident memory of a worker so far, in bytes.
        cpu: CPU seconds of the driver and of all that it has started and that still runs.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self.peak = 0
        self.cpu = 0.0

    @override
    def run(self) -> None:
        """Watch until the driver has ended."""
        while True:
            try:
                members = psutil.Process(self._pid).children(recursive=True)
            except psutil.NoSuchProcess:
                return
            cpu = 0.0
            for member in members:
                with suppress(psutil.Error):
                    times = member.cpu_times()
                    cpu += times.user + times.system
                    if any(_WORKER in part for part in member.cmdline()):
                        self.peak = max(self.peak, member.memory_info().rss)
            self.cpu = max(self.cpu, cpu)
            time.sleep(_INTERVAL)


class Figures(NamedTuple):
    """What was measured.

    Attributes:
        first: Seconds of the first sync.
        second: Seconds of a sync with nothing new.
        records: Records after the first sync, each once.
        expected: Records that the server has.
        worker: Peak memory of a Python worker, in MiB.
        cpu: CPU seconds of Spark, those of its tasks included.
    """

    first: float
    second: float
    records: int
    expected: int
    worker: float
    cpu: float

    @property
    def bars(self) -> dict[str, bool]:
        """Whether each bar is met."""
        return {
            f"first sync at most {FIRST_SECONDS} s": self.first <= FIRST_SECONDS,
            f"second sync at most {SECOND_SECONDS} s": self.second <= SECOND_SECONDS,
            "every record is there": self.records == self.expected,
            f"at most {WORKER_MIB} MiB per Python worker": self.worker <= WORKER_MIB,
        }


def measure(shops: int, version: str) -> Figures:
    """Sync some shops twice with a version of Spark."""
    python = ROOT / ".cache" / "spark" / version / "bin" / "python"
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.replay(CUSTOMERS, now="", options=[f"--shops={shops}"]) as server,
    ):
        entries = [{"shop": servers.shop(i), "api_token": servers.token(i)} for i in range(shops)]
        file = Path(folder) / "shops.json"
        file.write_text(json.dumps(entries))
        script = str(ROOT / "benchmarks" / "peers" / "spark_sync.py")
        command = [str(python), script, str(SLOTS), server.url, str(file), f"{folder}/bronze"]
        environment = {**os.environ, "PYSPARK_PYTHON": str(python), "SPARK_LOCAL_IP": "127.0.0.1"}
        with (Path(folder) / "log").open("w") as log:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=folder, env=environment
            )
            memory = Memory(process.pid)
            memory.start()
            lines, _ = process.communicate()
        assert process.returncode == 0, (Path(folder) / "log").read_text()[-3000:]
    first, second = map(json.loads, lines.splitlines())
    expected = shops * sum(counts(CUSTOMERS).values())
    mib = memory.peak / (1 << 20)
    return Figures(first["seconds"], second["seconds"], first["distinct"], expected, mib, memory.cpu)


def main() -> int:
    """Measure, and print the figures and which bars are met."""
    shops = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    newest = max((ROOT / ".cache" / "spark").iterdir()).name
    figures = measure(shops, newest)
    print(f"Spark {newest}, {shops:,} shops in {SLOTS} tasks, load {os.getloadavg()[0]:.1f}")
    print(f"first sync {figures.first:.1f} s, {figures.records:,} of {figures.expected:,} records")
    print(f"second sync {figures.second:.1f} s")
    print(f"Python worker {figures.worker:.0f} MiB at most; Spark {figures.cpu:.0f} s of CPU")
    for bar, met in figures.bars.items():
        print(f"{'met' if met else 'MISSED'}: {bar}")
    return 0 if all(figures.bars.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
