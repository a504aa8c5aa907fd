"""Reports the results of `make mutants`: the surviving mutants, and the share of killed ones by module.

For each module `mutmut` writes a file with the exit code of the tests for each mutant.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

MIN_KILLED = 95
"""Percentage of the mutants of each module that the tests must kill."""

_PASSED = 0
_UNTESTED = (5, 33)


def main() -> int:
    """Print the report; return 1 if the tests kill too few mutants of a module, else 0."""
    results = {
        meta.name.removesuffix(".py.meta"): json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        for package in ("sumeru_api", "tap_sumeru")
        for meta in sorted(Path("mutants", package).rglob("*.meta"))
    }
    codes = {module: mutants for module, mutants in results.items() if mutants}
    survived = {
        module: [name for name, code in mutants.items() if code is None or code in (_PASSED, *_UNTESTED)]
        for module, mutants in codes.items()
    }
    for names in survived.values():
        for name in names:
            print(f"survived: {name}")
    print(f"\n{'module':20}{'mutants':>8}{'killed':>8}")
    for module, mutants in codes.items():
        print(_line(module, len(mutants), len(survived[module])))
    total, alive = (sum(map(len, found.values())) for found in (codes, survived))
    print(_line("all", total, alive))
    shares = (100 * len(survived[module]) / len(mutants) for module, mutants in codes.items())
    return int(not codes or max(shares) > 100 - MIN_KILLED)


def _line(name: str, mutants: int, survived: int) -> str:
    return f"{name:20}{mutants:8}{100 * (mutants - survived) / max(1, mutants):7.1f}%"


if __name__ == "__main__":
    sys.exit(main())
