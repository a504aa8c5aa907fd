"""dlt's `rest_api` source: extracted only, or loaded into files of JSON lines.

As its documentation recommends: one declarative config, the paginator `cursor`, a map that lifts the
attributes, `parallelized` for the source and the dependent resource, more workers for the extraction.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

PATHS = {
    "customers": "customers",
    "orders": "orders",
    "attribution": "attribution",
    "campaigns": "campaigns",
    "journeys": "journeys",
    "enrollments": "journeys/{resources.journeys.id}/enrollments",
    "products": "products",
    "inventory": "inventory",
    "usage": "usage",
    "decision_intelligence_runs": "decision-intelligence/runs",
    "seo_keywords": "seo-intelligence/keywords",
}


def lifted(row: dict[str, Any]) -> dict[str, Any]:
    """Lift the attributes."""
    return {"id": row["id"], "relationships": row.get("relationships"), **row["attributes"]}


def client(api_url: str, token: str) -> dict[str, Any]:
    """Return the config of the client."""
    return {
        "base_url": f"{api_url}/api/v1/",
        "auth": {"type": "bearer", "token": token},
        "paginator": {
            "type": "cursor",
            "cursor_path": "pagination.next_cursor",
            "cursor_param": "cursor",
        },
    }


def _resource(name: str, start: str | None) -> dict[str, Any]:
    params: dict[str, Any] = {"limit": 100}
    if name == "attribution":
        params["include"] = "touchpoints"
        if start:
            params["filter[date_from]"] = start[:10]
    return {
        "name": name,
        "endpoint": {"path": PATHS[name], "params": params, "data_selector": "data"},
        "processing_steps": [{"map": lifted}],
        "parallelized": True,
    }


def main() -> None:
    """Extract, and load if the job has `load`."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "EXTRACT__WORKERS": str(job["workers"]),
        "DATA_WRITER__DISABLE_COMPRESSION": "true",
        "DESTINATION__FILESYSTEM__BUCKET_URL": f"file://{job['folder']}/files",
    }
    import dlt  # noqa: PLC0415 - it reads the environment
    from dlt.sources.rest_api import rest_api_source  # noqa: PLC0415 - as above

    names = job["streams"]
    if "enrollments" in names and "journeys" not in names:
        names = ["journeys", *names]
    source = rest_api_source(
        {
            "client": client(job["api_url"], job["api_token"]),
            "resources": [_resource(name, job.get("start_date")) for name in names],
        },
        parallelized=True,
    )
    pipeline = dlt.pipeline(
        "bench", pipelines_dir=f"{job['folder']}/pipelines", destination="filesystem", dataset_name="rows"
    )
    if job["load"]:
        pipeline.run(source, loader_file_format="jsonl")
    else:
        pipeline.extract(source)


if __name__ == "__main__":
    main()
