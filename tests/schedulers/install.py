"""Installs what these tests need in `.cache`: `PYTHONPATH=tests python -m schedulers.install UV [TOOL…]`."""

from __future__ import annotations

import sys

from warehouses import targets

TOOLS = ("airflow", "dagster", "kubernetes-validate", "meltano")


def main() -> None:
    """Install each tool in an environment of its own, or only those that are named."""
    uv, *named = sys.argv[1:]
    for tool in named or TOOLS:
        targets.install(tool, uv)


if __name__ == "__main__":
    main()
