"""A temporary PostgreSQL server on a free port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_USER = "postgres"


@dataclass(frozen=True)
class Database:
    """A running server."""

    port: int
    programs: Path

    def sql(self, text: str) -> str:
        """Run a statement and return its output."""
        command = [
            str(self.programs / "psql"),
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            _USER,
            "-Atc",
            text,
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def target(self, *, empty: bool = True) -> dict[str, Any]:
        """Empty the schema unless it shall stay; return the config of target-postgres."""
        if empty:
            self.sql("drop schema if exists shop cascade")
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": _USER,
            "password": "unused",
            "database": _USER,
            "default_target_schema": "shop",
        }

    def wrong(self, table: str, rows: int) -> str:
        """Return what is wrong with a table whose rows should have the ids from 0 on; empty if nothing is."""
        ids = "count(*), count(distinct id), min(right(id, 8)), max(right(id, 8))"
        found = self.sql(f"select {ids} from shop.{table}")  # noqa: S608 - a table of ours
        whole = f"{rows}|{rows}|{0:08}|{rows - 1:08}"
        return "" if found == whole else f"the table has {found}, not {whole}"


@contextmanager
def running() -> Iterator[Database]:
    """Start a server, and stop it at the end."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="bench-postgres-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    if os.geteuid() == 0:
        shutil.chown(folder, _USER)
    data = str(folder / "data")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    try:
        _as_user([str(programs / "initdb"), "-D", data, "-U", _USER, "-A", "trust"])
        log = str(folder / "log")
        _as_user([str(programs / "pg_ctl"), "-D", data, "-o", options, "-l", log, "-w", "start"])
        yield Database(port, programs)
    finally:
        _as_user([str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop"], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _as_user(command: Sequence[str], *, check: bool = True) -> None:
    """Run a program of PostgreSQL as its user, since it refuses to run as root."""
    prefix = ["runuser", "-u", _USER, "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, *command], check=check, stdout=subprocess.DEVNULL, cwd="/")


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if not found and not on_path:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1].parent if found else Path(str(on_path)).parent
