"""Extracts many shops in one dlt pipeline with `rest_api`.

As `dlt_rest.py`, whose config it uses. The resources of all shops are in one source, so that dlt asks for
them at the same time; rows of one kind go into one table, with the name of their shop.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlt_rest import PATHS, client, lifted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _of_shop(shop: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def lift(row: dict[str, Any]) -> dict[str, Any]:
        return {"shop": shop, **lifted(row)}

    return lift


def _config(job: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the config of a shop; the names of its resources end with its number."""
    shop = job["shops"][number]
    return {
        "client": client(job["api_url"], shop["api_token"]),
        "resources": [
            {
                "name": f"{name}_{number}",
                "table_name": name,
                "endpoint": {
                    "path": PATHS[name].replace("resources.journeys", f"resources.journeys_{number}"),
                    "params": {"limit": 100} | ({"include": "touchpoints"} if name == "attribution" else {}),
                    "data_selector": "data",
                },
                "processing_steps": [{"map": _of_shop(shop["shop"])}],
                "parallelized": True,
            }
            for name in job["streams"]
        ],
    }


def main() -> None:
    """Extract."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "EXTRACT__WORKERS": str(job["workers"]),
        "EXTRACT__MAX_PARALLEL_ITEMS": str(2 * job["workers"]),
        "DATA_WRITER__DISABLE_COMPRESSION": "true",
    }
    import dlt  # noqa: PLC0415 - it reads the environment
    from dlt.sources.rest_api import rest_api_resources  # noqa: PLC0415 - as above

    @dlt.source(name="shops")
    def shops() -> Iterator[Any]:
        for number in range(len(job["shops"])):
            yield from rest_api_resources(_config(job, number))

    pipeline = dlt.pipeline(
        "bench", pipelines_dir=f"{job['folder']}/pipelines", destination="filesystem", dataset_name="rows"
    )
    pipeline.extract(shops())


if __name__ == "__main__":
    main()
