"""Runs tap-sumeru and target-duckdb with Meltano, and reads what they have loaded; used by demo.py."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import IO

    Counts = dict[str, dict[str, int]]

ROOT = Path(__file__).resolve().parent.parent
MARTS = ROOT / "scripts" / "marts.py"
MELTANO = "meltano==4.4.1"
PYTHON = sys.executable if sys.version_info < (3, 14) else "3.13"
"""Python version for Meltano and its plugins: the loader's duckdb has no wheel for 3.14."""
_SYNC_DONE = re.compile(r"Sync done: (\d+) records?, (\d+) requests?")
_LAST_LINES = 15
_LOG_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\S+ ")
_POLL_SECONDS = 0.2
_STOP_SECONDS = 20
"""Time for a stopped run to end before it is killed."""
_COUNT = """
import duckdb, json, sys
db = duckdb.connect(sys.argv[1], read_only=True)
tables = db.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'sumeru'").fetchall()
query = 'SELECT shop, count(*) FROM sumeru."{}" GROUP BY shop'
print(json.dumps({table: dict(db.execute(query.format(table)).fetchall()) for table, in tables}))
"""
_QUERY = """
import duckdb, json, sys
db = duckdb.connect(sys.argv[1], read_only=True)
print(json.dumps(db.execute(sys.argv[2]).fetchall()))
"""


class Failed(Exception):
    """The demo failed; the text says why."""


@dataclass(frozen=True)
class Pipeline:
    """A run of tap and loader with Meltano, and its files."""

    folder: Path
    name: str
    uv: str

    def file(self, suffix: str) -> Path:
        """Return the path of a file of this pipeline."""
        return self.folder / f"{self.name}.{suffix}"

    def shown(self, suffix: str) -> str:
        """Return the path relative to the working directory."""
        return os.path.relpath(self.file(suffix))

    def run(
        self,
        env: Mapping[str, str],
        options: Sequence[str],
        requests: Callable[[], int] | None = None,
        total: int | None = None,
    ) -> float:
        """Run tap and loader, and return the seconds that it took.

        Args:
            env: Environment variables.
            options: Options of Meltano.
            requests: Returns the number of requests made so far; None if it is unknown.
            total: About how many requests it takes, None if it is unknown.

        Raises:
            Failed: The run failed.
        """
        meltano = [self.uv, "tool", "run", "--python", PYTHON, "--from", MELTANO, "meltano"]
        # Meltano's lock survives a killed run; DuckDB's lock prevents concurrent runs without it.
        run = ["--environment", "demo", "run", "--force", "tap-sumeru", "target-duckdb"]
        started_at = time.monotonic()
        with (
            self.file("log").open("wb") as log,
            _process([*meltano, *options, *run], log, {**env, **self._env()}) as process,
            progress_bar("Syncing", "requests" if requests else "") as update,
        ):
            while process.poll() is None:
                update(requests() if requests else 0, total)
                time.sleep(_POLL_SECONDS)
        if process.returncode:
            raise Failed(f"The run failed. Last lines of {self.shown('log')}:\n\n{self._last_lines()}")
        return time.monotonic() - started_at

    def _env(self) -> dict[str, str]:
        """Return settings that separate this run from the user's own Meltano runs."""
        meltano = self.folder / ".meltano"
        return {
            "MELTANO_DATABASE_URI": f"sqlite:///{self.file('state')}",
            "MELTANO_STATE_BACKEND_URI": "systemdb",
            "MELTANO_SYS_DIR_ROOT": str(meltano),
            "NO_COLOR": "1",
            "TARGET_DUCKDB_PATH": str(self.file("duckdb")),
            "XDG_STATE_HOME": str(meltano / "logs"),
        }

    def _log(self) -> str:
        return self.file("log").read_text(encoding="utf-8", errors="replace")

    def _last_lines(self) -> str:
        """Return the last errors of the log without repetition, or its last lines if it has no errors."""
        lines = [_LOG_TIME.sub("", line) for line in self._log().splitlines()]
        errors = dict.fromkeys(line for line in lines if line.startswith(("[error", "[critical")))
        return "\n".join(list(errors or lines)[-_LAST_LINES:])

    def logged_counts(self) -> tuple[int, int]:
        """Return the records and requests of the run, from the log of the tap."""
        records, requests = _SYNC_DONE.findall(self._log())[-1]
        return int(records), int(requests)

    def rows(self) -> Counts:
        """Return the rows of the file by table and shop."""
        with progress_bar("Counting the rows"):
            rows: Counts = json.loads(self._read(_COUNT))
        return rows

    def query(self, sql: str) -> list[list[object]]:
        """Return the rows of a query on the file."""
        rows: list[list[object]] = json.loads(self._read(_QUERY, sql))
        return rows

    def _read(self, script: str, *arguments: str) -> str:
        """Return what a script prints that reads the file with the loader's version of DuckDB."""
        python = self.folder / ".meltano/loaders/target-duckdb/venv/bin/python"
        command = [str(python), "-c", script, str(self.file("duckdb")), *arguments]
        read = subprocess.run(command, capture_output=True, check=False, text=True)
        if read.returncode:
            raise Failed(f"The rows of {self.shown('duckdb')} cannot be read.\n\n{read.stderr}")
        return read.stdout

    def marts(self, *options: str) -> None:
        """Build marts with dbt, and draw three charts from them.

        Raises:
            Failed: A model or a test failed.
        """
        command = [sys.executable, str(MARTS), str(self.file("duckdb")), "--uv", self.uv, *options]
        with _process(command, None, os.environ) as process:
            if process.wait():
                raise Failed(
                    f"The rows are complete in {self.shown('duckdb')}, but building the marts failed."
                )


@contextmanager
def _process(
    command: Sequence[str], log: IO[bytes] | None, env: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process; at the end of the `with` block it and its children have ended."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT if log else None,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
