"""The list at the end of a test run: which tests were skipped, and what runs them."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

_COMMAND = re.compile(r"`(make [\w-]+)`")
# `make warehouses` only installs.
_RUNS = {"make warehouses": "make test-warehouses"}


def skipped_lines(reasons: Iterable[str]) -> list[str]:
    """Return a line for each command that runs skipped tests, and one for each other reason."""
    commands: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for reason in reasons:
        if found := _COMMAND.search(reason):
            commands[_RUNS.get(found[1], found[1])] += 1
        else:
            others[reason.removeprefix("Skipped: ")] += 1
    width = max(map(len, commands), default=0)
    lines = [f"{command:<{width}}  runs {_tests(count)}" for command, count in sorted(commands.items())]
    return [*lines, *(f"{_tests(count)}: {reason}" for reason, count in sorted(others.items()))]


def _tests(count: int) -> str:
    return "1 test" if count == 1 else f"{count} tests"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the list, if there is anything to say."""
    skipped = terminalreporter.stats.get("skipped", [])
    lines = skipped_lines(one.longrepr[2] for one in skipped if isinstance(one.longrepr, tuple))
    if lines:
        terminalreporter.section("skipped tests, and what runs them")
        for line in lines:
            terminalreporter.line(line)
