"""`deploy/sync-shard` and the lines for cron: how Meltano is called, and no shard runs twice at once."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from schedulers.fake_meltano import FakeMeltano
from schedulers.processes import wait_for
from schedulers.project import DEPLOY

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def meltano(tmp_path: Path) -> FakeMeltano:
    return FakeMeltano(tmp_path)


def test_a_shard_has_its_state_and_its_folder(meltano: FakeMeltano) -> None:
    assert meltano.run("deploy/sync-shard", "2/14") == (0, "")
    root = str(meltano.folder / ".meltano" / "shards" / "2")
    assert meltano.calls == [
        {
            "arguments": ["run", "--force", "--state-id-suffix", "shard-2", "tap-sumeru", "target-postgres"],
            "folder": str(meltano.folder),
            "MELTANO_SYS_DIR_ROOT": root,
            "TAP_SUMERU_SHARD": "2/14",
        }
    ]


def test_loader_folder_and_a_shared_database_can_be_set(meltano: FakeMeltano) -> None:
    own = {"MELTANO_SYS_DIR_ROOT": str(meltano.folder / "own"), "MELTANO_DATABASE_URI": "postgresql://db"}
    assert meltano.run("deploy/sync-shard", "1/2", SUMERU_LOADER="target-snowflake", **own) == (0, "")
    assert meltano.run("deploy/sync-shard", "1/2", "target-bigquery", **own) == (0, "")
    loaders = [call["arguments"][-1] for call in meltano.calls]
    assert loaders == ["target-snowflake", "target-bigquery"]
    assert all("--force" not in call["arguments"] for call in meltano.calls)
    assert {call["MELTANO_SYS_DIR_ROOT"] for call in meltano.calls} == {own["MELTANO_SYS_DIR_ROOT"]}


def test_the_exit_code_is_that_of_meltano(meltano: FakeMeltano) -> None:
    assert meltano.run("deploy/sync-shard", "1/2", CODE="3") == (3, "")


@pytest.mark.parametrize("shard", ["", "2", "/2", "2/", "a/2", "2/b", "1/2/3", "../2", "1/-2"])
def test_anything_but_a_shard_is_an_error_and_writes_nothing(meltano: FakeMeltano, shard: str) -> None:
    code, log = meltano.run("deploy/sync-shard", shard)
    assert (code, meltano.calls) == (64, [])
    assert "Usage: deploy/sync-shard I/N [LOADER]" in log
    assert not (meltano.folder / ".meltano").exists()


def test_a_shard_that_is_running_is_not_started_again_and_others_are(meltano: FakeMeltano) -> None:
    meltano.block.touch()
    first = meltano.start("deploy/sync-shard", "1/2")
    other = meltano.start("deploy/sync-shard", "2/2")
    try:
        wait_for(lambda: len(meltano.calls) == 2, "the start of both shards")
        code, log = meltano.run("deploy/sync-shard", "1/2")
        assert (code, log) == (75, "Shard 1/2 is being synced already, so this run reads nothing.\n")
        # Whatever way a run ends, the next one starts.
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
    finally:
        meltano.block.unlink()
        other.communicate()
    assert meltano.run("deploy/sync-shard", "1/2") == (0, "")
    assert [call["TAP_SUMERU_SHARD"] for call in meltano.calls][2:] == ["1/2"]


def test_the_lines_for_cron_sync_each_shard_once_every_hour(meltano: FakeMeltano) -> None:
    text = (DEPLOY / "crontab").read_text(encoding="utf-8")
    path, *lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert path.startswith("PATH=")
    for line in lines:
        found = re.fullmatch(r"0 \* \* \* \* (/opt/tap-sumeru)(/deploy/sync-shard \S+) >> (\S+) 2>&1", line)
        assert found, line
        assert meltano.run("sh", "-c", f"'{meltano.folder}'{found[2]}") == (0, "")
    shards = [call["TAP_SUMERU_SHARD"] for call in meltano.calls]
    assert shards == [f"{i}/{len(lines)}" for i in range(1, len(lines) + 1)]
    assert len({line.partition(">>")[2] for line in lines}) == len(lines)
