"""The fastest plain loop: urllib3, msgspec, one write a page; it writes the same RECORD lines as this tap."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import urllib3


def main() -> None:
    """Write the RECORD lines of one list."""
    job = msgspec.json.decode(Path(sys.argv[1]).read_bytes())
    pool = urllib3.PoolManager(headers={"Authorization": f"Bearer {job['api_token']}"})
    decode = msgspec.json.Decoder().decode
    encode_lines = msgspec.json.Encoder().encode_lines
    (name,), shop = job["streams"], job["shop"]
    params = {"limit": 100}
    while True:
        response = pool.request("GET", f"{job['api_url']}/api/v1/{name}?{urlencode(params)}")
        if response.status != 200:  # noqa: PLR2004 - HTTP's own number
            raise SystemExit(response.status)
        body = decode(response.data)
        now = datetime.now(UTC).isoformat()
        lines = [
            {
                "type": "RECORD",
                "stream": name,
                "record": {
                    "shop": shop,
                    "id": row["id"],
                    **row["attributes"],
                    "relationships": row.get("relationships"),
                    "extra": None,
                },
                "time_extracted": now,
            }
            for row in body["data"]
        ]
        sys.stdout.buffer.write(encode_lines(lines))
        if not body["pagination"]["has_next"]:
            return
        params["cursor"] = body["pagination"]["next_cursor"]


if __name__ == "__main__":
    main()
