"""What the bare loops share: the job, the request of a page, and the same RECORD lines as this tap writes.

A loop decodes each page into dicts, lifts the attributes, and writes a page with one call. It has no schema,
no state and no retries, and it turns decimal numbers into floats. Garbage collection is off, because nothing
here refers to itself.
"""

from __future__ import annotations

import gc
import gzip
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

OK = 200
CA = os.environ.get("SSL_CERT_FILE")


class Loop:
    """One list, page by page: request `target` until it is None."""

    def __init__(self) -> None:
        gc.disable()
        job = msgspec.json.decode(Path(sys.argv[1]).read_bytes())
        (self._stream,) = job["streams"]
        self._shop = job["shop"]
        self.url: str = job["api_url"]
        self.scheme, self.address = urlsplit(self.url)[:2]
        self.headers = {"Authorization": f"Bearer {job['api_token']}", "Accept-Encoding": "gzip"}
        self._decode = msgspec.json.Decoder().decode
        self._encode_lines = msgspec.json.Encoder().encode_lines
        self._write = sys.stdout.buffer.write
        self.target: str | None = self._page(None)

    def _page(self, cursor: str | None) -> str:
        query = {"limit": 100} | ({"cursor": cursor} if cursor else {})
        return f"/api/v1/{self._stream}?{urlencode(query)}"

    def take(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Write the rows of a response, and set the target of the next request."""
        if status != OK:
            raise SystemExit(status)
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.write(body)

    def write(self, text: bytes) -> None:
        """Write the rows of a page, and set the target of the next request."""
        body = self._decode(text)
        now = datetime.now(UTC).isoformat()
        lines: list[dict[str, Any]] = [
            {
                "type": "RECORD",
                "stream": self._stream,
                "record": {
                    "shop": self._shop,
                    "id": row["id"],
                    **row["attributes"],
                    "relationships": row.get("relationships"),
                    "extra": None,
                },
                "time_extracted": now,
            }
            for row in body["data"]
        ]
        self._write(self._encode_lines(lines))
        pagination = body["pagination"]
        self.target = self._page(pagination["next_cursor"]) if pagination["has_next"] else None
