"""The benchmarks: counting of rows, replayed pages, ratios and the generated document."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
import yaml
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import __main__ as bench
from benchmarks import document, ideal, processes, rows, servers, spark, turns, warehouse
from benchmarks.clients import LOOPS, STOCK, TAP, Client, Job, compared
from benchmarks.environments import PEERS, ROOT
from benchmarks.sandbox import counts
from benchmarks.scenarios import Ratio, Result, at_least, at_most, ratio

if TYPE_CHECKING:
    from random import Random

OURS = str(Path(sys.executable).with_name("tap-sumeru"))
IDS = st.lists(st.text(max_size=5), unique=True)
SOUND = {"wrong": ""}


@pytest.mark.parametrize("limit", [60, 600])
def test_a_limit_allows_its_number_per_minute_after_a_burst(limit: int) -> None:
    for minutes in (1, 2):
        assert ideal.documented(limit, 60 * minutes) == pytest.approx(limit * minutes, abs=1)
        assert ideal.possible(limit, 60 * minutes) == limit * minutes
    assert ideal.documented(limit, 10) == pytest.approx(limit / 3, abs=2)
    assert ideal.documented(limit, 30) < ideal.possible(limit, 30)


@given(IDS, st.randoms())
def test_a_tally_depends_on_the_ids_and_not_on_their_order(ids: list[str], random: Random) -> None:
    shuffled = sorted(ids, key=lambda _: random.random())
    assert rows.tally(shuffled) == rows.expected(ids)


@given(IDS.filter(bool))
def test_a_lost_repeated_or_different_row_is_detected(ids: list[str]) -> None:
    whole = {"orders": rows.expected(ids)}
    assert compared({"orders": rows.tally(ids)}, whole) == ""
    for wrong in (ids[1:], [*ids, ids[0]], [*ids[1:], "another one"]):
        assert compared({"orders": rows.tally(wrong)}, whole)
    assert compared({}, whole)


def test_records_of_singer_and_of_airbyte_are_found_among_other_lines() -> None:
    lines = [
        b'{"type":"SCHEMA","stream":"orders","schema":{},"key_properties":["id"]}',
        b'{"type":"RECORD","stream":"orders","record":{"shop":"acme","id":"ord_1"}}',
        b'{"type":"STATE","value":{}}',
        b'{"type":"RECORD","record":{"stream":"orders","data":{"id":"ord_2"},"emitted_at":1}}',
    ]
    assert list(rows.of_lines(lines)) == [("orders", "ord_1"), ("orders", "ord_2")]


def test_the_measured_settings_are_those_of_meltano_yml() -> None:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (loader,) = (one for one in project["plugins"]["loaders"] if one["name"] == "target-postgres")
    given = {setting["name"]: setting.get("value") for setting in loader["settings"]}
    assert {name: given[name] for name in warehouse.AS_IN_MELTANO_YML} == warehouse.AS_IN_MELTANO_YML


def test_a_client_receives_all_rows_of_a_replayed_list_each_with_unknown_fields(tmp_path: Path) -> None:
    with servers.replay(300, {"customers": 3}, options=["--drift"]) as server:
        job = Job(server, ("customers",))
        command = Client(TAP, tmp_path / "tap", "uv", OURS).command(job)
        lines = subprocess.run(command, check=True, capture_output=True).stdout.splitlines()
    found = rows.tallies(rows.of_lines(lines))
    assert compared(found, {"customers": servers.replayed(300, "customers", 3)}) == ""
    records = [line for line in lines if b'"RECORD"' in line[:20] or b'"type":"RECORD"' in line]
    assert all(b'"loyalty_note"' in line and b'"loyalty_tier"' in line for line in records)


def _loop(server: servers.Server, folder: Path) -> list[bytes]:
    """Run the loop that needs only the standard library and msgspec."""
    (folder / "job.json").write_text(
        json.dumps(
            {
                "api_url": server.url,
                "api_token": server.token,
                "streams": ["customers"],
                "shop": "acme",
            }
        ),
        encoding="utf-8",
    )
    command = [sys.executable, str(PEERS / "loop_http_client.py"), str(folder / "job.json")]
    return subprocess.run(command, check=True, capture_output=True).stdout.splitlines()


def _get(server: servers.Server, token: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{server.url}/api/v1/customers", headers=headers, timeout=10)


def test_each_bare_loop_has_a_script() -> None:
    assert len(LOOPS) == 4
    for name in LOOPS:
        assert (PEERS / f"loop_{name.split()[0].replace('.', '_')}.py").exists()


def test_pages_are_served_over_tls_and_compressed(tmp_path: Path) -> None:
    expected = {"customers": servers.replayed(300, "customers", 3)}
    before = dict(os.environ)
    with servers.replay_tls(300, {"customers": 3}) as server:
        assert server.url.startswith("https://")
        assert compared(rows.tallies(rows.of_lines(_loop(server, tmp_path))), expected) == ""
    assert dict(os.environ) == before
    with servers.replay(300, {"customers": 3}, options=["--gzip"]) as server:
        assert compared(rows.tallies(rows.of_lines(_loop(server, tmp_path))), expected) == ""
        assert server.get("/api/v1/customers?limit=100").startswith(b"{")
        assert _get(server, server.token).headers["Content-Encoding"] == "gzip"


def test_replayed_shops_have_equal_rows_and_separate_rate_limits(tmp_path: Path) -> None:
    with servers.replay(100, now="", options=["--shops=3", "--limit=60", "--latency=1"]) as server:
        shops = [{"shop": servers.shop(i), "api_token": servers.token(i)} for i in range(2)]
        job = Job(server, ("customers", "campaigns"), options={"shops": shops})
        client = Client(TAP, tmp_path / "tap", "uv", OURS)
        run = subprocess.run(client.command(job), check=True, capture_output=True)
        state = tmp_path / "state.json"
        counter = client.counter(by_shop=True, state=state)
        counted = subprocess.run(counter, check=True, capture_output=True, input=run.stdout).stdout
        sent, refused = server.replayed()
        assert sent > 4
        assert refused == 0
        assert _get(server, servers.token(3)).status_code == 401
        responses = [_get(server, servers.token(2)) for _ in range(61)]
    assert [responses[0].status_code, responses[-1].status_code] == [200, 429]
    assert responses[0].headers["X-RateLimit-Limit"] == "60"
    assert int(responses[-1].headers["Retry-After"]) > 0
    found = {stream: rows.Tally(**tally) for stream, tally in json.loads(counted).items()}
    assert found == {name: servers.replayed(100, name, shops=2) for name in ("customers", "campaigns")}
    assert found["customers"].rows == 2 * counts(100)["customers"]
    assert set(json.loads(state.read_text(encoding="utf-8"))) == {"bookmarks"}


def test_a_measured_run_is_kept_until_the_code_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "CACHE", tmp_path)
    monkeypatch.setattr(turns, "_JOURNAL", tmp_path / "journal.json")
    mine = turns.Turns("cpu", quick=True, uv="uv")
    taken = iter([1.0, 2.0, 3.0])

    def measure() -> dict[str, float]:
        return {"wall": next(taken)}

    assert [mine.kept("a", measure), mine.kept("a", measure)] == [{"wall": 1.0}] * 2
    assert turns.Turns("cpu", quick=False, uv="uv").kept("a", measure) == {"wall": 2.0}
    turns.forget("cpu")
    assert mine.kept("a", measure) == {"wall": 3.0}
    monkeypatch.setattr(turns, "fingerprint", lambda: "other code")
    assert turns.read_journal() == {}


def test_a_requirement_is_met_only_by_a_valid_figure_within_its_bound() -> None:
    assert at_least("faster", 12, 12, SOUND).passed
    assert not at_least("faster", 11.9, 12, SOUND).passed
    assert at_most("requests", 16, 16, SOUND).passed
    assert not at_most("requests", 17, 16, SOUND).passed
    assert not at_least("faster", 20, 12, SOUND, {"wrong": "orders: 1 row came"}).passed


def test_a_ratio_is_the_median_of_the_pairs() -> None:
    tap = [{"cpu": 2.0}, {"cpu": 1.0}, {"cpu": 4.0}]
    peer = [{"cpu": 20.0}, {"cpu": 12.0}, {"cpu": 24.0}]
    assert ratio(peer, tap, "cpu") == Ratio(10.0, 6.0, 12.0)
    bar = at_least("times the CPU", ratio(peer, tap, "cpu"), 10, SOUND)
    assert bar.passed
    assert bar.figure == "10 (6 to 12)"
    assert ratio(peer[:1], tap, "cpu") == Ratio(10.0, 10.0, 10.0)


def test_the_document_states_the_results_and_can_be_regenerated(tmp_path: Path) -> None:
    columns = ["client", "CPU µs a record", "void"]
    table: list[list[str | float]] = [[TAP, 6.42, ""], [STOCK, 125.0, "one row lost"]]
    bars = [at_least("times the CPU", 19.5, 15, SOUND), at_most("of the loop", 1.2, 1, SOUND)]
    document.write(tmp_path, {"cpu": Result("CPU", columns, table, bars, ["A note."])})
    text = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| this tap | 6.42 |" in text
    assert "| CPU: times the CPU | 19.5 | ≥ 15 | passed |" in text
    assert "`--enable-optimizations` (PGO)" in text
    assert "`--with-lto` (LTO)" in text
    assert "| CPU: of the loop | 1.2 | ≤ 1 | **missed** |" in text
    drawing = (tmp_path / "benchmarks-cpu.svg").read_text(encoding="utf-8")
    assert "6.42 µs" in drawing
    assert "125" not in drawing
    document.write(tmp_path, document.read(tmp_path))
    assert (tmp_path / "benchmarks.md").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("argument", ["--only=nothing", "--what", "--tap=/nothing/there"])
def test_the_command_rejects_unknown_arguments(argument: str) -> None:
    command = [sys.executable, "-m", "benchmarks", argument]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 2


def test_each_module_that_a_benchmark_runs_exists() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py")]
    named = {name for source in sources for name in re.findall(r'"-m",\s*"([\w.]+)"', source)}
    assert "sumeru_sandbox" in named
    for name in named - {"immediate"}:  # an option of pg_ctl
        assert find_spec(name) is not None, name


def test_a_watch_finds_the_memory_and_cpu_of_what_a_driver_starts() -> None:
    work = "import time; held = b'x' * (64 << 20)\nwhile time.process_time() < 0.5: pass\ntime.sleep(1)"
    worker = [sys.executable, "-c", work, "pyspark.daemon"]
    driver = f"import subprocess, time; subprocess.run({worker!r}); time.sleep(0.5)"
    with subprocess.Popen([sys.executable, "-c", driver]) as process:
        watch = spark.Watch(process.pid)
        watch.start()
        process.wait()
    watch.join(10)
    assert not watch.is_alive()
    assert watch.peak > 64 << 20
    assert watch.cpu >= 0.4


def test_the_newest_spark_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "_SPARK", tmp_path)
    assert spark.version() == ""
    for version in ("4.0.1", "4.10.0", "4.3.0"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "python").touch()
    assert spark.version() == "4.10.0"


def test_without_spark_its_scenario_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(spark, "_SPARK", tmp_path)
    monkeypatch.setattr(bench, "SCENARIOS", {"spark": spark.spark})
    monkeypatch.setattr(bench, "CACHE", tmp_path)
    monkeypatch.setattr(processes, "pin", lambda *_: None)
    assert bench.main(["--quick"]) == 0
    assert (
        "spark: left out, because Spark is not installed (`make spark` installs it)"
        in capsys.readouterr().out
    )
    with pytest.raises(SystemExit, match="run `make spark` first"):
        bench.main(["--quick", "--only", "spark"])


def test_the_process_that_starts_clients_is_smaller_than_each_of_them() -> None:
    heavy = "import sys, benchmarks.__main__; print(*({'matplotlib', 'numpy', 'pyarrow'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", heavy], check=True, capture_output=True).stdout.split() == []
