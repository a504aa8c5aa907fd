"""The ledger remembers what was written, on the disk before a creation is sent, and as hashes only."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_sumeru.errors import LedgerError
from target_sumeru.ledger import DONE, REFUSED, SENT, Entry, Ledger

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.db")


def test_what_was_written_is_known_to_the_next_run(path: str) -> None:
    with Ledger(path) as ledger:
        row, scope = ledger.row_hash("customers", "acme", "a"), ledger.row_hash("customers", "acme", "")
        content = ledger.content_hash(b"{}")
        assert ledger.entry(row) is None
        ledger.done(row, scope, content)
    with Ledger(path) as ledger:
        assert ledger.row_hash("customers", "acme", "a") == row
        assert ledger.entry(row) == Entry(DONE, 0, content, "", 0.0)


def test_a_creation_is_sent_and_then_done_or_refused() -> None:
    with Ledger() as ledger:
        row, scope = b"row", b"scope"
        ledger.sent(row, scope, 0, b"content", 5.0)
        assert ledger.entry(row) == Entry(SENT, 0, b"content", "", 5.0)
        ledger.refused(row)
        assert ledger.entry(row) == Entry(REFUSED, 1, None, "", 5.0)
        ledger.sent(row, scope, 1, b"content", 6.0)
        ledger.conflicted(row)
        assert ledger.entry(row) == Entry(SENT, 1, None, "", 6.0)
        ledger.done(row, scope, b"content", "cam_1")
        assert ledger.entry(row) == Entry(DONE, 1, b"content", "cam_1", 6.0)
        assert ledger.owner(scope, "cam_1") == row
        assert ledger.owner(b"another", "cam_1") is None
        ledger.done(row, scope, b"other content")
        assert ledger.entry(row) == Entry(DONE, 1, b"other content", "cam_1", 6.0)


TRIES = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([b"a", b"b"]), st.floats(0, 100)), min_size=1, max_size=8
)


@given(tries=TRIES)
def test_the_first_try_with_a_key_counts_until_its_outcome_is_known(
    tries: list[tuple[int, bytes, float]],
) -> None:
    """The age of a key is that of its first try, and its content is known only if all tries had the same."""
    since: dict[str, Any] = {}
    with Ledger() as ledger:
        for generation, content, at in tries:
            ledger.sent(b"row", b"scope", generation, content, at)
            if since.get("generation") != generation:
                since = {"generation": generation, "at": at, "contents": set()}
            since["at"] = min(since["at"], at)
            since["contents"].add(content)
            known = content if len(since["contents"]) == 1 else None
            assert ledger.entry(b"row") == Entry(SENT, generation, known, "", since["at"])


def test_what_is_about_to_change_is_forgotten() -> None:
    with Ledger() as ledger:
        ledger.done(b"row", b"scope", b"content", "prd_1")
        ledger.invalidate([(b"row", b"row"), (b"unknown", b"unknown")])
        assert ledger.entry(b"row") == Entry(DONE, 0, None, "prd_1", 0.0)
        assert ledger.entry(b"unknown") is None


@pytest.mark.parametrize("changed", ["by id", "by sku", "by name"])
def test_what_is_about_to_change_is_forgotten_by_all_its_names(changed: str) -> None:
    with Ledger() as ledger:
        for name in (b"by id", b"by sku", b"by name"):
            ledger.done(name, b"scope", b"content", by_id=b"by id")
        ledger.done(b"another", b"scope", b"content", by_id=b"another id")
        ledger.invalidate([(changed.encode(), b"by id")])
        entries = {name: ledger.entry(name) for name in (b"by id", b"by sku", b"by name", b"another")}
    assert {name: entry and entry.content for name, entry in entries.items()} == {
        **dict.fromkeys((b"by id", b"by sku", b"by name")),
        b"another": b"content",
    }


@pytest.mark.parametrize(
    "write", ["ledger.sent(b'row', b'scope', 0, b'c', 1.0)", "ledger.invalidate([(b'row', b'row')])"]
)
def test_what_must_be_known_after_a_kill_is_on_the_disk(path: str, write: str) -> None:
    code = (
        "import os, sys; from target_sumeru.ledger import Ledger; ledger = Ledger(sys.argv[1]); "
        f"ledger.done(b'row', b'scope', b'old'); ledger.flush(); {write}; os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == 9
    with Ledger(path) as ledger:
        entry = ledger.entry(b"row")
        assert entry is not None
        assert entry.content != b"old"


def test_two_ledgers_have_different_hashes() -> None:
    with Ledger() as one, Ledger() as other:
        assert one.row_hash("customers", "acme", "a") != other.row_hash("customers", "acme", "a")


def test_two_runs_cannot_use_one_ledger(path: str) -> None:
    with Ledger(path), pytest.raises(LedgerError, match="in use by another run"):
        Ledger(path)


def test_another_database_is_not_touched(path: str) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE rows (a)")
    other.close()
    with pytest.raises(LedgerError, match="not a ledger"):
        Ledger(path)


def test_another_file_is_not_touched(path: str, tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("my notes " * 200)
    with pytest.raises(LedgerError, match="not a ledger"):
        Ledger(path)
    assert (tmp_path / "ledger.db").read_text() == "my notes " * 200


@pytest.mark.parametrize("name", ["missing/ledger.db", ".", "a\0b"])
def test_a_path_that_cannot_be_used_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(LedgerError, match="ledger_path: "):
        Ledger(str(tmp_path / name) if "\0" not in name else name)
