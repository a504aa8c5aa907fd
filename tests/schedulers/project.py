"""A Meltano project of several shards, as a user of `deploy/` has it, with a sandbox as its API."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sumeru_sandbox import Sandbox
from tap_sumeru.config.shops import is_in_shard
from warehouses import targets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
STREAMS = ("campaigns", "orders")
SHOPS = ("acme", "globex", "initech", "umbrella")
SHARDS = 2
FAILING = "acme"
"""A shop of the first shard."""

WANTED = os.environ.get("TEST_DEPLOY", "")
"""`all`, or `kubernetes` for the manifest alone, which is quick."""
_REASON = "`make test-deploy` installs the schedulers and runs this"
installed = pytest.mark.skipif(WANTED != "all", reason=_REASON)
validated = pytest.mark.skipif(WANTED not in ("all", "kubernetes"), reason=_REASON)

Row = tuple[str, str, str, str]
"""Stream, shop, id, and the time of the last change."""


@dataclass
class Project:
    """A copy of `meltano.yml` and `deploy/` that loads into files of JSON lines.

    Attributes:
        folder: The copy.
        sandbox: The API.
    """

    folder: Path
    sandbox: Sandbox

    def env(self, tool: str) -> dict[str, str]:
        """Return the environment in which a scheduler runs."""
        own = ("AIRFLOW_", "DAGSTER_", "MELTANO_", "SUMERU_", "TAP_SUMERU_", "TARGET_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        programs = [targets.program(one, "x").parent for one in (tool, "meltano")]
        return {
            **kept,
            "MELTANO_STATE_BACKEND_URI": (self.folder / "states").as_uri(),
            "NO_COLOR": "1",
            "PATH": os.pathsep.join([*map(str, programs), str(ROOT / ".tools" / "bin"), kept["PATH"]]),
            "SUMERU_LOADER": "target-jsonl",
            "SUMERU_PROJECT": str(self.folder),
            "SUMERU_RETRY_SECONDS": "1",
            "SUMERU_SHARDS": str(SHARDS),
            "TAP_SUMERU_API_URL": self.sandbox.url,
            "TAP_SUMERU_SHOPS_FILE": str(self.folder / "shops.json"),
            "TAP_SUMERU__SELECT": json.dumps([f"{stream}.*" for stream in STREAMS]),
            "XDG_STATE_HOME": str(self.folder / "logs"),
            "no_proxy": "127.0.0.1",
        }

    def fail_once(self) -> None:
        """Let the next request for a stream of a shop of the first shard fail for good."""
        fault = {"kind": "status", "status": 403, "times": 1}
        self.sandbox.configure({f"{FAILING}/{STREAMS[0]}": {"faults": [fault]}})

    def truth(self) -> set[Row]:
        """Return the rows of the API."""
        return {
            (stream, shop, row["id"], row["updated_at"])
            for stream in STREAMS
            for shop in SHOPS
            for row in self.sandbox.truth(shop, stream)
        }

    def loaded(self) -> list[Row]:
        """Return the rows that were loaded, by the runs of all shards."""
        files = (self.folder / ".meltano" / "shards").glob("*/output/*.jsonl")
        return [
            (file.name.partition("-")[0], row["shop"], row["id"], row["updated_at"])
            for file in files
            for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())
        ]

    def assert_complete(self) -> None:
        """Check that all rows came, most of them once, and that each shard has the state of its shops."""
        loaded, truth = self.loaded(), self.truth()
        assert set(loaded) == truth
        assert len(loaded) < 1.5 * len(truth)
        states = {path.parent.name: path for path in (self.folder / "states").glob("*/state.json")}
        names = [f"prod:tap-sumeru-to-target-jsonl:shard-{i}" for i in range(1, SHARDS + 1)]
        assert sorted(states) == names
        for number, name in enumerate(names, 1):
            state = json.loads(states[name].read_text(encoding="utf-8"))["completed"]["singer_state"]
            expected = {shop for shop in SHOPS if is_in_shard(shop, f"{number}/{SHARDS}")}
            assert set(state["bookmarks"]) == set(STREAMS)
            assert all(_shops(content) == expected for content in state["bookmarks"].values())


def _shops(content: Mapping[str, Any]) -> set[str]:
    found = {one["context"]["shop"] for one in content["partitions"] if "replication_key_value" in one}
    return {str(shop) for shop in found}


def make(folder: Path, stack: ExitStack) -> Project:
    """Copy the project, and start a sandbox."""
    sandbox = stack.enter_context(Sandbox(shops=SHOPS, customers=100))
    text = (ROOT / "meltano.yml").read_text(encoding="utf-8")
    # The tap is that of this checkout, and each shard has files of its own: two loaders must not share one.
    for old, new in (
        ("-e .", f"-e {ROOT}"),
        ("$MELTANO_PROJECT_ROOT/output", "$MELTANO_SYS_DIR_ROOT/output"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "meltano.yml").write_text(text, encoding="utf-8")
    shutil.copytree(DEPLOY, folder / "deploy")
    shops = [{"shop": shop, "api_token": sandbox.token(shop)} for shop in SHOPS]
    (folder / "shops.json").write_text(json.dumps(shops), encoding="utf-8")
    for number in range(1, SHARDS + 1):
        (folder / ".meltano" / "shards" / str(number) / "output").mkdir(parents=True)
    return Project(folder, sandbox)
