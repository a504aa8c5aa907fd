"""`meltano run` into every warehouse, as its page has it typed: killed, begun again, and once more."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sumeru_sandbox import Sandbox
from support.tap_cli import Tap
from warehouses import documented, targets
from warehouses.clouds import CLOUDS, EVERYWHERE, Served
from warehouses.conftest import Pipeline, require
from warehouses.test_lives import assert_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warehouses.conftest import Start
    from warehouses.warehouse import Json, Warehouse

pytestmark = pytest.mark.timeout(900)
SCHEMA = "by_meltano"
_OWN = re.compile("(MELTANO|TAP|TARGET)_")
_PATIENCE = 300
"""Seconds that a run may take, on a machine that has much else to do."""


@dataclass
class Project:
    """`meltano.yml` with the programs that are installed already, and nothing else changed.

    Attributes:
        folder: Where it is.
        warehouse: Where its loader loads into.
        sandbox: What its extractor reads.
    """

    folder: Path
    warehouse: Warehouse
    sandbox: Sandbox

    def __post_init__(self) -> None:
        text = (targets.ROOT / "meltano.yml").read_text(encoding="utf-8")
        project: Json = yaml.safe_load(text)
        plugins = project["plugins"]
        loaders = [one for one in plugins["loaders"] if one["name"] == self.warehouse.target]
        plugins["loaders"] = loaders
        programs = [targets.ROOT / ".venv" / "bin" / "tap-sumeru", targets.program(self.warehouse.target)]
        for plugin, program in zip((*plugins["extractors"], *loaders), programs, strict=True):
            plugin.pop("pip_url")
            plugin.pop("python", None)
            plugin["executable"] = str(program)
        (self.folder / "meltano.yml").write_text(yaml.safe_dump(project), encoding="utf-8")

    @contextmanager
    def running(self, *streams: str) -> Iterator[subprocess.Popen[bytes]]:
        """Have Meltano run the tap into the target."""
        meltano: list[str | Path] = [targets.program("meltano"), "run", "--force"]
        with (
            (self.folder / "log").open("wb") as log,
            subprocess.Popen(
                [*meltano, "tap-sumeru", self.warehouse.target],
                cwd=self.folder,
                env=self.environment(streams),
                start_new_session=True,
                stdout=log,
                stderr=log,
            ) as process,
        ):
            yield process

    def run(self, *streams: str) -> int:
        """Run to the end; return how many records the tap sent."""
        with self.running(*streams) as process:
            code = process.wait(_PATIENCE)
        assert code == 0, self.log()
        return int(re.findall(r"Sync done: (\d+) records?", self.log())[-1])

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def pipeline(self) -> Pipeline:
        """The way to the rows."""
        return Pipeline(Tap(self.folder, {}), self.warehouse, SCHEMA)

    def environment(self, streams: tuple[str, ...]) -> dict[str, str]:
        prefix = self.warehouse.target.replace("-", "_").upper()
        config = self.warehouse.config(SCHEMA)
        return {
            **{name: value for name, value in os.environ.items() if not _OWN.match(name)},
            **self.warehouse.environment,
            **{f"{prefix}_{name}".upper(): _text(value) for name, value in config.items()},
            "TAP_SUMERU_API_TOKEN": self.sandbox.token("acme"),
            "TAP_SUMERU_API_URL": self.sandbox.url,
            "TAP_SUMERU_SHOP": "acme",
            "TAP_SUMERU__SELECT": json.dumps([f"{stream}.*" for stream in streams]),
            "NO_COLOR": "1",
        }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("warehouse", EVERYWHERE, ids=lambda one: one.target.removeprefix("target-"))
def test_a_run_that_is_killed_loses_nothing_and_the_third_reads_little(
    warehouse: Warehouse, start: Start, tmp_path: Path
) -> None:
    start(warehouse)
    require(targets.missing("meltano"))
    with Sandbox(["acme"], customers=100) as sandbox:
        project = Project(tmp_path, warehouse, sandbox)
        sandbox.configure({"orders": {"page_cap": 20, "latency_ms": 100}})
        with project.running("orders") as process:
            until = time.monotonic() + _PATIENCE
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
