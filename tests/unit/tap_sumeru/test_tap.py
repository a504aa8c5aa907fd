"""The tap as Singer and its SDK see it: discovery, `--about`, and the SDK's own tests."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sumeru_sandbox import Sandbox
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.schema import CONFIG_SCHEMA
from tap_sumeru.tap import TapSumeru

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.tap_cli import Tap as CommandLine


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


# Without faults `extra` and some `relationships` are always null, which the SDK's suite warns about.
pytestmark = pytest.mark.filterwarnings("ignore:No records were available to test")

# The SDK creates its tests when this file is imported, before the server runs: the address must be known.
PORT = _free_port()
STANDARD = Sandbox(shops=("acme",), customers=100, port=PORT)
CONFIG = {"api_token": STANDARD.token("acme"), "shop": "acme", "api_url": f"http://127.0.0.1:{PORT}"}


@pytest.fixture(scope="session", autouse=True)
def standard_sandbox() -> Iterator[None]:
    """The sandbox that the SDK's tests read."""
    with STANDARD:
        yield


TestStandard = get_tap_test_class(TapSumeru, config=CONFIG, suite_config=SuiteConfig(max_records_limit=50))


def discover() -> dict[str, Any]:
    command = [sys.executable, "-m", "tap_sumeru", "--discover"]
    return dict(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def test_discovery_lists_exactly_the_streams_with_their_keys() -> None:
    found = {entry["tap_stream_id"]: entry for entry in discover()["streams"]}
    assert set(found) == set(STREAMS)
    for name, entry in found.items():
        assert entry["key_properties"] == list(STREAMS[entry["stream"]].primary_key)
        assert entry["replication_key"] == STREAMS[name].replication_key
        assert entry["replication_method"] == "INCREMENTAL"
    assert found["customers"]["schema"]["properties"]["email"]["x-pii"] is True


def test_about_lists_every_setting_and_marks_the_secrets() -> None:
    command = [sys.executable, "-m", "tap_sumeru", "--about", "--format=json"]
    about = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    properties = about["settings"]["properties"]
    assert set(CONFIG_SCHEMA["properties"]) <= set(properties)
    for name in CONFIG_SCHEMA["properties"]:
        assert properties[name]["title"], name
        assert properties[name]["description"].endswith("."), name
    assert {name for name, one in properties.items() if one.get("secret")} == {"api_token", "shops"}
    assert "batch" in about["capabilities"]


def test_about_and_version_need_no_settings() -> None:
    for option in ("--version", "--about", "--help"):
        command = [sys.executable, "-m", "tap_sumeru", option]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False)
        assert done.stdout


def test_the_connection_test_reads_one_record_of_each_stream(tap: CommandLine) -> None:
    output = tap.run([*tap.command(), "--test"])
    assert output.code == 0, output.log
    assert set(output.counts()) == set(STREAMS)


def test_singer_check_tap_accepts_the_output(tap: CommandLine) -> None:
    """The checker's own dependency installs a clashing `backoff`, so it runs in an environment of its own."""
    uv = shutil.which("uv") or str(Path(".tools/bin/uv").resolve())
    lines = "\n".join(tap.sync().lines)
    done = subprocess.run(
        [uv, "tool", "run", "--quiet", "--from", "singer-tools==0.4.1", "singer-check-tap"],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        cwd=tap.folder,  # it leaves a folder of data behind
    )
    assert done.returncode == 0, done.stderr
    assert "The output is valid" in done.stdout
