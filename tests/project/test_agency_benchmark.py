"""The benchmark of an agency: processes that share shops are counted together, and each row is checked."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import agency, environments, fleets, rows, servers
from benchmarks.clients import DLT_SHOPS, TAP, Client, Job
from benchmarks.environments import PEERS
from benchmarks.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS = str(Path(sys.executable).with_name("tap-sumeru"))
STREAMS = ("campaigns", "orders")
SHOPS, CUSTOMERS = 4, 100


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Server]:
    with servers.replay(CUSTOMERS, now="", options=[f"--shops={SHOPS}"]) as running:
        yield running


def shards(server: servers.Server, folder: Path, *which: str) -> fleets.Fleet:
    """Return processes of this tap that read some shards."""
    jobs = [Job(server, STREAMS, options=fleets.settings(SHOPS, shard=shard)) for shard in which]
    return fleets.Fleet(Client(TAP, folder / "tap", "uv", OURS), jobs, 2, by_shop=True)


def test_two_shards_read_each_row_once_and_go_on_from_their_states(
    server: servers.Server, tmp_path: Path
) -> None:
    fleet = shards(server, tmp_path, "1/2", "2/2")
    assert not fleet.has_states
    checked = fleet.check(tmp_path / "check.log", CUSTOMERS, SHOPS)
    assert (checked["wrong"], fleet.has_states) == ("", True)
    whole = {name: servers.replayed(CUSTOMERS, name, shops=SHOPS) for name in STREAMS}
    assert checked["rows"] == sum(tally.rows for tally in whole.values())
    first = fleet.run(tmp_path / "first.log")
    tick = fleet.continued().run(tmp_path / "tick.log")
    assert (first["wrong"], first["refused"]) == ("", 0)
    assert 0 < tick["requests"] <= first["requests"]


@pytest.mark.parametrize("which", [("1/2",), ("1/2", "1/2"), ("1/1", "2/2")])
def test_shops_that_no_process_or_two_have_read_void_the_figures(
    server: servers.Server, tmp_path: Path, which: tuple[str, ...]
) -> None:
    wrong = shards(server, tmp_path, *which).check(tmp_path / "check.log", CUSTOMERS, SHOPS)["wrong"]
    assert "rows came" in wrong


def test_a_process_that_fails_voids_the_figures(server: servers.Server, tmp_path: Path) -> None:
    fleet = shards(server, tmp_path, "1/2", "3/2")
    assert fleet.run(tmp_path / "run.log")["wrong"] == "exit code 1"


def test_processes_for_one_shop_are_each_compared_with_its_rows(
    server: servers.Server, tmp_path: Path
) -> None:
    jobs = [Job(replace(server, token=servers.token(number)), STREAMS) for number in range(2)]
    fleet = fleets.Fleet(Client(TAP, tmp_path / "tap", "uv", OURS), jobs, 1, by_shop=False)
    assert fleet.check(tmp_path / "check.log", CUSTOMERS, 2)["wrong"] == ""
    fewer = replace(fleet, jobs=[jobs[0], replace(jobs[1], start_date="2026-01-01T00:00:00Z")])
    assert "rows came" in fewer.check(tmp_path / "check.log", CUSTOMERS, 2)["wrong"]


@given(st.lists(st.sets(st.text(max_size=4)), min_size=1, max_size=4))
def test_counts_of_separate_rows_add_up(parts: list[set[str]]) -> None:
    named = [{f"{number}/{ident}" for ident in part} for number, part in enumerate(parts)]
    found = rows.total([*(rows.tally(part) for part in named), None])
    assert found == rows.expected(ident for part in named for ident in part)


def test_every_client_has_a_builder_and_dlt_a_script(
    server: servers.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "tap", lambda _uv: Path(sys.executable))  # installs nothing
    turns = Turns("agency", quick=True, uv="uv")
    for build in agency._FLEETS.values():  # noqa: SLF001 - the benchmark's own table
        fleet = build(turns, server, 3, 1)
        tokens = [shop["api_token"] for job in fleet.jobs for shop in job.options.get("shops", ())]
        assert set(tokens or [job.server.token for job in fleet.jobs]) == set(map(servers.token, (1, 2, 3)))
    assert DLT_SHOPS in agency._FLEETS  # noqa: SLF001 - as above
    assert (PEERS / "dlt_shops.py").exists()
