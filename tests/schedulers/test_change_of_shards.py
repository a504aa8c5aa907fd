"""The script of `docs/shards.md` for another number of shards, run by Meltano."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from schedulers.project import ROOT, SHOPS, installed
from tap_sumeru.config.shops import is_in_shard

if TYPE_CHECKING:
    from schedulers.project import Project

pytestmark = [installed, pytest.mark.timeout(300)]
NAME = "prod:tap-sumeru-to-target-postgres:shard-{}"


def script() -> str:
    """Return the script, for two shards where the page has five, and one where it has four."""
    page = (ROOT / "docs" / "shards.md").read_text(encoding="utf-8")
    section = page.partition("## Change the number of shards")[2]
    (text,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    assert all(f"old-{i}.json" in text for i in range(1, 5))
    text = re.sub(r" (?:\\\n +)?--merge old-\d\.json", "", text)
    return text.replace("1 2 3 4 5", "1 2").replace("1 2 3 4", "1").replace("$i/5", "$i/2")


def test_the_script_gives_each_new_shard_the_bookmarks_of_its_shops(project: Project) -> None:
    partitions = [
        {
            "context": {"shop": shop},
            "replication_key": "updated_at",
            "replication_key_value": "2026-05-10T00:00:00Z",
        }
        for shop in SHOPS
    ]
    state: dict[str, Any] = {"bookmarks": {"orders": {"partitions": partitions}}}
    folder = project.folder / "states" / NAME.format(1)
    folder.mkdir(parents=True)
    content = {"completed": {"singer_state": state}, "partial": {}}
    (folder / "state.json").write_text(json.dumps(content), encoding="utf-8")

    command = ["sh", "-euc", script()]
    done = subprocess.run(
        command, cwd=project.folder, env=project.env("meltano"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for number in (1, 2):
        file = project.folder / "states" / NAME.format(number) / "state.json"
        new = json.loads(file.read_text(encoding="utf-8"))["completed"]["singer_state"]
        expected = [one for one in partitions if is_in_shard(one["context"]["shop"], f"{number}/2")]  # type: ignore[index]  # JSON
        assert expected
        assert new == {"bookmarks": {"orders": {"partitions": expected}}}
