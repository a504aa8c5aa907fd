"""Three warehouses with the tap's output for a sandbox, and dbt for each of them."""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from sumeru_sandbox import Sandbox
from warehouses import targets
from warehouses.warehouse import Postgres, programs

if TYPE_CHECKING:
    from collections.abc import Iterator

    Rows = list[dict[str, str]]
    Done = subprocess.CompletedProcess[str]

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "dbt"
SHOPS = ("acme", "globex")
UV = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
_SNOWFLAKE = Path(__file__).with_name("dbt_snowflake.py")
_QUERY = """
import csv, duckdb, sys
rows = duckdb.connect(sys.argv[1]).execute(sys.argv[2])
if rows.description:
    table = csv.writer(sys.stdout)
    table.writerow([column[0] for column in rows.description])
    table.writerows(rows.fetchall())
"""


def pinned(name: str) -> tuple[str, ...]:
    """Return uv's arguments for a target or for an emulator of a warehouse."""
    first, *others = targets.PINS[name].split()
    return ("--from", first, *(part for other in others for part in ("--with", other)))


def tool(*command: str, stdin: Any = None, **environment: str) -> Done:
    """Run a command in an environment that uv creates for it."""
    return subprocess.run(
        [UV, "tool", "run", "--quiet", "--python", targets.PYTHON, *command],
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
        stdin=stdin,
        text=True,
    )


def dbt(
    adapters: tuple[str, ...],
    folder: Path,
    *arguments: str,
    profiles: Path = PROJECT / "profiles",
    project: Path = PROJECT,
    version: str = "",
    **environment: str,
) -> Done:
    """Run dbt, of the locked version or another, with some adapters; its output goes into a folder."""
    core, series, lock = "dbt-core", "", ["--constraints", str(PROJECT / "requirements.lock")]
    if version:
        core, series = f"dbt-core=={version}", f"~={version.rpartition('.')[0]}.0"
        lock = ["--with", targets.PINS["target-duckdb"].split()[1]]
    packages = [part for adapter in adapters for part in ("--with", f"dbt-{adapter}{series}")]
    places = ["--project-dir", project, "--profiles-dir", profiles]
    places += ["--target-path", folder, "--log-path", folder]
    command = ["--from", core, *packages, "dbt", "--no-use-colors", *arguments, *map(str, places)]
    return tool(*lock, *command, **environment)


@dataclass(frozen=True)
class Warehouse:
    """A warehouse.

    Attributes:
        kind: Name of its dbt adapter.
        folder: Folder of dbt's output.
        place: Path of its file, or port of its server.
        profiles: Folder of dbt's profiles.
        version: Version of dbt, such as `1.8.0`; the locked one if empty.
    """

    kind: str
    folder: Path
    place: str
    profiles: Path = PROJECT / "profiles"
    version: str = ""

    def dbt(self, *arguments: str, project: Path = PROJECT) -> tuple[Done, dict[str, str]]:
        """Run dbt in a project; return the process and the status of each node by name."""
        environment = {"SUMERU_DBT_FILE": self.place, "SUMERU_DBT_PORT": self.place}
        command = (*arguments, "--target", self.kind)
        run = dbt(
            (self.kind,),
            self.folder,
            *command,
            profiles=self.profiles,
            project=project,
            version=self.version,
            **environment,
        )
        results = self.folder / ("sources.json" if arguments[0] == "source" else "run_results.json")
        if not results.exists():
            return run, {}
        nodes = json.loads(results.read_text(encoding="utf-8"))["results"]
        name = 3 if arguments[0] == "source" else 2
        return run, {node["unique_id"].split(".")[name]: node["status"] for node in nodes}

    def query(self, sql: str) -> Rows:
        """Return the rows of a query as strings; none for other statements."""
        if self.kind == "duckdb":
            run = tool(*pinned("target-duckdb"), "python", "-c", _QUERY, self.place, sql)
        elif self.kind == "snowflake":
            run = tool(*pinned("fakesnow"), "python", str(_SNOWFLAKE), self.place, sql)
        else:
            command = ["psql", "-h", "127.0.0.1", "-p", self.place, "-U", "postgres", "--csv", "-qc", sql]
            run = subprocess.run(command, capture_output=True, check=False, text=True)
        assert run.returncode == 0, run.stderr
        return list(csv.DictReader(run.stdout.splitlines()))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_for(port: int) -> None:
    """Wait until a server listens, for a minute at most; it may have to be installed first."""
    for _ in range(600):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


