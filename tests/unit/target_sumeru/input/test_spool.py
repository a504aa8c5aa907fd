"""The spool keeps the last row of each key, the STATE messages, and nothing after its end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_sumeru.input.rows import Row
from target_sumeru.input.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

KEYS = st.sampled_from("abc")


@given(st.lists(st.tuples(st.sampled_from(["s1", "s2"]), KEYS, st.sampled_from(["x", "y"])), max_size=30))
def test_the_last_row_of_each_key_of_each_source_wins(given: list[tuple[str, str, str]]) -> None:
    with Spool() as spool:
        model: dict[tuple[str, str], tuple[int, int, str]] = {}
        for line, (source, key, content) in enumerate(given, 1):
            spool.put(source, Row("customers", "acme", key, content.encode()), line)
            first = model.get((key, source), (line,))[0]
            model[key, source] = (first, line, content)
        found = [
            (row.key, row.first_line, row.line, row.body.decode()) for row in spool.rows("customers", "acme")
        ]
        expected = sorted((key, *values) for (key, _), values in model.items())
        assert sorted(found) == expected
        assert [key for key, *_ in found] == sorted(key for key, _ in model)
        keys = len({key for key, _ in model})
        assert spool.groups() == ([("customers", "acme", keys)] if keys else [])


def test_of_several_states_behind_one_row_the_last_counts() -> None:
    with Spool() as spool:
        spool.put_state(b"0")
        spool.put("s", Row("customers", "acme", "a"), 3)
        spool.put_state(b"1")
        spool.put_state(b"2")
        assert spool.state_lines() == [0, 3]
        assert [spool.state(line) for line in (0, 3)] == [b"0", b"2"]


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the name of an open file")
def test_the_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Spool() as spool:
        for line in range(5000):  # more than is buffered
            spool.put("s", Row("customers", "acme", f"{line}", b"{}"), line)
        assert list(tmp_path.iterdir()) == []
        assert sum(1 for _ in spool.rows("customers", "acme")) == 5000
    assert list(tmp_path.iterdir()) == []
