"""Builds and tests the dbt models on a DuckDB file with the tap's rows, and draws three charts of them."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from charts import Marts, drawn

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "dbt"
PYTHON = sys.executable if sys.version_info < (3, 14) else "3.13"
_LAST_LINES = 30
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
    # Complete months alone: the first and the last are not.
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
    """The marts cannot be built; the text says why."""


def _tool(uv: str, *command: str, file: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment that uv makes for dbt, and keeps."""
    lock = ("--constraints", str(PROJECT / "requirements.lock"))
    packages = ("--from", "dbt-core", "--with", "dbt-duckdb")
    return subprocess.run(
        [uv, "tool", "run", "--quiet", "--python", PYTHON, *lock, *packages, *command],
        capture_output=True,
        check=False,
        env={**os.environ, "SUMERU_DBT_FILE": str(file)},
        text=True,
    )


def build(uv: str, file: Path) -> str:
    """Build and test all models; return what dbt says of it.

    Raises:
        Failed: A model or a test failed.
    """
    made = str(file.parent / ".dbt")
    places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT / "profiles")]
    command = ["dbt", "--no-use-colors", "build", *places, "--target-path", made, "--log-path", made]
    began = time.monotonic()
    run = _tool(uv, *command, file=file)
    if run.returncode:
        lines = (run.stdout + run.stderr).splitlines()[-_LAST_LINES:]
        raise Failed("\n".join(["dbt failed; its last lines:", "", *lines]))
    results = json.loads((Path(made) / "run_results.json").read_text(encoding="utf-8"))["results"]
    models = sum(result["unique_id"].startswith("model.") for result in results)
    warned = sum(result["status"] == "warn" for result in results)
    told = f"{warned} warned" if warned else "all passed"
    seconds = time.monotonic() - began
    return f"dbt built {models} models in {seconds:.0f} s, and ran {len(results) - models} tests: {told}."


def read(uv: str, file: Path) -> Marts | None:
    """Read what is drawn; none if there is too little for a chart.

    Raises:
        Failed: The file could not be read.
    """
    run = _tool(uv, "python", "-c", _QUERY, str(file), _VIEWS, json.dumps(_QUERIES), file=file)
    if run.returncode:
        raise Failed(f"The marts of {file} could not be read.\n\n{run.stderr}")
    found: dict[str, list[dict[str, Any]]] = json.loads(run.stdout)
    if not all(found.values()):
        return None
    first = found["funnel"][0]["journey_id"]
    found["funnel"] = [row for row in found["funnel"] if row["journey_id"] == first]
    sample = found["revenue"][0]
    return Marts(shop=sample["shop"], currency=sample["currency"], **found)


def main() -> int:
    """Build, test and draw; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="the DuckDB file; the charts go beside it, as .svg")
    parser.add_argument("--made-up", action="store_true", help="say that the shop is a made-up one")
    parser.add_argument("--uv", default=shutil.which("uv") or ".tools/bin/uv", help="the uv to use")
    arguments = parser.parse_args()
    file = arguments.file.resolve()
    try:
        print(build(arguments.uv, file), flush=True)
        marts = read(arguments.uv, file)
    except Failed as failed:
        print(f"\n{failed}", file=sys.stderr)
        return 1
    if marts:
        kind = "Made-up shop" if arguments.made_up else "Shop"
        caption = f"{kind} {marts.shop}, as the marts of the dbt package have it."
        file.with_suffix(".svg").write_text(drawn(marts, caption), encoding="utf-8")
        print(f"Three charts of {marts.shop} are in {os.path.relpath(file.with_suffix('.svg'))}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
