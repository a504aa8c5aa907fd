"""A bare loop on pycurl and msgspec: libcurl fetches, and decompresses as well."""

from __future__ import annotations

import pycurl
from loop import CA, OK, Loop


def main() -> None:
    """Write the RECORD lines of one list."""
    loop = Loop()
    curl = pycurl.Curl()
    chunks: list[bytes] = []
    curl.setopt(pycurl.HTTPHEADER, [f"Authorization: {loop.headers['Authorization']}"])
    curl.setopt(pycurl.ACCEPT_ENCODING, "gzip")
    curl.setopt(pycurl.WRITEFUNCTION, chunks.append)
    curl.setopt(pycurl.BUFFERSIZE, 512 * 1024)
    if CA:
        curl.setopt(pycurl.CAINFO, CA)
    while loop.target is not None:
        curl.setopt(pycurl.URL, loop.url + loop.target)
        curl.perform()
        if curl.getinfo(pycurl.RESPONSE_CODE) != OK:
            raise SystemExit(1)
        loop.write(b"".join(chunks))
        chunks.clear()


if __name__ == "__main__":
    main()
