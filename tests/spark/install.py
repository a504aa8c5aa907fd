"""Installs what the tests with Spark need: `PYTHONPATH=tests python -m spark.install UV [VERSION …]`."""

from __future__ import annotations

import sys

from spark import environments


def main() -> str | None:
    """Install the versions of Spark that are named, or all; return what is still missing."""
    uv, *versions = sys.argv[1:]
    versions = versions or list(environments.PINS)
    for version in versions:
        environments.install(version, uv)
    return "\n".join(filter(None, map(environments.missing, versions))) or None


if __name__ == "__main__":
    sys.exit(main())
