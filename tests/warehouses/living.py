"""All that is done to one warehouse, side by side: the lives of `lives.py`, and the questions of its page.

target-bigquery sleeps more than ten seconds for each stream: one after the other that would be minutes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_sumeru.catalog.streams import STREAMS
from warehouses import documented
from warehouses.clouds import BigQuery
from warehouses.lives import (
    Batch,
    Column,
    Deletion,
    Kill,
    ReadPosition,
    Trip,
    batch,
    column,
    deletion,
    kill,
    trip,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from warehouses.warehouse import Warehouse

APART = 4
"""Into how many runs the streams are parted for a target that sleeps for each."""


def questions(warehouse: Warehouse, schema: str) -> dict[str, tuple[str, str]]:
    """The expressions and the query of the page, and some about nulls: for each a table, and the SQL."""
    found = {
        expression: (table, warehouse.text(table, expression, ident))
        for expression, (table, ident, _) in documented.EXPRESSIONS[warehouse.target].items()
    }
    query = documented.shops(warehouse.target)
    here = re.sub("sumeru", schema, query, flags=re.IGNORECASE)
    found[query] = "orders", f"SELECT COUNT(*) FROM ({here}) AS shops"  # noqa: S608 - the page's
    for condition in ["IS NULL"] if isinstance(warehouse, BigQuery) else ["IS NULL", "= 'null'"]:
        where = f"address {condition} AND id NOT LIKE 'doc_%'"
        found[condition] = "customers", "SELECT COUNT(*) FROM customers WHERE " + where  # noqa: S608 - ours
    return found


def answers(warehouse: Warehouse, places: dict[str, str]) -> dict[str, str | None]:
    """What they give, in the schema where each table is."""
    asked: dict[str, dict[str, str]] = defaultdict(dict)
    for question, (table, query) in questions(warehouse, places["orders"]).items():
        asked[places[table]][question] = query
    return {
        question: answer
        for schema, queries in asked.items()
        for question, [answer] in zip(queries, warehouse.query(schema, *queries.values()), strict=True)
    }


@dataclass
class Lives:
    """All that was done to one warehouse."""

    warehouse: Warehouse
    trips: dict[str, Trip]
    column: Column
    deletion: Deletion
    kill: Kill
    batch: Batch
    answers: dict[str, str | None]


def live(warehouse: Warehouse, folder: Path) -> Lives:
    """Have all lives go on side by side, each with shops of its own."""
    lines = documented.lines(warehouse.target)
    groups = [tuple(STREAMS)]
    if isinstance(warehouse, BigQuery):
        groups = [tuple(STREAMS)[start::APART] for start in range(APART)]
    with ThreadPoolExecutor(warehouse.at_once) as pool:

        def begin(name: str, life: Callable[..., Any], *arguments: Any) -> Future[Any]:
            (folder / name).mkdir()
            return pool.submit(life, ReadPosition(warehouse, folder / name, name), *arguments)

        trips = {
            group: begin(
                f"trip_{group[0]}", trip, warehouse, group, [line for line in lines if line.stream in group]
            )
            for group in groups
        }
        # target-snowflake cannot load twice into a schema that is named like a word of SQL.
        later, deleted = begin("late", column), begin("deletion", deletion)
        killed, batched = begin("killed", kill), begin("batch", batch)
        done = {stream: future.result() for group, future in trips.items() for stream in group}
        places = {stream: f"trip_{group[0]}" for group in groups for stream in group}
        found = answers(warehouse, places)
        return Lives(
            warehouse, done, later.result(), deleted.result(), killed.result(), batched.result(), found
        )
