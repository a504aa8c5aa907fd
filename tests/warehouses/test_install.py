"""Where a loader's Python is not to be had, its tests are skipped and say so; nothing else is excused."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from warehouses import targets

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(targets, "ROOT", tmp_path)
    return tmp_path


def uv(folder: Path, *, finds: bool) -> str:
    """A uv that makes no environment."""
    program = folder / "uv"
    program.write_text(f"#!/bin/sh\n[ $1 = python ] && exit {0 if finds else 2}; exit 2\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


def test_without_its_python_a_loader_is_excused_and_says_so(folder: Path) -> None:
    targets.install("target-bigquery", uv(folder, finds=False))
    assert targets.without_python("target-bigquery")
    assert "needs Python 3.11, which is not here" in str(targets.missing("target-bigquery"))


def test_so_is_one_whose_server_lacks_it(folder: Path) -> None:
    targets.install("bqemulator", uv(folder, finds=False))
    assert targets.without_python("target-bigquery")
    assert not targets.without_python("target-snowflake")


def test_any_other_fault_of_the_installation_is_one(folder: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        targets.install("target-bigquery", uv(folder, finds=True))
    assert not targets.without_python("target-bigquery")
    assert "make warehouses" in str(targets.missing("target-bigquery"))
