"""Starts moto, which stands in for S3: `moto_shim.py PORT`."""

from __future__ import annotations

import sys

from moto.server import main  # type: ignore[import-not-found]  # in an environment of its own

if __name__ == "__main__":
    main(["--host", "127.0.0.1", "--port", sys.argv[1]])
