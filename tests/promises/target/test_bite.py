"""The tests of the target notice a target that does nothing, which the SDK's standard tests do not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from support.target_cli import MODULE

ROOT = Path(__file__).parents[3]


def test_every_test_of_the_writes_fails_for_a_target_that_does_nothing() -> None:
    environment = {**os.environ, MODULE: "support.idle_target", "PYTHONPATH": str(ROOT / "tests")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "--no-header"]
    done = subprocess.run(
        [*command, "tests/promises/target/test_writes.py"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    summary = done.stdout.splitlines()[-1]
    assert "passed" not in summary, done.stdout[-3000:]
    found = re.search(r"(\d+) failed", summary)
    assert found is not None, done.stdout[-3000:]
    assert int(found[1]) > 20
