"""The README's script for the image, run with a tap and a target that may fail."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
(SCRIPT,) = re.findall(
    r"```bash\n(set -o pipefail.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
)
BASH = shutil.which("bash") or "bash"
TARGET = "exec cat"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def run(folder: Path, tap: str, target: str = TARGET) -> tuple[int, str]:
    """Run the script, and return its exit code and the state that the next run is given."""
    commands = folder / "bin"
    commands.mkdir(exist_ok=True)
    for name, script in (("docker", tap), ("target-postgres", target)):
        command = commands / name
        command.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        command.chmod(0o755)
    work = folder / "work"
    work.mkdir(exist_ok=True)
    environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}"}
    done = subprocess.run([BASH, "-c", SCRIPT], cwd=work, env=environment, check=False)
    return done.returncode, (work / "state.json").read_text(encoding="utf-8")


def test_a_first_run_that_fails_is_noticed_and_leaves_no_state(folder: Path) -> None:
    assert run(folder, "exit 1") == (1, "")
    code, state = run(folder, "test ! -s state.json && echo '{\"bookmarks\": {}}'")
    assert code == 0
    assert json.loads(state) == {"bookmarks": {}}


@pytest.mark.parametrize("end", ["exit 1", "kill -TERM $$"])
def test_a_later_run_that_fails_is_noticed_and_keeps_the_last_state(folder: Path, end: str) -> None:
    assert run(folder, "echo '{\"run\": 1}'") == (0, '{"run": 1}\n')
    code, state = run(folder, f"echo '{{\"run\": 2}}'; {end}")
    assert code != 0
    assert state == '{"run": 2}\n'
    code, state = run(folder, end)
    assert code != 0
    assert state == '{"run": 2}\n'


def test_a_target_that_fails_is_noticed(folder: Path) -> None:
    assert run(folder, "echo '{}'", target="cat > /dev/null; exit 3") == (3, "")
