"""A test run ends with a short list of what it has skipped, and of the commands that run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.skipped_tests import skipped_lines

TESTS = Path(__file__).parents[1]
EXAMPLE = """
import pytest

@pytest.mark.skipif(True, reason="`make test-dbt` installs dbt and runs this")
@pytest.mark.parametrize("number", range(12))
def test_dbt(number: int) -> None:
    raise AssertionError

def test_loader() -> None:
    pytest.skip("target-snowflake==1 is not installed: `make warehouses` does it")

def test_windows() -> None:
    pytest.skip("Windows has no such permissions")

def test_passes() -> None:
    pass
"""


def ran(folder: Path, *options: str) -> str:
    """Run the tests of a folder as those of this project are run, and return the output."""
    command = [sys.executable, "-m", "pytest", "-p", "support.skipped_tests", "-rfE", *options]
    run = subprocess.run(
        [*command, "--rootdir", str(folder), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": str(TESTS)},
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.parametrize("options", [["-p", "no:xdist"], ["-n", "2"]], ids=["alone", "in parallel"])
def test_skipped_tests_are_listed_by_what_runs_them(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "test_example.py").write_text(EXAMPLE, encoding="utf-8")
    lines = ran(tmp_path, *options).splitlines()
    start = next(number for number, line in enumerate(lines) if "skipped tests, and what runs them" in line)
    assert lines[start + 1 : start + 4] == [
        "make test-dbt         runs 12 tests",
        "make test-warehouses  runs 1 test",
        "1 test: Windows has no such permissions",
    ]


def test_without_a_skipped_test_there_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "test_example.py").write_text("def test_passes() -> None:\n    pass\n", encoding="utf-8")
    assert "what runs them" not in ran(tmp_path)
    assert skipped_lines([]) == []


def test_each_command_of_a_reason_is_a_target_of_the_makefile() -> None:
    targets = (TESTS.parent / "Makefile").read_text(encoding="utf-8")
    for name in ("test-dbt", "test-warehouses", "warehouses"):
        assert f"\n{name}: " in targets
