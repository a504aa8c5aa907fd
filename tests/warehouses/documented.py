"""The tables of the documentation that say what lands of a value."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).resolve().parents[2] / "docs"
_LINE = re.compile(r"^\| `(\w+)\.(\w+)` \| `([^`]+)` \| `([^`]+)` \| (`[^`]+`|NULL) \|$", re.MULTILINE)


class Line(NamedTuple):
    """A line of a table: what the API sends in a column of some type, and what lands as text."""

    stream: str
    column: str
    kind: str
    sent: str
    lands: str


def page(target: str) -> str:
    """The page on a target."""
    return (DOCS / f"{target.removeprefix('target-')}.md").read_text(encoding="utf-8")


def lines(target: str) -> list[Line]:
    """The lines of the page's table."""
    table = page(target).partition(f"<!-- {target} -->")[2].partition(f"<!-- /{target} -->")[0]
    found = [Line(*columns) for columns in _LINE.findall(table)]
    assert len(found) == table.strip().count("\n") - 1, "a line of the table cannot be read"
    return found
