"""`make demo` with small shops: all rows land, and the second run reads little."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

import demo
from sumeru_sandbox import Sandbox
from tap_sumeru.catalog.streams import STREAMS
from write_back import BEST

if TYPE_CHECKING:
    Runs = list[subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "demo.py"
MELTANO_YML = (ROOT / "meltano.yml").read_bytes()
CUSTOMERS = 100


def _command(folder: Path, *options: str) -> list[str]:
    """Return the command of the demo without its marts, which test_dbt.py tests."""
    return [sys.executable, str(SCRIPT), "--no-marts", "--output", str(folder), *options]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one output folder for all demos of this module, so that plugins are installed once."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def runs(folder: Path) -> Runs:
    """Run the demo twice, with settings of a user in the environment, which it must ignore."""
    user = {
        "TAP_SUMERU_SHARD": "9/9",
        "TARGET_DUCKDB_PATH": "/nowhere/x.duckdb",
        "MELTANO_ENVIRONMENT": "prod",
    }
    command = _command(folder, "--sample", "--customers", str(CUSTOMERS))
    return [
        subprocess.run(command, capture_output=True, check=False, env={**os.environ, **user}, text=True)
        for _ in range(2)
    ]


def test_every_row_lands(runs: Runs) -> None:
    for run in runs:
        assert run.returncode == 0, run.stderr
        lines = [line.split() for line in run.stdout.splitlines() if line.endswith("equal")]
        assert [line[0] for line in lines] == list(STREAMS)
        assert all(landed == held for _, landed, held, _ in lines)
        assert lines[0][1] == f"{3 * CUSTOMERS}"


def test_the_second_run_reads_little(runs: Runs, folder: Path) -> None:
    first = json.loads((folder / "demo.json").read_text())["requests"]
    share = re.search(r"([\d,]+) of ([\d,]+) requests, ([\d.]+) %; ([\d,]+) records", runs[1].stdout)
    assert share
    requests, of, percent, records = (float(text.replace(",", "")) for text in share.groups())
    assert of == first
    assert percent == pytest.approx(100 * requests / first, abs=0.1)
    # One request per list, for some a second one, and one per journey, whatever the size of the shops.
    assert requests <= 3 * 3 * len(STREAMS)
    assert records < 50


def test_it_tags_the_best_customers_and_reads_the_tags_back(runs: Runs) -> None:
    for run in runs:
        said, done = run.stdout.index("local sandbox only"), run.stdout.index("customers have the tag")
        assert said < done
        assert f"\n{3 * BEST} of {3 * BEST} customers have the tag" in run.stdout


def test_it_prints_a_summary_and_the_next_steps(runs: Runs) -> None:
    first = runs[0].stdout
    assert re.search(r"[\d,]+ records in \d+ s, with [\d,]+ requests, 0 refused by the rate limit", first)
    assert "demo.duckdb" in first
    assert "TAP_SUMERU_API_TOKEN" in first


def test_it_writes_to_its_folder_only(runs: Runs, folder: Path) -> None:
    assert runs
    assert {path.name for path in folder.iterdir()} >= {".meltano", "demo.duckdb", "demo.log", "demo.state"}
    assert (ROOT / "meltano.yml").read_bytes() == MELTANO_YML, "Meltano has rewritten meltano.yml"
    assert not (ROOT / "plugins").exists()


def test_another_number_of_customers_is_rejected(runs: Runs, folder: Path) -> None:
    assert runs
    command = _command(folder, "--sample", "--customers", "200")
    other = subprocess.run(command, capture_output=True, check=False, text=True)
    assert other.returncode == 1
    assert "`make demo-clean` removes them" in other.stderr


def test_with_a_token_it_reads_the_real_api(runs: Runs, folder: Path) -> None:
    assert runs
    with Sandbox(["acme"], customers=100) as api:
        own = {
            "TAP_SUMERU_API_TOKEN": api.token("acme"),
            "TAP_SUMERU_API_URL": api.url,
            "NO_PROXY": "127.0.0.1",
        }
        command = _command(folder)
        run = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **own}, text=True)
        requests = api.stats()["requests"]
    assert run.returncode == 0, run.stderr
    assert re.search(r"^  customers +100$", run.stdout, re.MULTILINE)
    assert f"with {requests:,} requests" in run.stdout
    assert (folder / "real.duckdb").exists()
    log = (folder / "real.log").read_text()
    assert own["TAP_SUMERU_API_TOKEN"] not in run.stdout + run.stderr + log


def test_ctrl_c_stops_all_processes(runs: Runs, folder: Path) -> None:
    assert runs
    log = folder / "demo.log"
    log.unlink()
    with subprocess.Popen(
        _command(folder, "--sample"), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not (log.exists() and "Running job" in log.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        processes = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Stopped" in stderr
    assert processes
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert all(one.status() == psutil.STATUS_ZOMBIE for one in alive)


def test_rows_that_differ_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    held = {shop: dict.fromkeys(STREAMS, 2) for shop in ("acme", "globex")}
    landed = {stream: {"acme": 2, "globex": 2} for stream in STREAMS}
    assert demo.show_rows(landed, held)
    assert not demo.show_rows({**landed, "orders": {"acme": 3, "globex": 1}}, held)
    assert "DIFFERS: acme 3 of 2, globex 1 of 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TAP_SUMERU_API_TOKEN=\n# TAP_SUMERU_SHOPS=[]\nTAP_SUMERU_API_URL=x", False),
        ('TAP_SUMERU_API_TOKEN=""', False),
        ("TAP_SUMERU_API_TOKEN=  # later", False),
        ("export TAP_SUMERU_API_TOKEN='copt_live_x'", True),
        ('A=1\nTAP_SUMERU_SHOPS=[{"shop": "acme"}]', True),
    ],
)
def test_a_token_in_an_env_file_is_found(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, expected: bool
) -> None:
    for name in list(os.environ):
        if name.startswith("TAP_SUMERU_"):
            monkeypatch.delenv(name)
    (tmp_path / ".env").write_text(text)
    assert demo.has_own_shops(tmp_path / ".env") is expected
