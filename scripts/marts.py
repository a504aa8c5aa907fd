"""Builds and tests the dbt models on a DuckDB file with the tap's rows, and draws three charts from them."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from charts import Marts, draw
from progress import progress_bar

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "dbt"
PYTHON = sys.executable if sys.version_info < (3, 14) else "3.13"
_LAST_LINES = 30
_DONE = re.compile(r" \d+ of (\d+) (?!START)[A-Z]")
"""A line of dbt that says that a model or a test is done."""
_QUERY = """
import duckdb, json, sys
db = duckdb.connect(sys.argv[1], read_only=True)
db.execute(sys.argv[2])
def rows(query):
    found = db.execute(query)
    return [dict(zip([column[0] for column in found.description], row)) for row in found.fetchall()]
print(json.dumps({name: rows(query) for name, query in json.loads(sys.argv[3]).items()}, default=str))
"""
_VIEWS = """
CREATE TEMP VIEW shop AS SELECT min(shop) AS shop FROM analytics.sumeru__orders;
CREATE TEMP VIEW span AS
SELECT min(order_month) AS first, max(order_month) AS last
FROM analytics.sumeru__orders SEMI JOIN shop USING (shop);
"""
_QUERIES = {
    # Without the first and the last month, which are incomplete.
    "revenue": """
        FROM analytics.sumeru__revenue_by_channel SEMI JOIN shop USING (shop)
        WHERE order_month > (SELECT first FROM span) AND order_month < (SELECT last FROM span)
    """,
    "cohorts": """
        FROM analytics.sumeru__cohorts SEMI JOIN shop USING (shop)
        WHERE order_month < (SELECT last FROM span) AND month(cohort_month) % 3 = 0
        QUALIFY dense_rank() OVER (ORDER BY cohort_month) <= 5
    """,
    "funnel": """
        FROM analytics.sumeru__journey_funnel SEMI JOIN shop USING (shop)
        ORDER BY max(reached) OVER (PARTITION BY journey_id) DESC, journey_id, step_number
    """,
}


class Failed(Exception):
    """Building the marts failed; the text says why."""


def _command(uv: str, *command: str) -> list[str]:
    """Return a command that runs in an environment for dbt, which uv creates and caches."""
    lock = ("--constraints", str(PROJECT / "requirements.lock"))
    packages = ("--from", "dbt-core", "--with", "dbt-duckdb")
    return [uv, "tool", "run", "--quiet", "--python", PYTHON, *lock, *packages, *command]


def _followed(command: list[str], file: Path) -> tuple[int, list[str]]:
    """Run dbt with a progress bar, and return its exit code and its output."""
    lines = []
    with (
        progress_bar("Building and testing the marts", "models and tests") as update,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SUMERU_DBT_FILE": str(file)},
            text=True,
        ) as process,
    ):
        assert process.stdout  # noqa: S101 - a pipe
        done = 0
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if step := _DONE.search(line):
                done += 1
                update(done, int(step[1]))
    return process.returncode, lines


def build(uv: str, file: Path) -> str:
    """Build and test all models, and return a summary.

    Raises:
        Failed: A model or a test failed.
    """
    output = str(file.parent / ".dbt")
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT / "profiles")]
    command = ["dbt", "--no-use-colors", "build", *folders, "--target-path", output, "--log-path", output]
    started_at = time.monotonic()
    code, lines = _followed(_command(uv, *command), file)
    if code:
        raise Failed("\n".join(["dbt failed. Last lines of its output:", "", *lines[-_LAST_LINES:]]))
    results = json.loads((Path(output) / "run_results.json").read_text(encoding="utf-8"))["results"]
    models = sum(result["unique_id"].startswith("model.") for result in results)
    warned = sum(result["status"] == "warn" for result in results)
    outcome = f"{warned} warned" if warned else "all passed"
    seconds = time.monotonic() - started_at
    return f"dbt built {models} models in {seconds:.0f} s, and ran {len(results) - models} tests: {outcome}."


def read(uv: str, file: Path) -> Marts | None:
    """Return the rows of the charts, None if a chart would be empty.

    Raises:
        Failed: The file cannot be read.
    """
    command = _command(uv, "python", "-c", _QUERY, str(file), _VIEWS, json.dumps(_QUERIES))
    with progress_bar("Reading the marts"):
        run = subprocess.run(command, capture_output=True, check=False, text=True)
    if run.returncode:
        raise Failed(f"The marts of {file} cannot be read.\n\n{run.stderr}")
    found: dict[str, list[dict[str, Any]]] = json.loads(run.stdout)
    if not all(found.values()):
        return None
    first = found["funnel"][0]["journey_id"]
    found["funnel"] = [row for row in found["funnel"] if row["journey_id"] == first]
    sample = found["revenue"][0]
    return Marts(shop=sample["shop"], currency=sample["currency"], **found)


def main() -> int:
    """Build and test the models and draw the charts; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="DuckDB file; the charts are written beside it as .svg")
    parser.add_argument("--sample", action="store_true", help="label the charts as those of a sample shop")
    parser.add_argument("--uv", default=shutil.which("uv") or ".tools/bin/uv", help="path of uv")
    arguments = parser.parse_args()
    file = arguments.file.resolve()
    try:
        print(build(arguments.uv, file), flush=True)
        marts = read(arguments.uv, file)
    except Failed as failed:
        print(f"\n{failed}", file=sys.stderr)
        return 1
    if marts:
        kind = "Sample shop" if arguments.sample else "Shop"
        caption = f"{kind} {marts.shop}, from the marts of the dbt package."
        file.with_suffix(".svg").write_text(draw(marts, caption), encoding="utf-8")
        print(f"Three charts of {marts.shop} are in {os.path.relpath(file.with_suffix('.svg'))}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
