"""The simplest loop: requests, the json module, a write per row; no schema, no state, no retries."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import requests


def main() -> None:
    """Write the RECORD lines of one list."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {job['api_token']}"
    (name,) = job["streams"]
    params = {"limit": 100}
    while True:
        response = session.get(f"{job['api_url']}/api/v1/{name}", params=params, timeout=60)
        response.raise_for_status()
        body = response.json()
        now = datetime.now(UTC).isoformat()
        for row in body["data"]:
            record = {
                "shop": job["shop"],
                "id": row["id"],
                **row["attributes"],
                "relationships": row.get("relationships"),
                "extra": None,
            }
            line = {"type": "RECORD", "stream": name, "record": record, "time_extracted": now}
            sys.stdout.write(json.dumps(line) + "\n")
        if not body["pagination"]["has_next"]:
            return
        params["cursor"] = body["pagination"]["next_cursor"]


if __name__ == "__main__":
    main()
