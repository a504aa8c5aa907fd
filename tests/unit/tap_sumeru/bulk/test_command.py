"""The command `tap-sumeru-bulk`: what it prints, and its exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "tap_sumeru.bulk"]
SCHEMA = '{"type": "SCHEMA", "stream": "a", "schema": {"properties": {"id": {"type": "string"}}}}'
RECORD = '{"type": "RECORD", "stream": "a", "record": {"id": "b"}}'
STATE = '{"type": "STATE", "value": {"n": 1.50}}'


def run(*arguments: str, text: str = "", **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr.rstrip().split(" | ")[-1]


@pytest.mark.parametrize("name", ["postgres", "snowflake", "bigquery", "parquet"])
def test_each_command_has_a_help(name: str) -> None:
    code, printed, _ = run(name, "--help")
    assert code == 0
    assert "--state" in printed


def test_a_state_is_printed_as_it_came_or_written_into_a_file(tmp_path: Path) -> None:
    folder, file = str(tmp_path / "out"), tmp_path / "state.json"
    assert run("parquet", folder, text=f"{STATE}\n")[:2] == (0, '{"n": 1.50}\n')
    assert run("parquet", folder, "--state", str(file), text=f"{STATE}\n")[:2] == (0, "")
    assert file.read_text(encoding="utf-8") == '{"n": 1.50}'
    code, _, last = run("parquet", folder, "--state", str(tmp_path / "no" / "state.json"), text=f"{STATE}\n")
    assert (code, last) == (1, "state: cannot be written (No such file or directory).")


def test_sql_is_printed_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    batch = '{"type": "BATCH", "stream": "a", "encoding": {}, "manifest": ["file:///a.jsonl"]}'
    code, printed, last = run("bigquery", "--state", str(file), text=f"{SCHEMA}\n{batch}\n{STATE}\n")
    assert (code, printed) == (1, "")
    assert last == "a: BigQuery reads BATCH files from Cloud Storage only."
    assert not file.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "config: the file cannot be read (No such file or directory)."),
        ("[]", "config: must be a JSON object."),
        ("{", "config: must be a JSON object."),
        ('{"hard_delete": 7}', "hard_delete: must be true or false."),
    ],
)
def test_a_config_file_that_cannot_be_used_is_named(tmp_path: Path, content: Any, message: str) -> None:
    file = tmp_path / "target.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert run("postgres", "--config", str(file)) == (1, "", message)


def test_a_log_level_that_does_not_exist_is_an_error() -> None:
    code, _, last = run("parquet", "any", LOGLEVEL="loud")
    assert (code, last) == (1, "LOGLEVEL: must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")


@pytest.mark.parametrize(("name", "module"), [("postgres", "psycopg"), ("parquet", "pyarrow")])
def test_without_the_extra_the_package_is_named(tmp_path: Path, name: str, module: str) -> None:
    (tmp_path / f"{module}.py").write_text(f"raise ModuleNotFoundError(name={module!r})", encoding="utf-8")
    arguments = [name, *(["any"] if name == "parquet" else [])]
    code, _, last = run(*arguments, PYTHONPATH=str(tmp_path))
    assert code == 1
    assert last == f"{module} is not installed. In a clone of the tap, run: pip install '.[bulk]'."


def test_ctrl_c_lets_the_run_go_on_until_the_input_ends_and_a_second_one_stops_it(tmp_path: Path) -> None:
    """Python's own handler would stop it: so the first signal is sent once a first state is out."""
    for times, code in ((1, 0), (2, -signal.SIGINT)):
        with subprocess.Popen(
            [*COMMAND, "parquet", str(tmp_path), "--batch-size", "1"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdin
            assert process.stdout
            assert process.stderr
            process.stdin.write(f"{SCHEMA}\n{RECORD}\n{STATE}\n{RECORD}\n{RECORD}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline() == b'{"n": 1.50}\n'
            process.send_signal(signal.SIGINT)
            assert any(b"Press Ctrl-C again" in line for line in process.stderr)
            if times > 1:
                process.send_signal(signal.SIGINT)
                process.wait(60)
            process.stdin.close()
            process.wait(60)
        assert process.returncode == code
