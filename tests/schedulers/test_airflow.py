"""The DAG of `deploy/`, run by Airflow: one task for each shard, retried alone, and no two runs at once."""

from __future__ import annotations

import socket
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests

from schedulers.processes import overlaps, running, wait_for
from schedulers.project import SHARDS, Project, installed
from warehouses import targets

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [installed, pytest.mark.timeout(900)]
DAG = "sumeru_shards"
PROCESSES = ("api-server", "scheduler", "dag-processor")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Airflow:
    """A running Airflow, and its API.

    Attributes:
        url: Address of the API.
        project: The project that it runs.
        session: Sends the requests.
    """

    url: str
    project: Project
    session: requests.Session

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request; return the JSON of the response, None if there is none or it is an error."""
        try:
            response = self.session.request(method, f"{self.url}/{path}", json=body, timeout=30)
        except requests.ConnectionError:
            return None
        return response.json() if response.ok else None

    def log_in(self) -> bool:
        """Get a token, once the API is up."""
        answer = self.call("GET", "auth/token")
        if answer:
            self.session.headers["Authorization"] = f"Bearer {answer['access_token']}"
        return bool(answer)

    def ended(self) -> list[dict[str, Any]] | None:
        """Return all runs once at least two have ended and none is under way."""
        runs: list[dict[str, Any]] = (self.call("GET", f"api/v2/dags/{DAG}/dagRuns") or {"dag_runs": []})[
            "dag_runs"
        ]
        done = all(run["state"] in {"success", "failed"} for run in runs)
        return runs if len(runs) >= 2 and done else None

    def tasks(self) -> list[dict[str, Any]]:
        """Return the tasks of all runs, in the order of their start."""
        found = self.call("GET", f"api/v2/dags/{DAG}/dagRuns/~/taskInstances")["task_instances"]
        return sorted(found, key=lambda task: str(task["start_date"]))


@pytest.fixture
def airflow(project: Project) -> Iterator[Airflow]:
    """An Airflow with the files of `deploy/airflow`, and a database of its own."""
    home, port = project.folder / "airflow", _free_port()
    home.mkdir()
    env = {
        **project.env("airflow"),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__DAGS_FOLDER": str(project.folder / "deploy" / "airflow"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": str(SHARDS),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    }
    program = targets.program("airflow", "airflow")
    subprocess.run([program, "db", "migrate"], cwd=home, env=env, check=True, capture_output=True)
    with ExitStack() as stack:
        logs = [home / f"{name}.log" for name in PROCESSES]
        for name, log in zip(PROCESSES, logs, strict=True):
            stack.enter_context(running([program, name], log, env))
        session = stack.enter_context(requests.Session())
        session.trust_env = False
        started = Airflow(f"http://127.0.0.1:{port}", project, session)
        wait_for(started.log_in, "the API", *logs)
        wait_for(lambda: started.call("GET", f"api/v2/dags/{DAG}"), "the DAG", *logs)
        yield started


def test_each_shard_is_a_task_that_is_retried_alone_and_runs_do_not_overlap(airflow: Airflow) -> None:
    airflow.project.fail_once()
    # One run is queued by hand, and Airflow adds that of the last hour: both could start at once.
    assert airflow.call("POST", f"api/v2/dags/{DAG}/dagRuns", {"logical_date": None})
    assert airflow.call("PATCH", f"api/v2/dags/{DAG}", {"is_paused": False})
    logs = list((airflow.project.folder / "airflow").glob("*.log"))
    runs = wait_for(airflow.ended, "the end of two runs", *logs)
    tasks = airflow.tasks()
    assert {run["state"] for run in runs} == {"success"}
    assert not overlaps([(run["start_date"], run["end_date"]) for run in runs])
    assert len(tasks) == SHARDS * len(runs)
    tries = sorted((task["map_index"], task["try_number"]) for task in tasks[:SHARDS])
    assert tries == [(0, 2), (1, 1)]
    assert {task["try_number"] for task in tasks[SHARDS:]} == {1}
    airflow.project.assert_complete()
