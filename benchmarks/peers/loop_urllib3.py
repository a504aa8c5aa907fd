"""A bare loop on urllib3 and msgspec."""

from __future__ import annotations

import urllib3
from loop import OK, Loop


def main() -> None:
    """Write the RECORD lines of one list."""
    loop = Loop()
    pool = urllib3.PoolManager(headers=loop.headers)
    while loop.target is not None:
        response = pool.request("GET", loop.url + loop.target)
        if response.status != OK:
            raise SystemExit(response.status)
        loop.write(response.data)  # urllib3 has decompressed it


if __name__ == "__main__":
    main()
