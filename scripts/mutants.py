"""What `make mutants` found: how many faults the tests saw, by module, and each that they did not see.

`mutmut` leaves, beside each changed module, a file with the exit code of the tests under each change.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

BAR = 95
"""Percent of the changes of each module that the tests must see."""

_PASSED = 0
_UNTESTED = (5, 33)


def main() -> int:
    """Print the figures; return 1 if they miss the bar, else 0."""
    codes = {
        meta.name.removesuffix(".py.meta"): json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        for meta in sorted(Path("mutants/tap_sumeru").glob("*.meta"))
    }
    missed = {
        module: [name for name, code in changes.items() if code is None or code in (_PASSED, *_UNTESTED)]
        for module, changes in codes.items()
    }
    for names in missed.values():
        for name in names:
            print(f"not seen: {name}")
    print(f"\n{'module':14}{'changes':>8}{'seen':>8}")
    for module, changes in codes.items():
        print(_line(module, len(changes), len(missed[module])))
    changes, unseen = (sum(map(len, found.values())) for found in (codes, missed))
    print(_line("all", changes, unseen))
    return int(any(100 * len(missed[module]) > (100 - BAR) * len(made) for module, made in codes.items()))


def _line(name: str, changes: int, unseen: int) -> str:
    return f"{name:14}{changes:8}{100 * (changes - unseen) / changes:7.1f}%"


if __name__ == "__main__":
    sys.exit(main())
