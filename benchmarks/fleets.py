"""Processes that read many shops between them: run side by side, and counted together."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks import processes, rows, servers
from benchmarks.clients import compared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.clients import Client, Job
    from benchmarks.processes import Usage
    from benchmarks.turns import Figures

    Expected = Mapping[str, rows.Tally]

_STREAMS_OF = msgspec.json.Decoder(dict[str, rows.Tally])


@dataclass(frozen=True)
class Fleet:
    """Processes that read many shops between them.

    Attributes:
        client: What each process runs.
        jobs: What each process reads.
        at_once: How many processes run side by side.
        by_shop: Whether the rows have the name of their shop; otherwise each process reads one shop.
    """

    client: Client
    jobs: Sequence[Job]
    at_once: int
    by_shop: bool

    def run(self, log: Path) -> Figures:
        """Run all processes with their output to /dev/null; count their requests and the server's CPU."""
        server = self.jobs[0].server
        requests, refused = server.replayed()
        server_cpu = server.cpu()
        commands = self._commands()
        usage = self._each(lambda number: processes.run(commands[number], _numbered(log, number)))
        total, total_refused = server.replayed()
        return {
            **asdict(_together(usage)),
            "requests": total - requests,
            "refused": total_refused - refused,
            "server_cpu": server.cpu() - server_cpu,
            "load": os.getloadavg()[0],
            "wrong": _codes(usage),
        }

    def check(self, log: Path, customers: int, shops: int) -> Figures:
        """Run all processes, compare their rows with those of the server, and keep their last states."""
        commands = self._commands()
        found: dict[int, dict[str, rows.Tally]] = {}

        def measure(number: int) -> Usage:
            usage, found[number] = self._counted(commands[number], number, log)
            return usage

        usage = self._each(measure)
        wrong = _codes(usage) or self._compare(list(found.values()), customers, shops)
        count = sum(tally.rows for tallies in found.values() for tally in tallies.values())
        return {**asdict(_together(usage)), "wrong": wrong, "rows": count}

    def state(self, number: int) -> Path:
        """Return the path of the last state of a process that was checked."""
        return self.client.folder.with_name(f"{self.client.folder.name}-state-{number}.json")

    @property
    def has_states(self) -> bool:
        """Whether the last state of each process is there."""
        return all(self.state(number).exists() for number in range(len(self.jobs)))

    def continued(self) -> Fleet:
        """Return the same processes, each going on from its last state."""
        jobs = [replace(job, state=self.state(number)) for number, job in enumerate(self.jobs)]
        return replace(self, jobs=jobs)

    def _members(self) -> list[Client]:
        folder = self.client.folder
        return [replace(self.client, folder=folder / str(number)) for number in range(len(self.jobs))]

    def _commands(self) -> list[list[str]]:
        pairs = zip(self._members(), self.jobs, strict=True)
        return [client.command(job) for client, job in pairs]

    def _each(self, measure: Callable[[int], Usage]) -> tuple[list[Usage], float]:
        """Measure each process; return its usage, and the wall time of all together."""
        began = time.monotonic()
        with ThreadPoolExecutor(self.at_once) as pool:
            try:
                usages = list(pool.map(measure, range(len(self.jobs))))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return usages, time.monotonic() - began

    def _counted(self, command: list[str], number: int, log: Path) -> tuple[Usage, dict[str, rows.Tally]]:
        client, log = self._members()[number], _numbered(log, number)
        if client.writes_files:
            usage = processes.run(command, log)
            counter = client.counter(by_shop=self.by_shop)
            counted = processes.output(counter, log.with_suffix(".rows.log"))
        else:
            counter = client.counter(by_shop=self.by_shop, state=self.state(number))
            usage, _, counted = processes.piped(command, counter, log)
        return usage, _STREAMS_OF.decode(counted)

    def _compare(self, found: Sequence[Expected], customers: int, shops: int) -> str:
        """Return what is wrong with the rows; empty if each row of each shop came exactly once."""
        streams = self.jobs[0].streams
        if self.by_shop:
            all_shops = {name: servers.replayed(customers, name, shops=shops) for name in streams}
            return compared({name: rows.total(one.get(name) for one in found) for name in streams}, all_shops)
        one_shop = {name: servers.replayed(customers, name) for name in streams}
        return next(filter(None, (compared(one, one_shop) for one in found)), "")


def _numbered(log: Path, number: int) -> Path:
    return log.with_name(f"{log.stem}-{number}{log.suffix}")


def _codes(measured: tuple[list[Usage], float]) -> str:
    code = next((usage.code for usage in measured[0] if usage.code), 0)
    return f"exit code {code}" if code else ""


def _together(measured: tuple[list[Usage], float]) -> Usage:
    """Return the usage of all processes; the peak memory is that of the largest."""
    usages, wall = measured
    largest = max(usage.rss_mib for usage in usages)
    return processes.Usage(0, wall, sum(usage.cpu for usage in usages), largest)


def settings(number: int, first: int = 0, **more: Any) -> Mapping[str, Any]:  # noqa: ANN401 - any setting
    """Return the setting of so many shops; the first token is that of the shop with this number."""
    shops = [{"shop": servers.shop(i), "api_token": servers.token(first + i)} for i in range(number)]
    return {"shops": shops, **more}
