"""`make mutants` covers modules and tests that exist, and its page describes the same modules."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
MUTMUT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
MODULES = [Path(name) for name in MUTMUT["only_mutate"]]
TESTS = {Path(name) for name in MUTMUT["pytest_add_cli_args_test_selection"]}


def test_the_modules_and_the_tests_exist() -> None:
    assert [name for name in (*MODULES, *TESTS) if not (ROOT / name).is_file()] == []


def test_every_test_file_named_after_a_module_is_run() -> None:
    named = {
        path.relative_to(ROOT)
        for module in MODULES
        for path in (ROOT / "tests" / "unit" / module.parent).glob(f"test_{module.stem}*.py")
    }
    assert named <= TESTS


def test_the_page_has_the_results_of_every_module() -> None:
    page = (ROOT / "docs" / "mutants.md").read_text(encoding="utf-8")
    rows = re.findall(r"^(\w+) +\d+ +[\d.]+%$", page, re.MULTILINE)
    assert sorted(rows) == sorted([*(module.stem for module in MODULES), "all"])
