"""Installs what these tests need in `.cache`: `PYTHONPATH=tests python -m schedulers.install UV`."""

from __future__ import annotations

import sys

from warehouses import targets

TOOLS = ("airflow", "dagster", "kubernetes-validate", "meltano")


def main() -> None:
    """Install each tool in an environment of its own."""
    for tool in TOOLS:
        targets.install(tool, sys.argv[1])


if __name__ == "__main__":
    main()
