"""A run: whatever the chunks are, each state is written after its rows, and each row is loaded once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.bulk.errors import InputError, WarehouseError
from tap_sumeru.bulk.run import run
from tap_sumeru.bulk.state_output import StateOutput

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_sumeru.bulk.chunks import Chunk

SCHEMA = {
    "type": "SCHEMA",
    "stream": "things",
    "schema": {"properties": {"id": {"type": "string"}, "n": {"type": "integer"}}},
    "key_properties": ["id"],
}


class Memory:
    """A warehouse in memory, which refuses a chunk if told so."""

    def __init__(self, refuse: Callable[[int], bool] = lambda _: False) -> None:
        self.rows: dict[str, int] = {}
        self.events: list[Any] = []
        self.chunks = 0
        self._refuse = refuse

    def encode(self, record: bytes, _at: str, _version: int | None) -> bytes:
        return record

    def load(self, chunk: Chunk) -> None:
        self.chunks += 1
        if self._refuse(self.chunks):
            raise WarehouseError("refused")
        for rows in chunk.rows:
            keys = [json.loads(row)["id"] for row in rows.encoded]
            assert len(keys) == len(set(keys))
            self.rows |= {row["id"]: row["n"] for row in map(json.loads, rows.encoded)}
        self.events += [(table.stream, version) for table, version in chunk.versions]

    def write_state(self, state: bytes) -> None:
        self.events.append((json.loads(state)["n"], dict(self.rows)))


def lines(steps: list[str]) -> tuple[list[bytes], list[dict[str, int]]]:
    """A tap's output, `s` for a state; and what must be loaded before each state."""
    messages: list[Any] = [SCHEMA]
    rows: dict[str, int] = {}
    covered: list[dict[str, int]] = []
    for number, step in enumerate(steps):
        if step == "s":
            messages.append({"type": "STATE", "value": {"n": len(covered)}})
            covered.append(dict(rows))
        else:
            messages.append({"type": "RECORD", "stream": "things", "record": {"id": step, "n": number}})
            rows[step] = number
    return [json.dumps(message).encode() for message in messages], covered


STEPS = st.lists(st.sampled_from("sabcde"), max_size=40)


@given(STEPS, st.integers(1, 9))
def test_each_state_follows_its_rows_and_the_newest_of_each_key_stays(steps: list[str], size: int) -> None:
    memory = Memory()
    output, covered = lines(steps)
    run(output, memory, memory.write_state, batch_size=size)
    for number, rows in memory.events:
        assert rows.keys() >= covered[number].keys()
        assert all(rows[key] >= covered[number][key] for key in covered[number])
    written = [number for number, _ in memory.events]
    assert written == sorted(written)
    assert written[-1:] == ([len(covered) - 1] if covered else [])
    assert memory.rows == {step: number for number, step in enumerate(steps) if step != "s"}


@given(STEPS, st.integers(1, 9), st.integers(1, 4))
def test_after_a_refusal_no_state_is_written_and_a_second_run_loads_all(
    steps: list[str], size: int, refused: int
) -> None:
    memory = Memory(lambda chunk: chunk == refused)
    output, covered = lines(steps)
    try:
        run(output, memory, memory.write_state, batch_size=size)
    except WarehouseError:
        for number, rows in memory.events:
            assert rows.keys() >= covered[number].keys()
        run(output, memory, memory.write_state, batch_size=size)
    assert memory.rows == {step: number for number, step in enumerate(steps) if step != "s"}


def test_the_newest_of_a_key_stays_when_the_columns_change_and_change_back() -> None:
    memory = Memory()
    output, _ = lines(["a", "a", "a", "s"])
    wider = json.dumps(SCHEMA).replace('"n":', '"more": {}, "n":').encode()
    run([*output[:2], wider, output[2], *output[:1], *output[3:]], memory, memory.write_state)
    assert memory.rows == {"a": 2}


def test_versions_are_activated_after_the_rows() -> None:
    memory = Memory()
    output, _ = lines(["a", "b", "s"])
    output.insert(-1, b'{"type": "ACTIVATE_VERSION", "stream": "things", "version": 7}')
    run(output, memory, memory.write_state)
    assert memory.events == [("things", 7), (0, {"a": 0, "b": 1})]


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"type": "RECORD"}', b'{"type": "REC', b"\xff"])
def test_a_line_that_is_no_message_is_an_error_after_what_stands_before(line: bytes) -> None:
    memory = Memory()
    output, _ = lines(["a", "s"])
    with pytest.raises(InputError, match="not a Singer message"):
        run([*output, line, *output], memory, memory.write_state)
    assert memory.events == [(0, {"a": 0})]


def test_a_slow_tap_has_its_states_written_meanwhile() -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for this test alone

    from tap_sumeru.bulk.run import Loader, Reader  # noqa: PLC0415 - as above

    memory, now = Memory(), [0.0]
    output, _ = lines(["a", "s", "b", "s"])

    def slow() -> Any:
        for line in output:
            now[0] += 20
            yield line

    with ThreadPoolExecutor(1) as thread:
        loader = Loader(thread, memory, memory.write_state)
        Reader(loader, memory.encode, clock=lambda: now[0]).read(slow())
    assert [number for number, _ in memory.events] == [0, 1]


def test_files_are_read_with_their_time_and_deleted_only_once_loaded(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"id": "a", "n": 1}\n{"id": "b", "n": 2}\n')
    batch = {"type": "BATCH", "stream": "things", "encoding": {}, "manifest": [file.as_uri()]}
    output = [json.dumps(one).encode() for one in (SCHEMA, batch)]
    refused = Memory(lambda _: True)
    with pytest.raises(WarehouseError):
        run(output, refused, refused.write_state, delete_files=True)
    assert file.exists()
    memory = Memory()
    run(output, memory, memory.write_state, delete_files=True)
    assert memory.rows == {"a": 1, "b": 2}
    assert not file.exists()


def test_a_run_that_was_stopped_can_begin_again_with_the_same_files(tmp_path: Path) -> None:
    output: list[Any] = [SCHEMA]
    files = [tmp_path / f"{number}.jsonl" for number in range(4)]
    for number, file in enumerate(files):
        file.write_text(f'{{"id": "{number}", "n": {number}}}\n', encoding="utf-8")
        output.append({"type": "BATCH", "stream": "things", "encoding": {}, "manifest": [file.as_uri()]})
        output.append({"type": "STATE", "value": {"n": number}})
    encoded = [json.dumps(one).encode() for one in output]
    memory = Memory(lambda chunk: chunk == 3)
    with pytest.raises(WarehouseError):
        run(encoded, memory, memory.write_state, batch_size=1, delete_files=True)
    run(encoded, memory, memory.write_state, batch_size=1, delete_files=True)
    assert memory.rows == {str(number): number for number in range(4)}
    assert not any(file.exists() for file in files)


def test_a_state_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("old")
    path.chmod(0o600)
    StateOutput(path).write(b'{"new": 1}')
    assert path.read_bytes() == b'{"new": 1}'
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600, "it stays as private as it was"
