"""Progress bars are drawn on a terminal only, and always on standard error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import marts
from support.terminal import on_a_terminal

SCRIPTS = Path(__file__).parents[2] / "scripts"
BAR = """
from progress import progress_bar
with progress_bar("Syncing", "requests") as update:
    update(0, 1234)
    update(617, 1234)
    update(1234, 1234)
with progress_bar("Counting") as update:
    update(1)
print("done")
"""


def test_a_bar_is_shown_on_a_terminal_and_removed_at_the_end() -> None:
    code, output, shown = on_a_terminal([sys.executable, "-c", BAR], SCRIPTS)
    assert (code, output) == (0, "done\n")
    assert "Syncing" in shown
    assert "requests: 1,234" in shown
    assert "Counting" in shown
    assert shown.endswith("\x1b[2K")


def test_without_a_terminal_nothing_is_shown() -> None:
    run = subprocess.run([sys.executable, "-c", BAR], cwd=SCRIPTS, check=True, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("done\n", "")


@pytest.mark.parametrize(
    ("line", "total"),
    [
        ("14:02:11  1 of 107 START sql view model analytics.stg_sumeru__orders ........ [RUN]", None),
        (
            "14:02:11  1 of 107 OK created sql view model analytics.stg_sumeru__orders ... [OK in 0.10s]",
            "107",
        ),
        (
            "14:02:11  12 of 107 PASS unique_stg_sumeru__orders .......................... [PASS in 0.03s]",
            "107",
        ),
        (
            "14:02:11  13 of 107 WARN 3 relationships_orders ............................. [WARN 3 in 0.03s]",
            "107",
        ),
        (
            "14:02:11  14 of 107 FAIL 1 credit_sums_to_revenue ........................... [FAIL 1 in 0.03s]",
            "107",
        ),
        ("14:02:11  15 of 107 SKIP relation analytics.sumeru__orders .................. [SKIP]", "107"),
        ("14:02:11  Found 21 models, 86 data tests, 11 sources", None),
    ],
)
def test_models_and_tests_that_dbt_has_done_are_counted(line: str, total: str | None) -> None:
    found = marts._DONE.search(line)  # noqa: SLF001 - what the program looks for
    assert (found and found[1]) == total
