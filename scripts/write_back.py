"""The last part of `make demo`: target-sumeru tags customers of the sample shops; the tags are read back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from pipeline import Failed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline import Pipeline
    from sumeru_sandbox import Sandbox

TAG = "demo-vip"
BEST = 10
"""Customers of each shop that are tagged."""
_QUERY = f"""
SELECT shop, id FROM sumeru.customers WHERE merged_into_id IS NULL
QUALIFY row_number() OVER (PARTITION BY shop ORDER BY total_spent DESC, id) <= {BEST}
ORDER BY shop, id
"""  # noqa: S608 - ours
_LAST_LINES = 10


def write_back(pipeline: Pipeline, sandbox: Sandbox, env: Mapping[str, str]) -> None:
    """Tag the customers who spent most, and read them back.

    Args:
        pipeline: Has the rows.
        sandbox: The API that is written to.
        env: Environment of the tap, with its shops.

    Raises:
        Failed: A tag is missing.
    """
    best = [(str(shop), str(customer)) for shop, customer in pipeline.query(_QUERY)]
    print(
        "",
        f"The way back: target-sumeru tags the {BEST} customers of each sample shop who spent most",
        f"as {TAG}. It writes to the local sandbox only.",
        sep="\n",
        flush=True,
    )
    rows = pipeline.file("tags.jsonl")
    lines = [json.dumps({"shop": shop, "id": customer, "add_tags": [TAG]}) for shop, customer in best]
    rows.write_text("\n".join(lines), encoding="utf-8")
    started_at = time.monotonic()
    _run_target(rows, env)
    seconds = time.monotonic() - started_at
    tagged = sum(TAG in _tags(sandbox, shop, customer) for shop, customer in best)
    print(
        f"{tagged} of {len(best)} customers have the tag, read back from the API; {seconds:.0f} s.",
        flush=True,
    )
    if tagged < len(best):
        raise Failed("Some customers were not tagged.")


def _run_target(rows: Path, env: Mapping[str, str]) -> None:
    settings = {
        "TARGET_SUMERU_API_URL": env["TAP_SUMERU_API_URL"],
        "TARGET_SUMERU_SHOPS": env["TAP_SUMERU_SHOPS"],
    }
    others = {name: value for name, value in env.items() if not name.startswith("TARGET_SUMERU_")}
    command: Sequence[str] = [
        *(sys.executable, "-m", "target_sumeru", "--config=ENV"),
        *("--rows", f"customers={os.path.relpath(rows)}"),
    ]
    run = subprocess.run(command, capture_output=True, check=False, env={**others, **settings}, text=True)
    if run.returncode:
        last = "\n".join(run.stderr.splitlines()[-_LAST_LINES:])
        raise Failed(f"target-sumeru failed. Last lines of its log:\n\n{last}")


def _tags(sandbox: Sandbox, shop: str, customer: str) -> list[str]:
    url = f"{sandbox.url}/api/v1/customers/{customer}"
    request = Request(url, headers={"Authorization": f"Bearer {sandbox.token(shop)}"})  # noqa: S310 - loopback
    with urlopen(request) as response:  # noqa: S310 - as above
        tags: list[str] = json.load(response)["data"]["attributes"]["tags"]
    return tags