def synced(folder: Path, **settings: Any) -> Path:
    """Sync two generated shops into a file and return its path; beside it, `quiet.jsonl` is the next sync."""
    with Sandbox(SHOPS, customers=100) as sandbox:
        shops = [{"shop": shop, "api_token": sandbox.token(shop)} for shop in SHOPS]
        config = folder / "config.json"
        config.write_text(json.dumps({"api_url": sandbox.url, "shops": shops, **settings}))
        command = [sys.executable, "-m", "tap_sumeru", "--config", str(config)]
        _run(command, folder / "synced.jsonl")
        last = (folder / "synced.jsonl").read_text(encoding="utf-8").splitlines()[-1]
        state = folder / "state.json"
        state.write_text(json.dumps(json.loads(last)["value"]))
        _run([*command, "--state", str(state)], folder / "quiet.jsonl")
    return folder / "synced.jsonl"


def _run(command: list[str], output: Path) -> None:
    with output.open("wb") as file:
        subprocess.run(command, check=True, stdout=file, stderr=subprocess.DEVNULL)


def _load(target: str, config: dict[str, Any], synced: Path) -> None:
    file = synced.with_suffix(f".{target}.json")
    file.write_text(json.dumps({"default_target_schema": "sumeru", **config}))
    with synced.open("rb") as records:
        run = tool(*pinned(target), target, "--config", str(file), stdin=records)
    assert run.returncode == 0, run.stderr


def duckdb(synced: Path, folder: Path) -> Warehouse:
    """Load that file into DuckDB with the loader of meltano.yml."""
    file = folder / "shops.duckdb"
    config = {**targets.defaults("target-duckdb"), "path": str(file), "temp_dir": str(folder)}
    _load("target-duckdb", config, synced)
    return Warehouse("duckdb", folder, str(file))


@contextmanager
def snowflake(synced: Path, folder: Path) -> Iterator[Warehouse]:
    """Load that file into an emulator of Snowflake, with the column types of target-snowflake."""
    port = _free_port()
    serve = [UV, "tool", "run", "--quiet", "--python", targets.PYTHON, *pinned("fakesnow")]
    serve += ["python", str(_SNOWFLAKE), str(port), "--serve"]
    with subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            loaded = tool(*pinned("fakesnow"), "python", str(_SNOWFLAKE), str(port), "--load", str(synced))
            assert loaded.returncode == 0, loaded.stderr
            account = {"account": "fakesnow", "user": "fake", "password": "snow", "protocol": "http"}
            place = {"host": "127.0.0.1", "port": port, "database": "RAW", "schema": "ANALYTICS"}
            output = {"type": "snowflake", "threads": 1, **account, **place}
            profile = {"sumeru": {"target": "snowflake", "outputs": {"snowflake": output}}}
            (folder / "profiles.yml").write_text(json.dumps(profile))
            yield Warehouse("snowflake", folder, str(port), folder)
        finally:
            server.terminate()


@contextmanager
def postgres(synced: Path, folder: Path) -> Iterator[Warehouse]:
    """Load that file into a PostgreSQL server on a free loopback port."""
    server = Postgres()
    if not (programs() and shutil.which("psql")):
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with server.running():
        config = server.config("sumeru")
        _load(server.target, config, synced)
        yield Warehouse("postgres", folder, str(urlsplit(config["sqlalchemy_url"]).port))
