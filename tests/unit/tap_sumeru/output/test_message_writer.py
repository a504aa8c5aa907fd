"""Message writer: whole lines of JSON on stdout, and a clear error if nobody reads them."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from singer_sdk.singerlib import SchemaMessage
from typing_extensions import override

from tap_sumeru.errors import TargetClosed
from tap_sumeru.output.messages import MessageWriter

FULL = Path("/dev/full")
"""A device without any room."""


def test_a_message_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    MessageWriter().write_message(SchemaMessage("orders", {"type": "object"}, ["shop", "id"]))
    line = capsys.readouterr().out
    assert line.endswith("\n")
    assert json.loads(line) == {
        "type": "SCHEMA", "stream": "orders", "schema": {"type": "object"}, "key_properties": ["shop", "id"],
    }  # fmt: skip


def test_a_state_is_written_as_it_is_and_measured(capsys: pytest.CaptureFixture[str]) -> None:
    size = MessageWriter().write_state({"bookmarks": {"é": "\n"}})
    line = capsys.readouterr().out
    assert line == '{"type":"STATE","value":{"bookmarks":{"é":"\\n"}}}\n'
    assert size == len(line.encode())


def test_a_batch_names_its_files(capsys: pytest.CaptureFixture[str]) -> None:
    MessageWriter().write_batch("orders", {"format": "jsonl", "compression": "none"}, ["file:///a.jsonl"])
    assert json.loads(capsys.readouterr().out) == {
        "type": "BATCH",
        "stream": "orders",
        "encoding": {"format": "jsonl", "compression": "none"},
        "manifest": ["file:///a.jsonl"],
    }


class ShortWrites(io.RawIOBase):
    """Takes a few bytes of each write, as an interrupted pipe does."""

    def __init__(self) -> None:
        self.taken = b""

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: Any) -> int:
        some = bytes(data[:7])
        self.taken += some
        return len(some)


class Unbuffered:
    """Stdout without a buffer."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self.buffer = raw

    def flush(self) -> None:
        """Do nothing: there is no buffer."""


def test_a_write_that_takes_only_a_part_is_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = ShortWrites()
    monkeypatch.setattr(sys, "stdout", Unbuffered(raw))
    lines = b"".join(b'{"line":%d}\n' % number for number in range(20))
    MessageWriter().write(lines)
    assert raw.taken == lines


def test_captured_text_is_written_too(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    MessageWriter().write("é\n".encode())
    assert out.getvalue() == "é\n"


def test_without_stdout_the_target_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(TargetClosed, match="stdout is closed"):
        MessageWriter().write(b"{}\n")


def test_a_target_that_has_gone_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        with pytest.raises(TargetClosed, match="the target has closed its input"):
            MessageWriter().write(b"{}\n")
        # What is left in the buffer goes nowhere, without another error.
        out.write("left\n")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has this device")
def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with FULL.open("w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        with pytest.raises(TargetClosed, match=r"stdout cannot be written \(No space left on device\)"):
            MessageWriter().write(b"{}\n")
