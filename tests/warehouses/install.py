"""Installs what the tests of the warehouses need: `PYTHONPATH=tests python -m warehouses.install UV`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from warehouses import targets
from warehouses.clouds import EVERYWHERE
from warehouses.loaders import OTHERS

if TYPE_CHECKING:
    from warehouses.warehouse import Destination


def main() -> str | None:
    """Install everything; say what is missing still, but for what no one here could bring."""
    for program in ("meltano", "tap-postgres"):
        targets.install(program, sys.argv[1])
    everything: tuple[Destination, ...] = (*EVERYWHERE, *OTHERS)
    for warehouse in everything:
        warehouse.install(sys.argv[1])
    needed = []
    for warehouse in everything:
        missing = warehouse.missing()
        if missing and targets.without_python(warehouse.target):
            sys.stderr.write(f"{missing}: its tests are skipped\n")
        elif missing:
            needed.append(missing)
    return "\n".join(needed) or None


if __name__ == "__main__":
    sys.exit(main())
