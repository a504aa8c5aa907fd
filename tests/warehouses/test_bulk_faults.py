"""The bulk loader when it is killed, when PostgreSQL fails, and when its input or its table is wrong."""

from __future__ import annotations

import json
import random
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from sumeru_sandbox import Sandbox
from support.tap_cli import Output, Tap
from warehouses.bulk import PROGRAM, BulkPipeline, BulkPostgres
from warehouses.test_lives import assert_done, assert_rows

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses.conftest import Start
    from warehouses.warehouse import Json

STREAM = "orders"
SECRET = "copt-secret-of-the-database"


@pytest.fixture(scope="module")
def bulk(start: Start) -> BulkPostgres:
    return start(BulkPostgres())


@pytest.fixture(scope="module")
def sandbox() -> Any:
    with Sandbox(["acme"], customers=200) as running:
        yield running


@dataclass
class Load:
    """Runs of the bulk loader from lines, with a state file and small transactions."""

    folder: Path
    bulk: BulkPostgres
    schema: str

    def start(self, *options: str, **config: Any) -> subprocess.Popen[bytes]:
        file = self.folder / "target.json"
        file.write_text(json.dumps({**self.bulk.config(self.schema), **config}), encoding="utf-8")
        command = [*PROGRAM, "postgres", "--config", str(file), "--state", str(self.state_file), *options]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    def run(self, lines: list[Any], **config: Any) -> tuple[int, str]:
        """Load to the end; return the exit code, and the last line of the log."""
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        with self.start(**config) as process:
            _, log = process.communicate("\n".join([*texts, ""]).encode(), timeout=120)
        return process.returncode, log.decode().splitlines()[-1].split(" | ")[-1]

    @property
    def state_file(self) -> Path:
        return self.folder / "state.json"

    @property
    def state(self) -> Json | None:
        return json.loads(self.state_file.read_bytes()) if self.state_file.exists() else None


@pytest.fixture
def load(bulk: BulkPostgres, tmp_path: Path, request: pytest.FixtureRequest) -> Load:
    name = "".join(letter if letter.isalnum() else "_" for letter in request.node.name)
    return Load(tmp_path, bulk, name[-60:])


def tap(sandbox: Sandbox, folder: Path) -> Tap:
    config = {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme"}
    return Tap(folder, {**config, "start_date": "2020-01-01T00:00:00Z", "window_days": 7})


def test_kill_9_at_any_point_loses_no_row_and_doubles_none(sandbox: Sandbox, load: Load) -> None:
    chance = random.Random(20261126)  # noqa: S311 - no secret
    source = tap(sandbox, load.folder)
    held = {("acme", row["id"]): row for row in sandbox.truth("acme", STREAM)}
    pipeline = BulkPipeline(source, load.bulk, load.schema)
    killed = 0
    for _ in range(6):
        output = source.sync(load.state, streams=(STREAM,))
        with load.start("--batch-size", str(chance.choice([7, 40, 10_000]))) as process:
            assert process.stdin
            written = chance.randrange(len(output.lines))
            process.stdin.write("".join(f"{line}\n" for line in output.lines[:written]).encode())
            process.stdin.flush()
            time.sleep(chance.uniform(0, 0.7))
            process.kill()
        killed += process.returncode == -9
        assert_covered(pipeline, output, load.state)
    assert killed
    done = pipeline.run(load.state, streams=(STREAM,))
    assert_done(done)
    assert_rows(load.bulk, STREAM, pipeline.rows(STREAM)[STREAM], held)


def assert_covered(pipeline: BulkPipeline, output: Output, state: Json | None) -> None:
    """Each record that stands before the state is in the table."""
    states = [message["value"] if message["type"] == "STATE" else None for message in output.messages]
    plain = [json.loads(json.dumps(one, default=float)) for one in states]
    before = output.messages[: plain.index(state)] if state in plain else []
    ids = {message["record"]["id"] for message in before if message["type"] == "RECORD"}
    if ids:
        assert ids <= {ident for _, ident in pipeline.rows(STREAM)[STREAM]}


def with_states(output: Output) -> Output:
    """Return the records with a STATE after every tenth of them; the tap writes its own by the clock."""
    lines: list[str] = []
    for i, line in enumerate(one for one in output.lines if '"STATE"' not in one):
        lines += [line, json.dumps({"type": "STATE", "value": {"lines": i}})] if i % 10 == 0 else [line]
    return Output(output.code, lines, output.log)


def test_a_connection_that_breaks_keeps_what_is_committed(sandbox: Sandbox, load: Load) -> None:
    output = with_states(tap(sandbox, load.folder).sync(streams=(STREAM,)))
    half = next(i for i, one in enumerate(output.messages) if one["type"] == "STATE" and i > 100)
    sent = half + 100  # so that a transaction of 20 rows surely ends behind `half`
    with load.start("--batch-size", "20") as process:
        assert process.stdin
        process.stdin.write("".join(f"{line}\n" for line in output.lines[:sent]).encode())
        process.stdin.flush()
        until = time.monotonic() + 60
        states = [one["value"] for one in output.messages[half:sent] if one["type"] == "STATE"]
        committed = json.loads(json.dumps(states, default=float))
        while load.state not in committed:  # earlier ones may be written before the connection stands
            assert time.monotonic() < until
            time.sleep(0.05)
        others = "FROM pg_stat_activity WHERE application_name = 'tap-sumeru-bulk'"
        load.bulk.query(load.schema, f"SELECT pg_terminate_backend(pid)::text {others}")
        while load.bulk.query(load.schema, f"SELECT count(*)::text {others}") != [["0"]]:
            assert time.monotonic() < until
            time.sleep(0.05)
        _, log = process.communicate("".join(f"{line}\n" for line in output.lines[sent:]).encode())
    assert process.returncode == 1
    assert (
        log.decode().splitlines()[-1].endswith("PostgreSQL: the connection was lost (AdminShutdown 57P01).")
    )
    pipeline = BulkPipeline(tap(sandbox, load.folder), load.bulk, load.schema)
    assert_covered(pipeline, output, load.state)
    assert load.run(output.lines)[0] == 0
    held = {("acme", row["id"]): row for row in sandbox.truth("acme", STREAM)}
    assert_rows(load.bulk, STREAM, pipeline.rows(STREAM)[STREAM], held)


def schema(stream: str = "things", key: tuple[str, ...] = ("id",), **columns: Any) -> Json:
    properties = {"id": {"type": ["string"]}, **columns}
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"properties": properties},
        "key_properties": list(key),
    }


