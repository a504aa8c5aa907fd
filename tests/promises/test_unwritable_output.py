"""Standard output that is full, closed, or left by its reader: one line, exit code 1, for every command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.target_cli import Target, as_lines, state, stream_of

if TYPE_CHECKING:
    from pathlib import Path

    from sumeru_sandbox import Sandbox
    from support.tap_cli import Tap

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither /dev/full nor such redirections")

SINKS = {"full": ">/dev/full", "closed": ">&-", "left": ">&{pipe}"}
BULK = [sys.executable, "-m", "tap_sumeru.bulk"]
STATE = {"type": "STATE", "value": {"n": 1}}
SCHEMA = {"type": "SCHEMA", "stream": "a", "schema": {"properties": {"id": {"type": "string"}}}}


@pytest.fixture(params=SINKS)
def sink(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["buffered", "unbuffered"], autouse=True)
def _buffering(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test with and without Python's buffer, whose rest is written at the exit."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    if request.param == "unbuffered":
        monkeypatch.setenv("PYTHONUNBUFFERED", "1")


def assert_one_line(command: list[str], sink: str, folder: Path, lines: str = "") -> None:
    """Run a command with an output that cannot be written; expect one error and exit code 1."""
    read, write = os.pipe()
    os.close(read)
    shell = ["bash", "-c", f'exec "$@" {SINKS[sink].format(pipe=write)}', "sh", *command]
    try:
        done = subprocess.run(
            shell,
            input=lines,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=folder,
            timeout=100,
            pass_fds=[write],
        )
    finally:
        os.close(write)
    assert done.returncode == 1, done.stderr
    errors = [line for line in done.stderr.splitlines() if "INFO" not in line and "WARNING" not in line]
    assert len(errors) == 1, done.stderr
    assert "stdout" in errors[0] or "closed its input" in errors[0]


@pytest.mark.parametrize(
    "options",
    [
        "--check",
        "--check --format=json",
        "--estimate",
        "--discover",
        "--about",
        "--version",
        "--help",
        "--shops",
    ],
)
def test_a_command_of_the_tap(tap: Tap, options: str, sink: str) -> None:
    assert_one_line([*tap.command(), *options.split()], sink, tap.folder)


@pytest.mark.parametrize("options", ["", "--plan", "--check", "--about", "--version", "--help"])
def test_a_command_of_the_target(sandbox: Sandbox, tmp_path: Path, options: str, sink: str) -> None:
    config = {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme"}
    rows = [{"id": sandbox.truth("acme", "customers")[0]["id"], "tags": ["a"]}]
    lines = as_lines([*stream_of("customers", rows), state(1)])
    assert_one_line([*Target(tmp_path, config).command(), *options.split()], sink, tmp_path, lines)


@pytest.mark.parametrize(
    "options", ["--help", "--version", "parquet --help", "snowflake --help", "parquet out"]
)
def test_a_command_of_the_bulk_loader(tmp_path: Path, options: str, sink: str) -> None:
    assert_one_line([*BULK, *options.split()], sink, tmp_path, f"{json.dumps(STATE)}\n")


@pytest.mark.parametrize("options", ["hash", "drop --ids", "--help"])
def test_the_command_that_prints_stream_maps(tmp_path: Path, options: str, sink: str) -> None:
    assert_one_line([sys.executable, "-m", "tap_sumeru.pii", *options.split()], sink, tmp_path)


@pytest.mark.parametrize(
    ("options", "bucket"),
    [("snowflake --database=X --storage-integration=i", "s3://b"), ("bigquery", "gs://b")],
    ids=["snowflake", "bigquery"],
)
def test_no_state_is_written_for_sql_that_was_not_printed(
    tmp_path: Path, options: str, bucket: str, sink: str
) -> None:
    encoding = {"format": "jsonl", "compression": "gzip"}
    batch = {"type": "BATCH", "stream": "a", "encoding": encoding, "manifest": [f"{bucket}/a.jsonl.gz"]}
    lines = "".join(f"{json.dumps(message)}\n" for message in (SCHEMA, batch, STATE))
    assert_one_line([*BULK, *options.split(), "--state", "state.json"], sink, tmp_path, lines)
    assert not (tmp_path / "state.json").exists()
