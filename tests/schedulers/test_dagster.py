"""The job of `deploy/`, run by Dagster: a run for each shard, retried alone, and one at a time."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schedulers.processes import PATIENCE, overlaps, running
from schedulers.project import SHARDS, installed
from warehouses import targets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schedulers.project import Project

pytestmark = [installed, pytest.mark.timeout(900)]
JOB = "sumeru_shards"
RUNS = Path(__file__).with_name("dagster_runs.py")
SCHEDULE = """
import json, sys
import dagster as dg
from definitions import every_hour
from datetime import datetime
context = dg.build_schedule_context(scheduled_execution_time=datetime.fromisoformat(sys.argv[1]))
print(json.dumps([[run.run_key, run.partition_key] for run in every_hour(context)]))
"""


def env_of(project: Project) -> dict[str, str]:
    """Return the environment of Dagster, with an instance of its own that has the settings of `deploy/`."""
    home = project.folder / "dagster"
    if not home.exists():
        home.mkdir()
        shutil.copy(project.folder / "deploy" / "dagster" / "dagster.yaml", home)
    return project.env("dagster") | {"DAGSTER_HOME": str(home)}


def output_of(command: Sequence[str | Path], env: dict[str, str], cwd: Path) -> str:
    """Run a command to its end, and return its output."""
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_shard_is_a_run_that_is_retried_alone_and_none_overlaps_another_of_its_shard(
    project: Project,
) -> None:
    project.fail_once()
    env, folder = env_of(project), project.folder / "deploy" / "dagster"
    dagster, python = (targets.program("dagster", name) for name in ("dagster", "python"))
    # The run of the second shard is requested twice.
    for which in (["--all", "yes"], ["--partitions", "2"]):
        backfill: list[str | Path] = [
            dagster,
            "job",
            "backfill",
            "-f",
            "definitions.py",
            "-j",
            JOB,
            "--noprompt",
            *which,
        ]
        output_of(backfill, env, folder)

    daemon: list[str | Path] = [
        targets.program("dagster", "dagster-daemon"),
        "run",
        "-f",
        str(folder / "definitions.py"),
    ]
    with running(daemon, project.folder / "daemon.log", env):
        runs = json.loads(output_of([python, RUNS], env, folder))
    assert len(runs) == SHARDS + 1
    assert {run["status"] for run in runs} == {"SUCCESS"}
    assert {(run["shard"], run["retries"]) for run in runs} == {("1", 1), ("2", 0)}
    for shard in ("1", "2"):
        assert not overlaps([(run["start"], run["end"]) for run in runs if run["shard"] == shard])
    project.assert_complete()


def test_each_tick_of_the_schedule_requests_a_run_for_each_shard(project: Project) -> None:
    env, folder = env_of(project), project.folder / "deploy" / "dagster"
    ticks = [
        json.loads(output_of([targets.program("dagster", "python"), "-c", SCHEDULE, time], env, folder))
        for time in ("2026-11-26T03:00:00+00:00", "2026-11-26T04:00:00+00:00")
    ]
    for tick in ticks:
        assert [shard for _, shard in tick] == [str(i) for i in range(1, SHARDS + 1)]
    keys = [key for tick in ticks for key, _ in tick]
    assert len(set(keys)) == len(keys)
