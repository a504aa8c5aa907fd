"""BATCH: Snowflake's target merges the files; BigQuery's takes them, loads nothing, and says all is well."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sumeru_sandbox import Sandbox
from warehouses.clouds import BigQuery, Served, Snowflake
from warehouses.lives import Place

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("cloud", [Snowflake(), BigQuery()], ids=lambda one: one.target)
def test_batch_is_for_snowflake_and_not_for_bigquery(cloud: Served, tmp_path: Path) -> None:
    missing = cloud.missing()
    if missing and os.environ.get("TEST_CLOUDS"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    files = tmp_path / "batches"
    files.mkdir()
    config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": files.as_uri()},
    }
    with cloud.running(), Sandbox(["acme"], customers=100) as sandbox:
        pipeline = Place(cloud, tmp_path, "batch").pipeline(sandbox, "acme")
        run = pipeline.run(streams=("campaigns",), batch_config=config)
        assert (run.code, run.target_code) == (0, 0), run.log + run.target_log
        assert run.state["bookmarks"]["campaigns"]
        landed = pipeline.rows("campaigns")["campaigns"]
        held = {("acme", row["id"]) for row in sandbox.truth("acme", "campaigns")}
    assert set(landed) == (set() if isinstance(cloud, BigQuery) else held)
