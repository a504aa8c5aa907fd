"""Reads what `tests/promises/test_promises.py` compares: the README's promises, and the names of tests."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def promises_section() -> str:
    """Return the README's promises as one line, without numbers, headings and bullets."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Promises\n")[2].partition("\n## ")[0]
    return " ".join(re.sub(r"^(\d\. \*\*[^*]+\*\*| +- )", "", section, flags=re.MULTILINE).split())


@cache
def functions_of(file: str) -> frozenset[str]:
    """Return the names of all functions of a file under `tests/`."""
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
