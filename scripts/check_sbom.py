"""Checks that an SBOM lists the tap and only packages of the lock file: `check_sbom.py SBOM LOCK`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path


def main(sbom: str, lock: str) -> int:
    """Compare SBOM and lock file; return the exit code."""
    bom = json.loads(Path(sbom).read_text(encoding="utf-8"))
    locked = set(
        re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", Path(lock).read_text(encoding="utf-8"), re.MULTILINE)
    )
    found = {(one["name"].lower().replace("_", "-"), one["version"]) for one in bom["components"]}
    unlocked = found - {(name.lower().replace("_", "-"), version) for name, version in locked}
    named = bom["bomFormat"] == "CycloneDX" and bom["metadata"]["component"]["name"] == "tap-sumeru"
    if not named or not found or unlocked:
        print(f"{sbom}: for the tap: {named}; {len(found)} packages; unlocked: {sorted(unlocked)}")
        return 1
    print(
        f"{sbom}: tap-sumeru {bom['metadata']['component']['version']} and {len(found)} packages, all locked."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
