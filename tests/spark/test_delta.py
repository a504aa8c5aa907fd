"""Delta: a table keeps every value, and each of its versions has the whole state of its records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spark.conftest import SHOPS
from spark.truth import assert_raw, assert_typed

if TYPE_CHECKING:
    from pathlib import Path

    from spark.driver import Driver
    from sumeru_sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("takes_long")


def test_slices_in_a_delta_table_are_whole(
    direct: Driver, world: Sandbox, options: dict[str, str], tmp_path: Path
) -> None:
    """Spark's writer for Delta is not in the package index, so another one writes the batches."""
    table = str(tmp_path / "delta")
    direct.run("append_delta", options={**options, "maxSeconds": "1"}, table=table)
    world.advance(3600)
    world.put(SHOPS[0], "orders", "new", note="new")
    for _ in range(2):
        direct.run("append_delta", options=options, table=table)
    rows = direct.rows("delta", table=table)
    assert_raw(rows, world, SHOPS)
    assert len({row["id"] for row in rows if row["kind"] == "STATE"}) == 3
    typed = str(tmp_path / "typed")
    direct.run("append_delta", options={**options, "stream": "orders"}, table=typed)
    assert_typed(direct.rows("delta", table=typed), world, SHOPS, "orders")
    types = direct.run("delta_types", table=typed)
    assert types["total_price"] == "decimal(38,9)"
    assert types["updated_at"] == "timestamp"
