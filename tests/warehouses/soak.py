"""An hour of syncs, one a minute into each warehouse, while the shops live and everything goes wrong.

`make soak`, or `PYTHONPATH=tests python -m warehouses.soak --minutes 5 --every 10 --seed 7`. Answers are
spoilt, taps and targets are killed, and each next sync goes on from the last state that its target let out.
At the end two syncs are left alone; then every row that had changed before them must stand in the tables as
the shops hold it, and the taps must have needed no more memory and files than at the beginning.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any

import psutil

from sumeru_sandbox import Sandbox
from support.tap_cli import Tap
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.streams import STREAMS
from warehouses import targets
from warehouses.conftest import Pipeline
from warehouses.warehouse import WAREHOUSES, Json, Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOPS = ("acme", "globex", "initech")
SCHEMA = "soak"
MOST_GROWTH = 1.2
"""How much more memory and files the last third of the syncs may have needed than the first."""

_CHANGES_A_SECOND = 2.0
_FAULTS: tuple[Json, ...] = (
    {},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "retry_after": 1},
    {"kind": "status", "status": 429, "retry_after": 1},
    {"kind": "status", "status": 403, "times": 2},
    {"kind": "reset"},
    {"kind": "truncate"},
    {"kind": "html"},
    {"kind": "slow", "seconds": 1},
)


@dataclass
class Follower:
    """A warehouse that follows the shops, sync by sync."""

    pipeline: Pipeline
    state: Json = field(default_factory=dict)
    needs: list[tuple[int, int]] = field(default_factory=list)
    kills: int = 0
    syncs: int = 0

    def sync(self, draw: Random | None) -> tuple[int, int]:
        """Sync once, perhaps cut off; return the exit codes of tap and target."""
        self.syncs += 1
        folder = self.pipeline.tap.folder
        settings = folder / "target.json"
        settings.write_text(json.dumps(self.pipeline.warehouse.config(self.pipeline.schema)))
        program = str(targets.program(self.pipeline.warehouse.target))
        with (folder / "tap.log").open("ab") as tap_log, (folder / "target.log").open("ab") as target_log:
            source = psutil.Popen(
                self.pipeline.tap.command(self.state), stdout=subprocess.PIPE, stderr=tap_log, cwd=folder
            )
            target = psutil.Popen(
                [program, "--config", str(settings)],
                stdin=source.stdout,
                stdout=subprocess.PIPE,
                stderr=target_log,
                cwd=folder,
            )
            source.stdout.close()
            self._watch(source, target, draw)
            states = target.communicate()[0].splitlines()
        if states:
            self.state = json.loads(states[-1])
        return int(source.wait()), int(target.returncode)

    def _watch(self, source: psutil.Popen, target: psutil.Popen, draw: Random | None) -> None:
        """Measure the tap until it ends; kill it, or the target, if chance will have it."""
        victim = draw.choice((source, source, target, None, None, None)) if draw else None
        until = time.monotonic() + (draw.uniform(0.5, 6) if draw else 0)
        memory = files = 0
        with suppress(psutil.Error):
            while source.poll() is None:
                memory, files = max(memory, source.memory_info().rss), max(files, source.num_fds())
                if victim is not None and time.monotonic() > until:
                    self.kills += 1
                    victim.send_signal(draw.choice((9, 15)) if draw else 9)
                    victim = None
                time.sleep(0.05)
        self.needs.append((memory, files))

    def differences(self, sandbox: Sandbox, before: str) -> Iterator[str]:
        """Yield each row that is not as the shops hold it, of those that had changed before a moment."""
        tables = self.pipeline.rows(*STREAMS)
        for stream, spec in STREAMS.items():
            columns = stream_schemas.load(stream)["properties"]
            for shop in SHOPS:
                for row in sandbox.truth(shop, stream):
                    if row[spec.replication_key] >= before[: len(row[spec.replication_key])]:
                        continue
                    landed = tables[stream].get((shop, row["id"]))
                    lands = self.pipeline.warehouse.lands
                    if landed is None:
                        yield f"{stream} {shop} {row['id']}: missing"
                    elif any(landed[name] != lands(value, columns[name]) for name, value in row.items()):
                        yield f"{stream} {shop} {row['id']}: stale"

    def grown(self) -> dict[str, float]:
        """Return by how much memory and files grew from the first third of the syncs to the last."""
        third = max(1, len(self.needs) // 3)
        first, last = self.needs[:third], self.needs[-third:]
        return {
            what: median(need[i] for need in last) / max(1, median(need[i] for need in first))
            for i, what in enumerate(("memory", "files"))
        }


def soak(minutes: float, every: float, seed: int) -> int:
    """Run it; return the exit code."""
    draw = Random(seed)  # noqa: S311 - the same faults for the same seed
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(SHOPS, customers=200, live=_CHANGES_A_SECOND))
        followers = [_follower(one, sandbox, stack) for one in WAREHOUSES if one.missing() is None]
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            began = time.monotonic()
            for follower in followers:
                sandbox.configure({stream: _faults(draw) for stream in STREAMS})
                print(f"{sandbox.now():%H:%M:%S} {follower.pipeline.warehouse.target}:", *follower.sync(draw))
            time.sleep(max(0.0, every - (time.monotonic() - began)))
        sandbox.configure({stream: {"faults": [], "cursor_expires_every": None} for stream in STREAMS})
        return max([_judge(follower, sandbox) for follower in followers], default=1)


def _follower(warehouse: Warehouse, sandbox: Sandbox, stack: ExitStack) -> Follower:
    stack.enter_context(warehouse.running())
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    entries = [{"shop": shop, "api_token": sandbox.token(shop)} for shop in SHOPS]
    config: dict[str, Any] = {"api_url": sandbox.url, "shops": entries, "request_timeout_seconds": 5}
    return Follower(Pipeline(Tap(folder, config), warehouse, SCHEMA))


def _faults(draw: Random) -> Json:
    fault = draw.choice(_FAULTS)
    when = {"every": draw.randint(3, 9), "after": draw.randint(0, 5)}
    expires = draw.choice((None, None, 5))
    return {"faults": [{**when, **fault}] if fault else [], "cursor_expires_every": expires}


def _judge(follower: Follower, sandbox: Sandbox) -> int:
    # The first may do no more than end a read that was interrupted.
    codes = [follower.sync(None)]
    before = sandbox.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    codes.append(follower.sync(None))
    wrong = list(follower.differences(sandbox, before))
    grown = follower.grown()
    name = follower.pipeline.warehouse.target
    print(f"{name}: {follower.syncs} syncs, {follower.kills} kills, last exit codes {codes}")
    print(f"{name}: {len(wrong)} rows differ", *wrong[:10], sep="\n  ")
    print(f"{name}: growth", {what: round(factor, 2) for what, factor in grown.items()})
    peak = max(memory for memory, _ in follower.needs) / 2**20
    print(f"{name}: peak memory of the tap {peak:.0f} MiB, files {max(files for _, files in follower.needs)}")
    well = codes == [(0, 0)] * 2 and not wrong and max(grown.values()) <= MOST_GROWTH
    return 0 if well else 1


def main() -> int:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=60, help="seconds from one round of syncs to the next")
    parser.add_argument("--seed", type=int, default=1)
    return soak(**vars(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
