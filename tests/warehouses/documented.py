"""The tables of the documentation that say what lands of a value."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = {"target-snowflake": "snowflake.md", "target-bigquery": "bigquery.md"}
"""Targets with a page of their own; all others have a chapter in `warehouses.md`."""

_LINE = re.compile(r"^\| `(\w+)\.(\w+)` \| `([^`]+)` \| `([^`]+)` \| (`[^`]+`|NULL) \|$", re.MULTILINE)
_MONEY = ("orders", "odd_orders", "487.20")
_TIER = ("customers", "odd_customers", "1.5")
EXPRESSIONS = {
    "target-duckdb": {"CAST(total_price AS DECIMAL(38, 2))": _MONEY},
    "target-postgres": {"round(total_price, 2)": _MONEY},
    "target-snowflake": {
        "ROUND(total_price, 2)": _MONEY,
        "line_items[0]:price::NUMBER(38, 2)": ("orders", "odd_orders", "19.90"),
        "extra:loyalty:tier": _TIER,
        "IS_NULL_VALUE(address)": ("customers", "none", "true"),
    },
    "target-bigquery": {
        "ROUND(CAST(total_price AS NUMERIC), 2)": _MONEY,
        "JSON_VALUE(extra.loyalty.tier)": _TIER,
    },
}
"""Expressions of the pages, each with a table, the id of a row there, and what they give."""


class Line(NamedTuple):
    """A line of a table: what the API sends in a column of some type, and what lands as text."""

    stream: str
    column: str
    kind: str
    sent: str
    lands: str


def page(target: str) -> str:
    """The page on a target."""
    return (DOCS / PAGES.get(target, "warehouses.md")).read_text(encoding="utf-8")


def _chapter(target: str) -> str:
    """What the page says of a target, from its table on."""
    return page(target).partition(f"<!-- {target} -->")[2].partition("<!-- target-")[0]


def lines(target: str) -> list[Line]:
    """The lines of a target's table."""
    table = _chapter(target).partition(f"<!-- /{target} -->")[0]
    found = [Line(*columns) for columns in _LINE.findall(table)]
    assert len(found) == table.strip().count("\n") - 1, "a line of the table cannot be read"
    return found


def table(name: str) -> list[list[str]]:
    """The cells of a table of `warehouses.md`, without backquotes and without its head."""
    text = page("").partition(f"<!-- {name} -->\n")[2].partition(f"\n<!-- /{name} -->")[0]
    rows = [row.strip("| ").split(" | ") for row in text.splitlines()]
    return [[cell.strip(" `") for cell in row] for row in rows[2:]]


def shops(target: str) -> str:
    """The query that tells, for each shop, whether all is there."""
    (found,) = re.findall(r"```sql\n(.+?);\n```", _chapter(target), re.DOTALL)
    return str(found)
