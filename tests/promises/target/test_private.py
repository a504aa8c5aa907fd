"""The values of rows go to the API alone: no log, report, STATE, ledger or file holds one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from support.echoing_api import EchoingApi
from support.target_cli import Target, record, schema, state, stream_of

if TYPE_CHECKING:
    from pathlib import Path

    from sumeru_sandbox import Sandbox
    from support.target_cli import Json, Written

CANARY = "kanari"
ROWS: dict[str, Json] = {
    "customers": {"id": "cus_kanari1", "tags": ["kanari"], "first_name": "Kanari", "locale": "kanari"},
    "inventory": {"id": "inv_kanari", "available": 7130019},
    "products": {"external_id": "kanari-1", "title": "Kanari kettle", "vendor": "kanari"},
    "campaigns": {"external_id": "kanari-2", "name": "Kanari sale", "audience_id": "kanari"},
    "journeys": {"external_id": "kanari-3", "name": "Kanari journey"},
}


def target_of(api: EchoingApi, folder: Path) -> Target:
    config = {"api_url": api.url, "api_token": "copt_test_kanari", "shop": "acme", "max_retries": 0}
    return Target(folder, config)


def assert_private(target: Target, output: Written) -> None:
    texts = {"stdout": output.stdout, "log": output.log}
    for path in target.folder.iterdir():
        if path.name not in ("config.json", "input.jsonl"):
            texts[path.name] = path.read_bytes().decode("latin-1")
    for name, text in texts.items():
        for canary in (CANARY, "7130019"):
            assert canary not in text.casefold(), f"{name}: {text[:2000]}"


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 500])
def test_errors_that_quote_the_request_are_not_repeated(tmp_path: Path, status: int) -> None:
    with EchoingApi(status) as api:
        target = target_of(api, tmp_path)
        messages = [message for name, row in ROWS.items() for message in stream_of(name, [row])]
        output = target.run([*messages, state(1)], environment={"TARGET_SUMERU_LOGLEVEL": "DEBUG"})
        assert any("kanari" in body.casefold() for body in api.bodies)
    assert (output.code, output.states) == (1, [])
    assert len(output.report) == len(ROWS)
    assert_private(target, output)


def test_written_rows_leave_only_hashes(sandbox: Sandbox, target: Target) -> None:
    customer = sandbox.truth("acme", "customers")[0]["id"]
    rows = {**ROWS, "customers": {"id": customer, "tags": ["kanari"]}}
    del rows["inventory"]
    messages = [message for name, row in rows.items() for message in stream_of(name, [row])]
    output = target.run([*messages, state(1)])
    assert output.code == 0, output.log
    assert_private(target, output)
    assert customer not in output.log + output.stdout + (target.folder / "report.jsonl").read_text("utf-8")
    assert customer.encode() not in target.ledger.read_bytes()


BAD_LINES = {
    "cut off": '{"type": "RECORD", "stream": "customers", "record": {"id": "kanari", "tags": ["kan',
    "not JSON": "kanari kanari",
    "no object": '["kanari"]',
    "no type": '{"kanari": "kanari"}',
    "another type": '{"type": "kanari", "value": "kanari"}',
    "a type that is no text": '{"type": ["kanari"], "value": "kanari"}',
    "a type that is an object": '{"type": {"kanari": 1}}',
    "a stream that is no text": '{"type": "RECORD", "stream": ["kanari"], "record": {"id": "kanari"}}',
    "no record": '{"type": "RECORD", "stream": "customers", "kanari": 1}',
    "record of another type": '{"type": "RECORD", "stream": "customers", "record": "kanari"}',
    "an unknown stream": '{"type": "RECORD", "stream": "kanari kanari 5", "record": {"id": "kanari"}}',
    "half a character": '{"type": "RECORD", "stream": "customers", "record": {"id": "kanari\\ud800"}}',
    "an unknown column": '{"type": "RECORD", "stream": "customers", "record": {"kanari@example.com": 1}}',
    "a batch": '{"type": "BATCH", "stream": "customers", "encoding": {}, "manifest": ["kanari"]}',
    "a schema without properties": '{"type": "SCHEMA", "stream": "customers", "schema": {"kanari": 1}}',
    "a schema of no stream": '{"type": "SCHEMA", "stream": ["kanari"], "schema": {"properties": {}}}',
    "a state without value": '{"type": "STATE", "kanari": 1}',
    "too deep": '{"type": "STATE", "value": ' + "[" * 100_000,
}


@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES)
def test_a_line_that_cannot_be_used_is_one_clear_error_and_nothing_is_written(
    sandbox: Sandbox, target: Target, line: str
) -> None:
    customer = sandbox.truth("acme", "customers")[0]["id"]
    good = record("customers", id=customer, tags=["new"])
    text = "".join(json.dumps(one) + "\n" for one in (schema("customers", "id", "tags"), good, state(1)))
    output = target.run(text + line + "\n")
    assert (output.code, output.states) == (1, [])
    assert len(output.errors) == 1
    assert "Internal error" not in output.log
    assert "Traceback" not in output.log
    assert sandbox.stats()["requests"] == 0
    assert_private(target, output)


@pytest.mark.parametrize(
    "row",
    [
        {"id": "cus_1", "tags": "kanari"},
        {"id": "cus_1", "tags": [{"kanari": 1}]},
        {"id": {"kanari": 1}, "tags": ["kanari"]},
        {"id": "cus_1", "first_name": 7130019},
        {"shop": "kanari", "id": "cus_1", "tags": ["kanari"]},
        {"shop": ["kanari"], "id": "cus_1", "tags": ["kanari"]},
        {"shop": {"kanari": 1}, "id": "cus_1", "tags": ["kanari"]},
        {"id": "cus_1", "tags": "[" * 100_000 + "kanari"},
        {"id": None, "tags": ["kanari"]},
    ],
)
def test_a_row_of_a_wrong_type_is_rejected_without_its_values(
    sandbox: Sandbox, target: Target, row: Json
) -> None:
    output = target.write("customers", [row])
    assert (output.code, output.statuses("customers")) == (1, ["rejected"])
    assert sandbox.stats()["requests"] == 0
    assert_private(target, output)


def test_a_stream_map_that_fails_shows_no_value(target: Target) -> None:
    rows = [{"id": "cus_1", "first_name": "Kanari"}]
    maps = {"customers": {"first_name": "1 / 0 if first_name == 'Kanari' else first_name"}}
    output = target.write("customers", rows, stream_maps=maps)
    assert output.code == 1
    assert "customers.first_name" in output.errors[0]
    assert_private(target, output)


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the name of an open file")
def test_nothing_is_left_of_the_spool_even_after_a_kill(
    sandbox: Sandbox, target: Target, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    sandbox.configure({"acme/customers": {"latency_ms": 2000}})
    customer = sandbox.truth("acme", "customers")[0]["id"]
    path = target.folder / "input.jsonl"
    messages = [*stream_of("customers", [{"id": customer, "tags": ["kanari"]}]), state(1)]
    path.write_text("".join(json.dumps(one) + "\n" for one in messages))
    process = subprocess.Popen(
        target.command("--input", str(path)),
        env={**os.environ, "TMPDIR": str(spool)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not sandbox.stats()["requests"]:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert list(spool.iterdir()) == []
    assert b"kanari" not in target.ledger.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_the_files_of_a_run_belong_to_the_user_alone(sandbox: Sandbox, target: Target) -> None:
    customer = sandbox.truth("acme", "customers")[0]["id"]
    assert target.write("customers", [{"id": customer, "tags": ["x"]}]).code == 0
    for path in (target.ledger, target.folder / "report.jsonl"):
        assert path.stat().st_mode & 0o777 == 0o600
