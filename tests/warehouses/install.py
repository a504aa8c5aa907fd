"""Installs what the tests of the warehouses need: `PYTHONPATH=tests python -m warehouses.install UV`."""

from __future__ import annotations

import sys

from warehouses.warehouse import WAREHOUSES


def main() -> str | None:
    """Install everything; say what is missing still."""
    for warehouse in WAREHOUSES:
        warehouse.install(sys.argv[1])
    return "\n".join(filter(None, (warehouse.missing() for warehouse in WAREHOUSES))) or None


if __name__ == "__main__":
    sys.exit(main())
