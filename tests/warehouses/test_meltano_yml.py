"""`meltano.yml` is as Meltano writes it: a command that changes it changes its own lines and no other."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from warehouses import targets
from warehouses.conftest import require

if TYPE_CHECKING:
    from pathlib import Path

FILE = targets.ROOT / "meltano.yml"
SELECTED = ["select:", "- customers.id"]


def changed_by(folder: Path, command: str) -> tuple[list[str], list[str]]:
    """Return the lines that a command of Meltano adds to the file, and those that it removes."""
    require(targets.missing("meltano"))
    (folder / FILE.name).write_bytes(FILE.read_bytes())
    # A folder of its own for the user's configuration, which may set another indentation.
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder)}
    meltano = [str(targets.program("meltano")), *shlex.split(command)]
    done = subprocess.run(
        meltano, cwd=folder, env=environment, capture_output=True, check=False, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    diff = ["git", "diff", "--no-index", "--unified=0", str(FILE), str(folder / FILE.name)]
    text = subprocess.run(diff, capture_output=True, check=False, text=True).stdout
    changes = [line for line in text.splitlines() if not line.startswith(("+++", "---"))]
    added, removed = ([line[1:].strip() for line in changes if line[0] == sign] for sign in "+-")
    return added, removed


@pytest.mark.parametrize(
    ("command", "added"),
    [
        ("select tap-sumeru customers id", SELECTED),
        ("--environment dev select tap-sumeru customers id", SELECTED),
        ("config set tap-sumeru discover_rows 200", ["config:", "discover_rows: 200"]),
        ("config set target-postgres default_target_schema crm", ["config:", "default_target_schema: crm"]),
        (
            "job add trial --tasks 'tap-sumeru target-jsonl'",
            ["- name: trial", "tasks:", "- tap-sumeru target-jsonl"],
        ),
    ],
)
def test_a_command_changes_its_own_lines_only(tmp_path: Path, command: str, added: list[str]) -> None:
    assert changed_by(tmp_path, command) == (added, [])
