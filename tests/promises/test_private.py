"""Promise 5, private: no token and no customer data in any log, error, state, metric or file."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.canary_api import SITUATIONS, CanaryApi, token
from support.isolated_run import assert_private, config_of, without_records
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from support.isolated_run import IsolatedRun


def test_private_values_of_the_api_are_written_to_records_only(
    isolated: IsolatedRun, canaries: CanaryApi
) -> None:
    with CanaryApi() as elsewhere:
        canaries.elsewhere = elsewhere.url
        shops = [{"shop": f"of_{one}", "api_token": token(one)} for one in SITUATIONS]
        config = {
            "api_url": canaries.url,
            "shops_file": isolated.file("kanari.json", json.dumps(shops)),
            "user_agent": "kanari",
            "max_retries": 1,
            "concurrency": 2,
            "stream_options": {"customers": {"filters": {"email": "kanari-filter"}}},
        }
        done = isolated.run(config=config)
    assert done.returncode == 1
    assert_private(done.stderr, without_records(done.stdout), isolated.left_behind())
    # Every situation occurred, and the log still names each failure.
    progress = (": GET ", ": waiting for the rate limit until ")
    log = "\n".join(line for line in done.stderr.splitlines() if not any(one in line for one in progress))
    for situation in sorted(set(SITUATIONS) - {"good", "drift", "unknown", "429"}):
        assert f"Shop of_{situation}: " in log, situation
    for situation in ("good", "drift", "unknown", "429"):
        assert f"Shop of_{situation}: " not in log, situation
        assert done.stdout.count(f'"record":{{"shop":"of_{situation}"') >= 3 * len(STREAMS) - 2
    assert "kanari" in done.stdout
    assert elsewhere.asked == []
    assert not any("?kanari" in path for _, path, _ in canaries.asked)
    assert {method for method, _, _ in canaries.asked} == {"GET"}


@pytest.mark.parametrize("option", ["--about", "--discover", "--test", "--test=schema"])
def test_no_command_prints_a_setting_or_a_value(
    isolated: IsolatedRun, canaries: CanaryApi, option: str
) -> None:
    done = isolated.run(option, config=config_of(canaries, user_agent="kanari"))
    assert done.returncode == 0, done.stderr
    shown = without_records(done.stdout) if option.startswith("--test") else done.stdout
    shown = re.sub(r"kanari_[a-z]+(?= \(|: {)", "", shown)  # names of fields are what a check is for
    assert_private(done.stderr, shown, isolated.left_behind())


def test_a_stream_map_logs_no_value(isolated: IsolatedRun, canaries: CanaryApi) -> None:
    maps = {
        "customers": {"email": "int(email)"},
        "orders": {"__filter__": "email != 'jane@kanari.example'"},
        "products": {"title": "1 / 0 if title else title"},
        "campaigns": {"name": "no_such_name"},
    }
    done = isolated.run(config=config_of(canaries, stream_maps=maps))
    assert done.returncode == 1
    for stream in ("customers", "products", "campaigns"):
        assert f"{stream} failed: the stream map {stream}." in done.stderr
    assert_private(done.stderr, without_records(done.stdout))


FAULTY = """
import tap_sumeru.sync.run, tap_sumeru.tap
def fail(engine, value):
    try:
        {}[value["email"]]
    except KeyError as error:
        raise RuntimeError(f"cannot write {value}") from error
tap_sumeru.sync.run.log_summary = lambda results, *_: fail(results, {"email": "jane@kanari.example"})
tap_sumeru.tap.TapSumeru.cli()
"""


def test_a_bug_in_the_tap_is_reported_by_its_location_without_values(
    isolated: IsolatedRun, canaries: CanaryApi
) -> None:
    command, env = isolated.command(config=config_of(canaries))
    command[1:3] = ["-c", FAULTY]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "Internal error: RuntimeError (<string>:7 < <string>:8 < run.py:" in done.stderr
    assert ", after KeyError (" in done.stderr
    assert_private(done.stderr, without_records(done.stdout))


@pytest.mark.parametrize("how", ["SIGTERM", "closed"])
def test_an_interrupted_run_logs_nothing_private(isolated: IsolatedRun, how: str) -> None:
    log = isolated.given / "log.txt"
    with CanaryApi(pages=10_000) as api:
        command, env = isolated.command(config=config_of(api))
        with log.open("w") as stderr:
            process = subprocess.Popen(
                command, env=env, cwd=isolated.open / "cwd", stdout=subprocess.PIPE, stderr=stderr, text=True
            )
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(20)]
        if how == "SIGTERM":
            process.send_signal(signal.SIGTERM)
            lines += process.stdout.readlines()
        process.stdout.close()
        process.wait(timeout=60)
    assert process.returncode == (143 if how == "SIGTERM" else 1)
    assert_private(log.read_text(), without_records("".join(lines)), isolated.left_behind())
