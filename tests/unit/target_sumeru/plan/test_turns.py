"""However many rows are planned, other tasks have their turns, so that a signal ends the planning."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from support.target_factories import FakeLists, settings
from target_sumeru.input.rows import RowReader
from target_sumeru.input.spool import Spool
from target_sumeru.ledger import Ledger
from target_sumeru.plan.run_plan import plan_all
from target_sumeru.plan.turns import MAX_ITEMS

if TYPE_CHECKING:
    from target_sumeru.input.rows import Row
    from target_sumeru.plan.items import Group

ROWS = 6 * MAX_ITEMS
INPUTS: dict[str, tuple[str, dict[str, Any]]] = {
    "changes": ("customers", {"tags": ["a"]}),
    "rejected rows": ("customers", {"tags": 1}),
    "rows to compare": ("customers", {"add_tags": ["a"]}),
    "creations": ("products", {"title": "T"}),
    "launches": ("campaign_launches", {"requested_at": "2027-01-15T08:00:00Z"}),
    "rows of an unknown shop": ("customers", {"tags": ["a"], "shop": "hooli"}),
}


class CountingLedger(Ledger):
    """A ledger that counts the rows that are planned.

    Attributes:
        rows: Hashes of rows so far.
    """

    rows = 0

    @override
    def row_hash(self, stream: str, shop: str, key: str) -> bytes:
        """Return the hash of a row."""
        self.rows += 1
        return super().row_hash(stream, shop, key)


def planned(spool: Spool, ledger: CountingLedger) -> tuple[list[Group], list[int]]:
    """Return the plan, and how many rows were planned at each turn of another task."""

    async def main() -> tuple[list[Group], list[int]]:
        lists = {"acme": FakeLists()}
        task = asyncio.create_task(plan_all(spool, lists, ledger, settings()))
        turns = []
        while not task.done():
            await asyncio.sleep(0)
            turns.append(ledger.rows)
        return task.result(), turns

    return asyncio.run(main())


def read(stream: str, number: int, columns: dict[str, Any]) -> Row:
    name = "external_id" if stream == "products" else "id"
    return RowReader(stream, settings(), stream).read({name: f"row{number}", **columns}, number)


@pytest.mark.parametrize("kind", INPUTS)
def test_other_tasks_run_while_many_rows_are_planned(kind: str) -> None:
    with Spool() as spool, CountingLedger() as ledger:
        for number in range(1, ROWS + 1):
            spool.put("source", read(INPUTS[kind][0], number, INPUTS[kind][1]), number)
        groups, turns = planned(spool, ledger)
    assert sum(group.rows for group in groups) == ROWS
    steps = [after - before for before, after in zip([0, *turns], turns, strict=False)]
    assert max(steps) <= 2 * MAX_ITEMS + 1
