"""Tables for the terminal, with aligned columns."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = "  "


def aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table: headings, a rule, and the rows."""
    cells = [[printable(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headings))]
    lines = [
        _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return [lines[0], _GAP.join("-" * width for width in widths), *lines[1:]]


def printable(text: str) -> str:
    """Return a text without characters that control a terminal or change the direction of writing."""
    return "".join("?" if unicodedata.category(one) in ("Cc", "Cf", "Cs") else one for one in text)
