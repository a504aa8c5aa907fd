"""A bare loop on http.client and msgspec: the standard library's own HTTP."""

from __future__ import annotations

import http.client

from loop import Loop


def main() -> None:
    """Write the RECORD lines of one list."""
    loop = Loop()
    kind = http.client.HTTPSConnection if loop.scheme == "https" else http.client.HTTPConnection
    connection = kind(loop.address)
    while loop.target is not None:
        connection.request("GET", loop.target, headers=loop.headers)
        response = connection.getresponse()
        loop.take(response.status, response.read(), response.headers)


if __name__ == "__main__":
    main()
