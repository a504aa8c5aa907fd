"""The job `sumeru-tags` of `meltano.yml`: changes from PostgreSQL are written into the shop, by Meltano."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml

from sumeru_sandbox import Sandbox
from warehouses import targets
from warehouses.conftest import require
from warehouses.meltano_project import PATIENCE
from warehouses.warehouse import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warehouses.conftest import Start
    from warehouses.warehouse import Json

pytestmark = pytest.mark.timeout(900)
_TAG = "of-this-test"
_CUSTOMERS = 40
_TASK = ("tap-postgres", "target-sumeru")


class WriteBack:
    """A project of Meltano with the two plugins of the job, and the table that they read.

    Args:
        folder: Where it is.
        postgres: The server of the table.
        sandbox: The API.
    """

    def __init__(self, folder: Path, postgres: Postgres, sandbox: Sandbox) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.url = str(postgres.config("analytics")["sqlalchemy_url"])
        project: Json = yaml.safe_load((targets.ROOT / "meltano.yml").read_text(encoding="utf-8"))
        programs = {
            "tap-postgres": targets.program("tap-postgres"),
            "target-sumeru": targets.ROOT / ".venv" / "bin" / "target-sumeru",
        }
        for kind in ("extractors", "loaders"):
            plugins = [one for one in project["plugins"][kind] if one["name"] in programs]
            for plugin in plugins:
                plugin.pop("pip_url")
                plugin["executable"] = str(programs[plugin["name"]])
            project["plugins"][kind] = plugins
        (folder / "meltano.yml").write_text(yaml.safe_dump(project), encoding="utf-8")

    def fill(self, customers: list[str]) -> None:
        """Put the changes into the table that dbt builds."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS analytics")
            connection.execute("DROP TABLE IF EXISTS analytics.sumeru__tag_changes")
            columns = "shop text, id text, add_tags text[], remove_tags text[]"
            connection.execute(f"CREATE TABLE analytics.sumeru__tag_changes ({columns})")
            for customer in customers:
                values = ("acme", customer, [_TAG], None)
                connection.execute(
                    "INSERT INTO analytics.sumeru__tag_changes VALUES (%s, %s, %s, %s)", values
                )

    def start(self, environment: str = "prod") -> subprocess.Popen[bytes]:
        """Start Meltano with the tasks of the job."""
        own = ("MELTANO_", "TAP_", "TARGET_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        settings = {
            "TAP_POSTGRES_SQLALCHEMY_URL": self.url,
            "TARGET_SUMERU_API_TOKEN": self.sandbox.token("acme"),
            "TARGET_SUMERU_API_URL": self.sandbox.url,
            "TARGET_SUMERU_SHOP": "acme",
            "TARGET_SUMERU_CONCURRENCY": "2",
            "NO_COLOR": "1",
        }
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                [targets.program("meltano"), "--environment", environment, "run", "--force", *_TASK],
                cwd=self.folder,
                env={**inherited, **settings},
                start_new_session=True,
                stdout=log,
                stderr=log,
            )

    def run(self, environment: str = "prod") -> None:
        """Run the tasks to their end."""
        assert self.start(environment).wait(PATIENCE) == 0, (self.folder / "log").read_text(encoding="utf-8")

    def written(self) -> list[str]:
        """Return the ids of the customers that were written, in order."""
        return [row.id for row in self.sandbox.writes("acme")]

    def tagged(self) -> set[str]:
        """Return the ids of the customers that have the tag."""
        return {row["id"] for row in self.sandbox.truth("acme", "customers") if _TAG in (row["tags"] or ())}


@pytest.fixture
def write_back(start: Start, tmp_path: Path) -> Iterator[WriteBack]:
    """The project, for a shop with a hundred customers."""
    require(targets.missing("meltano") or targets.missing("tap-postgres"))
    postgres = start(Postgres())
    with Sandbox(["acme"], customers=100) as sandbox:
        yield WriteBack(tmp_path, postgres, sandbox)


def customers(sandbox: Sandbox) -> list[str]:
    return [str(row["id"]) for row in sandbox.truth("acme", "customers")[:_CUSTOMERS]]


def test_changes_are_written_once_and_the_second_run_writes_nothing(write_back: WriteBack) -> None:
    wanted = customers(write_back.sandbox)
    write_back.fill(wanted)
    write_back.run()
    assert write_back.tagged() == set(wanted)
    assert sorted(write_back.written()) == sorted(wanted)
    write_back.run()
    assert len(write_back.written()) == len(wanted)


def test_after_a_kill_the_next_run_writes_what_is_missing(write_back: WriteBack) -> None:
    wanted = customers(write_back.sandbox)
    write_back.fill(wanted)
    write_back.sandbox.configure({"acme/customers": {"latency_ms": 50}})
    process = write_back.start()
    until = time.monotonic() + PATIENCE
    while len(write_back.written()) < _CUSTOMERS // 4:
        assert process.poll() is None, (write_back.folder / "log").read_text(encoding="utf-8")
        assert time.monotonic() < until
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = len(write_back.written())
    assert before < _CUSTOMERS
    write_back.sandbox.configure({"acme/customers": {"latency_ms": None}})
    write_back.run()
    assert write_back.tagged() == set(wanted)
    in_flight = 2  # of the killed run, whose answers nobody has read
    assert len(write_back.written()) <= len(wanted) + in_flight


def test_the_environment_dev_only_plans(write_back: WriteBack) -> None:
    write_back.fill(customers(write_back.sandbox))
    write_back.run("dev")
    assert write_back.written() == []
    log = (write_back.folder / "log").read_text(encoding="utf-8")
    assert f"{_CUSTOMERS} to change" in log
