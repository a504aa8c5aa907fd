"""Installs what stands in for the clouds: `PYTHONPATH=tests python -m warehouses.install_clouds UV`."""

from __future__ import annotations

import sys

from warehouses.clouds import CLOUDS


def main() -> str | None:
    """Install everything; say what is missing still."""
    clouds = [cloud() for cloud in CLOUDS]
    for cloud in clouds:
        cloud.install(sys.argv[1])
    return "\n".join(filter(None, (cloud.missing() for cloud in clouds))) or None


if __name__ == "__main__":
    sys.exit(main())
