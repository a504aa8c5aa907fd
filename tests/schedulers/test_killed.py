"""A shard that is killed: Meltano notes it as running, and it can be synced again at once all the same."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from schedulers.processes import PATIENCE, wait_for
from schedulers.project import FAILING, SHARDS, STREAMS, Project, installed

pytestmark = [installed, pytest.mark.timeout(900)]


def test_a_shard_that_was_killed_is_synced_again_at_once(project: Project) -> None:
    project.sandbox.configure(
        {f"{FAILING}/{STREAMS[0]}": {"faults": [{"kind": "hang", "seconds": 600, "times": 1}]}}
    )
    program, log = str(project.folder / "deploy" / "sync-shard"), project.folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, f"1/{SHARDS}"],
            env=project.env("meltano"),
            start_new_session=True,
            stderr=output,
            stdout=output,
        )
    try:
        wait_for(lambda: project.sandbox.stats()["requests"], "a request", log)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for number in range(1, SHARDS + 1):
        done = subprocess.run(
            [program, f"{number}/{SHARDS}"],
            capture_output=True,
            check=False,
            env=project.env("meltano"),
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
    project.assert_complete()
