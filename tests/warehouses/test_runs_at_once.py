"""Two runs at once in one folder: `meltano el` keeps their catalogs and their states apart."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from sumeru_sandbox import Sandbox
from support.scripted_api import END, Reply, Request, ScriptedApi, row
from warehouses import targets
from warehouses.conftest import require
from warehouses.meltano_project import PATIENCE, Project, reading

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses.warehouse import Warehouse

pytestmark = pytest.mark.timeout(900)
STREAMS = {"acme": "orders", "globex": "campaigns"}
"""Each run reads another stream of another shop."""


def state_id(shop: str) -> str:
    return f"prod:tap-sumeru-to-target-postgres:{shop}"


def selected(folder: Path, shop: str) -> list[str]:
    """Return the streams that the catalog of the only run of a shop selects."""
    (path,) = (folder / ".meltano" / "run" / "elt").glob(f"*{shop}/*/tap.properties.json")
    return [
        one["stream"]
        for one in json.loads(path.read_text(encoding="utf-8"))["streams"]
        if any(item["breadcrumb"] == [] and item["metadata"]["selected"] for item in one["metadata"])
    ]


def test_two_runs_of_meltano_el_keep_their_files_apart(postgres: Warehouse, tmp_path: Path) -> None:
    require(targets.missing("meltano"))
    begun, hold = threading.Event(), threading.Event()

    def script(request: Request) -> Reply:
        if request.path == "orders":
            begun.set()
            hold.wait(PATIENCE)
        return Reply({"data": [row(1)], "pagination": END})

    def project(shop: str) -> Project:
        return Project(tmp_path, postgres, reading(api.url, f"copt_test_{shop}", shop=shop))

    with ScriptedApi(script) as api:
        first, second = map(project, STREAMS)
        with first.running("orders", command=f"el --state-id {state_id('acme')}") as process:
            assert begun.wait(PATIENCE)
            command = [str(targets.program("meltano")), "el", "--state-id", state_id("globex")]
            done = subprocess.run(
                [*command, "tap-sumeru", postgres.target],
                cwd=tmp_path,
                env=second.environment("campaigns"),
                check=False,
                timeout=PATIENCE,
            )
            catalogs = {shop: selected(tmp_path, shop) for shop in STREAMS}
            hold.set()
            assert (done.returncode, process.wait(PATIENCE)) == (0, 0), first.log()
    assert catalogs == {shop: [stream] for shop, stream in STREAMS.items()}
    for shop, stream in STREAMS.items():
        assert set(first.pipeline().rows(stream)[stream]) == {(shop, "row_1")}


def test_a_run_continues_where_meltano_el_stopped(postgres: Warehouse, tmp_path: Path) -> None:
    require(targets.missing("meltano"))
    with Sandbox(["acme"], customers=100) as sandbox:
        settings = reading(sandbox.url, sandbox.token("acme"), shop="acme")
        project = Project(tmp_path, postgres, settings)
        first = project.run("orders", command=f"el --state-id {state_id('acme')}")
        assert project.run("orders", command="run --state-id-suffix acme") < first
        assert project.run("orders", command=f"el --state-id {state_id('acme')}") < first