def record(stream: str = "things", **values: Any) -> Json:
    return {"type": "RECORD", "stream": stream, "record": values}


NUMBER = {"type": ["null", "number"]}
STATE = {"type": "STATE", "value": {"bookmarks": {"n": 1}}}
NO_MESSAGE = "input: a line is not a Singer message. Pipe the output of the tap into this command."
WRONG: dict[str, tuple[list[Any], str]] = {
    "no message": (["hello"], NO_MESSAGE),
    "half a line": (
        ['{"type": "REC'],
        NO_MESSAGE,
    ),
    "no schema": ([record("others", id="b")], "others: the input has no SCHEMA before the first record."),
    "no key": ([record(n=1)], "things: a record has no value for its key."),
    "a null key": ([record(id=None)], "things: a record has no value for its key."),
    "a schema without its key": ([schema(key=("other",))], "things: the SCHEMA lacks its key."),
    "a schema without columns": (
        [{**schema(key=()), "schema": {}}],
        "things: the SCHEMA lacks its columns.",
    ),
    "no file": (
        [{"type": "BATCH", "stream": "things", "encoding": {}, "manifest": ["file:///nowhere/a.jsonl"]}],
        "input: the BATCH file a.jsonl cannot be read (No such file or directory).",
    ),
    "another kind of file": (
        [{"type": "BATCH", "stream": "things", "encoding": {"format": "parquet"}, "manifest": ["a"]}],
        "input: a BATCH message has files that are neither jsonl nor gzipped jsonl.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_stands_before_a_wrong_line_is_loaded(load: Load, name: str) -> None:
    lines, message = WRONG[name]
    assert load.run([schema(n=NUMBER), record(id="a", n=1), STATE, *lines]) == (1, message)
    assert load.bulk.query(load.schema, "SELECT id FROM things") == [["a"]]
    assert load.state == STATE["value"]


def test_a_value_that_does_not_fit_is_refused_without_being_printed(load: Load) -> None:
    code, message = load.run([schema(n=NUMBER), record(id="a", n=1), record(id="b", n=SECRET), STATE])
    assert (code, message) == (
        1,
        "things: PostgreSQL refuses the rows (InvalidTextRepresentation 22P02).",
    )
    assert load.state is None


def test_a_column_of_another_type_is_named(load: Load) -> None:
    text = {"type": ["null", "string"]}
    assert load.run([schema(n=NUMBER), record(id="a", n=1), STATE])[0] == 0
    code, message = load.run([schema(n=text), record(id="b", n="x"), STATE])
    assert code == 1
    assert message.startswith("things.n: has the type numeric, and the stream needs text.")


def test_a_column_of_text_takes_every_value(load: Load) -> None:
    text, at = {"type": ["null", "string"]}, {"type": ["null", "string"], "format": "date-time"}
    assert load.run([schema(n=text, at=text), record(id="a", n="x", at="y"), STATE])[0] == 0
    now = "2026-01-01T00:00:00Z"
    assert load.run([schema(n=NUMBER, at=at), record(id="b", n=1.5, at=now), STATE])[0] == 0
    assert load.bulk.query(load.schema, "SELECT n || at FROM things WHERE id = 'b'") == [[f"1.5{now}"]]


def test_the_newest_of_a_key_stays(load: Load) -> None:
    rows = [record(id=f"k{i % 3}", n=i) for i in range(60)]
    assert load.run([schema(n=NUMBER), *rows, STATE])[0] == 0
    assert load.bulk.query(load.schema, "SELECT n::text FROM things ORDER BY id") == [["57", "58", "59"]]


def test_a_stream_without_a_key_is_appended(load: Load) -> None:
    assert load.run([schema(key=(), n=NUMBER), record(id="a"), record(id="a"), STATE])[0] == 0
    assert load.bulk.query(load.schema, "SELECT id FROM things") == [["a", "a"]]


def test_names_of_any_kind_are_columns(load: Load) -> None:
    names = ['a"b', "50%", "%s", "Größe", "select", "x y", "$1", ":n", "\\"]
    message = schema()
    message["schema"]["properties"] |= dict.fromkeys(names, NUMBER)
    line = {"type": "RECORD", "stream": "things", "record": {"id": "a", **dict.fromkeys(names, 1)}}
    assert load.run([message, line, STATE])[0] == 0
    assert list(load.bulk.types(load.schema, "things"))[1 : len(names) + 1] == names


@pytest.mark.parametrize("url", ["postgresql://u:{}@127.0.0.1:1/x", "postgresql://u:a@{}@127.0.0.1:1/x"])
def test_the_password_is_in_no_error(load: Load, url: str) -> None:
    code, message = load.run([], sqlalchemy_url=url.format(SECRET))
    assert code == 1
    assert message.startswith("PostgreSQL: cannot connect (")
    assert SECRET not in message
