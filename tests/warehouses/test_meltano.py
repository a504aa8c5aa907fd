"""The recipes of `meltano.yml` and docs/, as Meltano runs them: schedules, a backfill, the state."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import yaml

from support.tap_cli import Tap
from warehouses import targets
from warehouses.conftest import Pipeline
from warehouses.warehouse import WAREHOUSES, DuckDb

if TYPE_CHECKING:
    from pathlib import Path

    from sumeru_sandbox import Sandbox
    from warehouses.conftest import Start
    from warehouses.warehouse import Json, Warehouse

ROOT = targets.ROOT
DOCS = ROOT / "docs"
UV = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
STREAM = "campaigns"
SHOP = "acme"
PATIENCE = 120


def schedule(name: str) -> Json:
    """The environment that a schedule of `meltano.yml` brings."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (env,) = (one.get("env", {}) for one in project["schedules"] if one["name"] == name)
    return dict(env)


@dataclass
class Project:
    """Meltano's project, with all that it makes in folders of the tests.

    Attributes:
        folder: Where it installs the plugins.
        states: Where it keeps the state, in files.
        sandbox: The API.
        warehouse: What its loader loads into.
    """

    folder: Path
    states: Path
    sandbox: Sandbox
    warehouse: Warehouse

    def command(self, *arguments: str) -> list[str]:
        start = [UV, "tool", "run", "--python", targets.PYTHON, "--from", "meltano==4.4.1", "meltano"]
        return [*start, "--env-file", os.devnull, "--environment", "prod", *arguments]

    def env(self, name: str, **env: str) -> dict[str, str]:
        """The environment in which Meltano loads into a schema of this name."""
        own = ("MELTANO_", "TAP_SUMERU_", "TARGET_")
        config = self.warehouse.config(name)
        target = self.warehouse.target.upper().replace("-", "_")
        wanted = config.keys() & {"path", "sqlalchemy_url", "default_target_schema"}
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(own)},
            **{f"{target}_{name.upper()}": str(config[name]) for name in wanted},
            "MELTANO_DATABASE_URI": f"sqlite:///{self.folder / 'meltano.db'}",
            "MELTANO_STATE_BACKEND_URI": self.states.as_uri(),
            "MELTANO_SYS_DIR_ROOT": str(self.folder / "system"),
            "NO_COLOR": "1",
            "TAP_SUMERU_API_TOKEN": self.sandbox.token(SHOP),
            "TAP_SUMERU_API_URL": self.sandbox.url,
            "TAP_SUMERU_SHOP": SHOP,
            "TAP_SUMERU__SELECT": json.dumps([f"{STREAM}.*"]),
            "XDG_STATE_HOME": str(self.folder / "logs"),
            "no_proxy": "127.0.0.1",
            **env,
        }

    def meltano(self, *arguments: str, name: str = "", **env: str) -> tuple[int, str, str]:
        """Run Meltano; return its exit code, what it prints, and its log."""
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            check=False,
            cwd=ROOT,
            env=self.env(name, **env),
            text=True,
            timeout=PATIENCE,
        )
        return done.returncode, done.stdout, done.stderr

    def sync(self, name: str, *options: str, **env: str) -> str:
        """Load into a schema of this name, with a state of this name; return the log."""
        arguments = ("run", "--state-id-suffix", name, *options, "tap-sumeru", self.warehouse.target)
        code, _, log = self.meltano(*arguments, name=name, **env)
        assert code == 0, log
        return log

    def state(self, name: str) -> Json:
        file = self.states / f"prod:tap-sumeru-to-{self.warehouse.target}:{name}" / "state.json"
        return dict(json.loads(file.read_text(encoding="utf-8"))["completed"]["singer_state"])

    def rows(self, name: str) -> dict[str, Json]:
        (lines,) = self.warehouse.query(name, self.warehouse.row(STREAM))
        return {row["id"]: row for row in (json.loads(line or "") for line in lines)}

    def retired(self, name: str) -> set[str]:
        return {ident for ident, row in self.rows(name).items() if row["_sdc_deleted_at"] is not None}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Meltano installs the plugins, once for all tests of this module."""
    return tmp_path_factory.mktemp("meltano")


@pytest.fixture
def project(postgres: Warehouse, sandbox: Sandbox, folder: Path, tmp_path: Path) -> Project:
    """Meltano, from a shop of 100 customers into PostgreSQL."""
    return Project(folder, tmp_path, sandbox, postgres)


def held(sandbox: Sandbox) -> set[str]:
    return {row["id"] for row in sandbox.truth(SHOP, STREAM)}


def bookmarks(state: Json) -> list[str]:
    """Return how far each stream is read; a full read also records that it was an audit."""
    streams = state["bookmarks"].values()
    return [one["replication_key_value"] for stream in streams for one in stream["partitions"]]


def test_the_monthly_run_retires_what_is_gone_and_leaves_the_bookmarks(project: Project) -> None:
    sandbox = project.sandbox
    project.sync("monthly")
    gone, changed = sorted(held(sandbox))[:2]
    sandbox.advance(3 * 3600)
    sandbox.delete(SHOP, STREAM, gone)
    before = project.state("monthly")

    project.sync("monthly", **schedule("sumeru-monthly"))
    assert project.retired("monthly") == {gone}
    assert bookmarks(project.state("monthly")) == bookmarks(before)

    # An hourly run goes on from its own bookmark, and brings back nothing that is retired.
    sandbox.put(SHOP, STREAM, changed, subject="changed")
    sandbox.put(SHOP, STREAM, "new", subject="new")
    log = project.sync("monthly")
    assert "Sync done: 2 records" in log
    assert project.rows("monthly")[changed]["subject"] == "changed"
    assert project.retired("monthly") == {gone}
    assert set(project.rows("monthly")) == held(sandbox) | {gone}


def test_no_run_begins_while_one_of_the_same_state_is_under_way(project: Project) -> None:
    project.sandbox.configure({STREAM: {"faults": [{"kind": "hang", "seconds": 60}]}})
    arguments = ("run", "--state-id-suffix", "busy", "tap-sumeru", project.warehouse.target)
    with subprocess.Popen(
        project.command(*arguments),
        cwd=ROOT,
        env=project.env("busy"),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not project.sandbox.stats()["requests"] and time.monotonic() < deadline:
                time.sleep(0.05)
            code, _, log = project.meltano(*arguments, name="busy", **schedule("sumeru-monthly"))
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert code == 1
    assert "already running" in log


def test_a_backfill_is_bounded_and_has_a_state_of_its_own(project: Project) -> None:
    page = (DOCS / "meltano.md").read_text(encoding="utf-8")
    bounds = dict(re.findall(r"^export (TAP_SUMERU_\w+_DATE)=(\S+)$", page, re.MULTILINE))
    assert set(bounds) == {"TAP_SUMERU_START_DATE", "TAP_SUMERU_END_DATE"}
    assert "--state-id-suffix backfill-2025 tap-sumeru" in page
    since, until = bounds.values()
    for day, ident in ((since, "first"), (until, "after"), ("2024-12-31T23:59:59Z", "before")):
        project.sandbox.put(SHOP, STREAM, ident, updated_at=day)
    rows = project.sandbox.truth(SHOP, STREAM)
    inside = {row["id"] for row in rows if since <= row["updated_at"] < until}

    project.sync("backfill-2025", **bounds)
    assert set(project.rows("backfill-2025")) == inside
    (bookmark,) = project.state("backfill-2025")["bookmarks"][STREAM]["partitions"]
    assert bookmark["replication_key_value"] == until
    assert "first" in inside
    name = f"prod:tap-sumeru-to-{project.warehouse.target}"
    assert not (project.states / name).exists()


def test_the_commands_of_the_state_do_what_the_page_says(project: Project) -> None:
    page = (DOCS / "meltano.md").read_text(encoding="utf-8")
    block = page.partition("meltano state list\n")[2].partition("```")[0]
    copy = project.folder / "state.json"
    duckdb, postgres = (f"prod:tap-sumeru-to-target-{one}" for one in ("duckdb", "postgres"))
    state: Json = {"bookmarks": {"orders": {"partitions": []}}}
    (project.states / duckdb).mkdir()
    (project.states / duckdb / "state.json").write_text(
        json.dumps({"completed": {"singer_state": state}, "partial": {}}), encoding="utf-8"
    )
    for line in block.splitlines():
        command, _, output = line.removeprefix("meltano ").partition(" > ")
        code, shown, log = project.meltano(*command.replace("state.json", str(copy)).split())
        assert code == 0, log
        if output:
            copy.write_text(shown, encoding="utf-8")
    assert json.loads(copy.read_text(encoding="utf-8")) == {"singer_state": state}
    assert {path.parent.name for path in project.states.glob("*/state.json")} == {postgres}
    kept = json.loads((project.states / postgres / "state.json").read_text(encoding="utf-8"))
    assert kept["completed"] == {"singer_state": state}


@pytest.fixture
def duckdb(start: Start, sandbox: Sandbox, folder: Path, tmp_path: Path) -> Project:
    """Meltano, from a shop of 100 customers into a DuckDB file."""
    warehouse = start(next(one for one in WAREHOUSES if isinstance(one, DuckDb)))
    return Project(folder, tmp_path, sandbox, warehouse)


def test_in_duckdb_the_query_of_its_page_retires_what_the_monthly_run_did_not_meet(
    duckdb: Project, tmp_path: Path
) -> None:
    def run(name: str) -> str:
        code, _, log = duckdb.meltano("schedule", "run", name, name="duck")
        assert code == 0, log
        return log.partition(".")[0]  # when it began

    page = (DOCS / "duckdb.md").read_text(encoding="utf-8")
    (update,) = re.findall(r"```sql\n(UPDATE .*?;)\n```", page, re.DOTALL)
    run("sumeru-hourly")
    gone = min(held(duckdb.sandbox))
    duckdb.sandbox.advance(3 * 3600)
    duckdb.sandbox.delete(SHOP, STREAM, gone)
    began = run("sumeru-monthly")
    assert all(row["_sdc_batched_at"] for row in duckdb.rows("duck").values())
    assert duckdb.retired("duck") == set()

    query = re.sub(r"'\d{4}-[^']+'", f"'{began.replace('T', ' ')}'", update)
    query = query.replace("sumeru.orders", f"duck.{STREAM}")
    script = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2])"
    file = duckdb.warehouse.config("duck")["path"]
    subprocess.run([targets.program("target-duckdb", "python"), "-c", script, file, query], check=True)
    assert duckdb.retired("duck") == {gone}

    duckdb.sandbox.put(SHOP, STREAM, gone, subject="back")
    tap = Tap(
        tmp_path, {"api_url": duckdb.sandbox.url, "api_token": duckdb.sandbox.token(SHOP), "shop": SHOP}
    )
    back = Pipeline(tap, duckdb.warehouse, "duck").run(streams=(STREAM,))
    assert (back.code, back.target_code) == (0, 0), back.log + back.target_log
    assert duckdb.retired("duck") == set()
    assert set(duckdb.rows("duck")) == held(duckdb.sandbox)
