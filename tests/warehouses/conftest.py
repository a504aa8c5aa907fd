"""What the tests of the warehouses share: each warehouse, started once, and the way into it."""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest

from warehouses import targets
from warehouses.warehouse import WAREHOUSES, Destination, Json, Postgres, Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.tap_cli import Tap

Where = TypeVar("Where", bound=Destination)

ALWAYS = "TEST_WAREHOUSES"
"""With this in the environment a warehouse that is missing fails its tests, instead of skipping them."""


class Start(Protocol):
    """Starts a warehouse, unless it runs already."""

    def __call__(self, warehouse: Where) -> Where:
        """Return the warehouse once it runs."""


def require(missing: str | None, *, always: bool = True) -> None:
    """Skip a test for which something is missing, or fail it."""
    if missing and always and os.environ.get(ALWAYS):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


@pytest.fixture(scope="session")
def start() -> Iterator[Start]:
    """Starts a warehouse, unless it runs already; it stops when all tests are done."""
    started = set()
    with ExitStack() as stack:

        def start(warehouse: Where) -> Where:
            require(warehouse.missing(), always=not targets.without_python(warehouse.target))
            if warehouse not in started:
                stack.enter_context(warehouse.running())
                started.add(warehouse)
            return warehouse

        yield start


@pytest.fixture(scope="session")
def postgres(start: Start) -> Warehouse:
    """The one that retires what is deleted."""
    return start(next(one for one in WAREHOUSES if isinstance(one, Postgres)))


@dataclass
class Loaded:
    """What a run of tap and target left behind.

    Attributes:
        code: Exit code of the tap.
        log: Log of the tap.
        target_code: Exit code of the target.
        target_log: Log of the target.
        state: The last state that the target has let out.
    """

    code: int
    log: str
    target_code: int
    target_log: str
    state: Json


@dataclass
class Pipeline:
    """The tap's command line, a pipe, and the target's command line.

    Attributes:
        tap: The tap.
        warehouse: Where the target loads into.
        schema: Schema of the tables.
    """

    tap: Tap
    warehouse: Destination
    schema: str

    def run(self, state: Json | None = None, *, target: Json | None = None, **options: Any) -> Loaded:
        """Sync to the end."""
        command = self.tap.command(state, **options)
        log = self.tap.folder / "tap.log"
        with (
            log.open("wb") as stderr,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, cwd=self.tap.folder) as source,
        ):
            done = self._load(target, stdin=source.stdout)
        return Loaded(source.returncode, log.read_text(encoding="utf-8"), *done)

    def load(self, lines: list[str], *, target: Json | None = None) -> tuple[int, str, Json]:
        """Load what a tap has written before; return the target's exit code, its log and its last state."""
        return self._load(target, input="".join(f"{line}\n" for line in lines).encode())

    def program(self) -> list[str]:
        """The target's command line, without its config."""
        return [str(targets.program(self.warehouse.target))]

    def _load(self, config: Json | None, **options: Any) -> tuple[int, str, Json]:
        file = self.tap.folder / "target.json"
        file.write_text(json.dumps({**self.warehouse.config(self.schema), **(config or {})}))
        command = [*self.program(), "--config", str(file)]
        done: subprocess.CompletedProcess[bytes] = subprocess.run(
            command,
            capture_output=True,
            check=False,
            cwd=self.tap.folder,
            env={**os.environ, **self.warehouse.environment},
            timeout=300,
            **options,
        )
        states = done.stdout.splitlines()
        return done.returncode, done.stderr.decode(), json.loads(states[-1]) if states else {}

    def rows(self, *tables: str) -> dict[str, dict[tuple[str, str], Json]]:
        """The rows of the tables, by shop and id."""
        found: dict[str, dict[tuple[str, str], Json]] = defaultdict(dict)
        answers = self.warehouse.query(self.schema, *map(self.warehouse.row, tables))
        for table, lines in zip(tables, answers, strict=True):
            for line in lines:
                row = json.loads(line or "", parse_float=Decimal)
                assert (row["shop"], row["id"]) not in found[table]
                found[table][row["shop"], row["id"]] = row
        return found
