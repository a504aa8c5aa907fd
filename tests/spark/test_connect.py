"""Spark Connect: the whole way from the API to silver uses the DataFrame API only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spark.conftest import SHOPS, require
from spark.driver import Driver
from spark.environments import NEWEST
from spark.truth import assert_raw, assert_typed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sumeru_sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("takes_long")


@pytest.fixture
def connected(tmp_path: Path) -> Iterator[Driver]:
    """A client of a Spark Connect server, which has no SparkContext."""
    with Driver(require(NEWEST), tmp_path / "client", remote="local[2]") as driver:
        assert driver.run("session_class").startswith("pyspark.sql.connect.")
        yield driver


def test_a_sync_works_through_spark_connect(
    connected: Driver, world: Sandbox, options: dict[str, str], tmp_path: Path
) -> None:
    table = str(tmp_path / "bronze")
    connected.run("sync", options=options, table=table, num_partitions=2)
    world.advance(3600)
    world.put(SHOPS[0], "orders", "new", note="new")
    connected.run("sync", options=options, table=table, num_partitions=2)
    assert_raw(connected.rows("table", path=table), world, SHOPS)
    assert_typed(connected.rows("latest", path=table, stream="orders"), world, SHOPS, "orders")
    typed = connected.rows("read", options={**options, "stream": "usage"})
    assert_typed(typed, world, SHOPS, "usage")
