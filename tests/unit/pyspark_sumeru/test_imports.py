"""Imports: Spark imports the package in every session, and no read imports the Singer SDK."""

from __future__ import annotations

import subprocess
import sys

import pytest


def imported(statement: str) -> set[str]:
    """Return the top-level modules that a statement imports in a new process."""
    script = f"{statement}\nimport sys\nprint(*(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    return set(done.stdout.split())


def test_the_package_imports_nothing_before_it_is_used() -> None:
    heavy = {"aiohttp", "msgspec", "pyarrow", "pyspark", "singer_sdk", "sumeru_api", "tap_sumeru"}
    assert not imported("import pyspark_sumeru") & heavy


@pytest.mark.parametrize("module", ["group_read", "options", "groups"])
def test_a_read_does_not_import_the_singer_sdk(module: str) -> None:
    found = imported(f"import pyspark_sumeru.{module}")
    assert "tap_sumeru" in found or module == "groups"
    assert "singer_sdk" not in found


def test_an_unknown_name_is_no_member() -> None:
    import pyspark_sumeru  # noqa: PLC0415 - what is tested

    with pytest.raises(AttributeError):
        _ = pyspark_sumeru.typo
