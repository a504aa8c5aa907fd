"""Random lives of the target: killed anywhere, a day later, without its ledger, without an answer."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from support.target_cli import record, schema, state, stream_of

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from sumeru_sandbox import Sandbox
    from support.target_cli import Json, Target

LIVES = 20
_MAX_RUNS = 6
"""Runs of a life with faults; a last one has none."""
_HOUR = 3600
_LAUNCH = {"max_campaigns": 5, "max_recipients": 10_000}
_TAG = "of-this-life"
_KINDS = ("status", "truncate", "reset")


class Life:
    """What a life wants written, and what happens to its runs.

    Args:
        seed: Chooses everything.
        sandbox: The API.
        target: The target's command line.
    """

    def __init__(self, seed: int, sandbox: Sandbox, target: Target) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable
        self._sandbox = sandbox
        self._target = target
        self.names = [f"Life {seed} {i}" for i in range(self._random.randint(4, 10))]
        customers = sandbox.truth("acme", "customers")
        self.customers = [row["id"] for row in self._random.sample(customers, 6)]
        self.launched = [f"cam_{900 + i:08}" for i in range(2)]
        for i, row_id in enumerate(self.launched):
            values = {"name": f"Sale {i}", "status": "draft", "audience_size": 10, "launched_at": None}
            sandbox.put("acme", "campaigns", row_id, **values)

    def messages(self) -> list[Json]:
        """Return the input of a run; each customer comes twice, and the last values are wanted."""
        campaigns = [{"external_id": name, "name": name, "audience_id": "seg"} for name in self.names]
        products = [{"external_id": name, "title": name} for name in self.names]
        customers = [{"id": one, "first_name": "First", "add_tags": [_TAG]} for one in self.customers]
        last = [record("customers", id=one, first_name="Last", add_tags=[_TAG]) for one in self.customers]
        at = (self._sandbox.now() - timedelta(minutes=1)).isoformat()
        launches = [{"id": one, "requested_at": at} for one in self.launched]
        return [
            *stream_of("campaigns", campaigns),
            state({"after": "campaigns"}),
            *stream_of("products", products),
            *stream_of("customers", customers),
            schema("customers", "id", "first_name", "add_tags"),
            *last,
            state({"after": "customers"}),
            *stream_of("campaign_launches", launches),
            state({"after": "launches"}),
        ]

    def live(self) -> None:
        """Run with faults, kills, days that pass and ledgers that are lost."""
        for _ in range(self._random.randint(1, _MAX_RUNS)):
            self._choose_faults()
            process = self._target.start(
                self.messages(), launch=_LAUNCH, concurrency=3, request_timeout_seconds=2
            )
            if self._random.random() < 0.7:
                self._kill(process)
            process.communicate(timeout=120)
            self._sandbox.configure({"acme/*": {"faults": [], "latency_ms": None}})
            self._sandbox.advance(self._random.choice((0, 25)) * _HOUR)
            if self._random.random() < 0.2:
                _lose(self._target.folder)

    def _choose_faults(self) -> None:
        kind = self._random.choice(_KINDS)
        fault: dict[str, Any] = {"kind": kind, "on": "writes", "every": self._random.randint(2, 6)}
        fault |= {"applied": self._random.random() < 0.5, "after": self._random.randint(0, 3)}
        if kind == "status":
            fault["status"] = self._random.choice((500, 502, 503))
        faults = [fault] if self._random.random() < 0.6 else []
        self._sandbox.configure(
            {"acme/*": {"faults": faults, "latency_ms": self._random.choice((0, 20, 60))}}
        )

    def _kill(self, process: subprocess.Popen[str]) -> None:
        """Kill a run after some of its writes, whichever comes first: those, or its end."""
        until = len(self._sandbox.writes("acme")) + self._random.randint(0, 2 * len(self.names))
        while process.poll() is None and len(self._sandbox.writes("acme")) < until:
            time.sleep(0.002)
        with suppress(ProcessLookupError):
            process.kill()


def _lose(folder: Path) -> None:
    for path in folder.glob("ledger.db*"):
        path.unlink()


@pytest.mark.parametrize("seed", range(LIVES))
def test_what_is_wanted_is_made_once_and_launched_at_most_once(
    seed: int, sandbox: Sandbox, target: Target
) -> None:
    life = Life(seed, sandbox, target)
    life.live()
    sandbox.advance(25 * _HOUR)
    output = target.run(life.messages(), launch=_LAUNCH)
    assert output.code in (0, 1), output.log
    for stream, column in (("campaigns", "name"), ("products", "title")):
        made = Counter(row[column] for row in sandbox.truth("acme", stream) if row[column] in life.names)
        assert made == dict.fromkeys(life.names, 1), output.log
    rows = {row["id"]: row for row in sandbox.truth("acme", "customers")}
    for one in life.customers:
        assert rows[one]["first_name"] == "Last", output.log
        assert rows[one]["tags"].count(_TAG) == 1
    launches = Counter(row.id for row in sandbox.writes("acme") if row.kind == "launch")
    assert all(launches[one] <= 1 for one in life.launched)
    unsettled = {one["stream"] for one in output.report if one["status"] in ("rejected", "unknown", "held")}
    assert unsettled <= {"campaign_launches"}, output.log  # one whose outcome is unknown is never repeated
    assert {"after": "customers"} in output.states or output.code == 0
