"""`meltano run` into every warehouse, as its page has it typed: killed, begun again, and once more."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

from sumeru_sandbox import Sandbox
from warehouses import documented, targets
from warehouses.clouds import CLOUDS, EVERYWHERE, Served
from warehouses.conftest import require
from warehouses.meltano_project import PATIENCE, Project, reading
from warehouses.test_lives import assert_rows

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses.conftest import Start
    from warehouses.warehouse import Warehouse

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("warehouse", EVERYWHERE, ids=lambda one: one.target.removeprefix("target-"))
def test_a_run_that_is_killed_loses_nothing_and_the_third_reads_little(
    warehouse: Warehouse, start: Start, tmp_path: Path
) -> None:
    start(warehouse)
    require(targets.missing("meltano"))
    with Sandbox(["acme"], customers=100) as sandbox:
        project = Project(tmp_path, warehouse, reading(sandbox.url, sandbox.token("acme")))
        sandbox.configure({"orders": {"page_cap": 20, "latency_ms": 100}})
        with project.running("orders") as process:
            until = time.monotonic() + PATIENCE
            while sandbox.stats()["shops"].get("acme", {}).get("orders", {}).get("requests", 0) < 5:
                assert process.poll() is None, project.log()
                assert time.monotonic() < until, project.log()
                time.sleep(0.05)
            os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        sandbox.configure({"orders": {"page_cap": None, "latency_ms": None}})
        assert project.run("orders")
        sandbox.advance(3 * 3600)
        sandbox.put("acme", "orders", "new")
        assert project.run("orders") < len(sandbox.truth("acme", "orders")) / 5
        held = {("acme", row["id"]): row for row in sandbox.truth("acme", "orders")}
    assert_rows(warehouse, "orders", project.pipeline().rows("orders")["orders"], held)


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda one: one.target)
def test_what_the_page_has_typed_are_settings_of_the_loader_and_the_pinned_meltano(cloud: Served) -> None:
    text = documented.page(cloud.target)
    prefix = cloud.target.replace("-", "_").upper()
    names = re.findall(rf"\b{prefix}_([A-Z_]+)", text)
    assert names
    assert {name.lower() for name in names} <= targets.settings(cloud.target)
    assert f"uvx --from {targets.MELTANO} meltano run tap-sumeru {cloud.target}\n" in text
