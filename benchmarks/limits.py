"""Scenarios with a rate limit: how much of it each client uses, and how many requests are refused."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from benchmarks import ideal, servers
from benchmarks.clients import AIRBYTE, CLASSIC, DLT_EXTRACT, STOCK, TAP, Job
from benchmarks.sandbox import BURST_FACTOR, BURST_WINDOW, WINDOW
from benchmarks.scenarios import Result, at_least, at_most
from benchmarks.waits import ALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.scenarios import Bar
    from benchmarks.servers import Server
    from benchmarks.turns import Figures, Turns

_CUSTOMERS = {600: 20_000, 1500: 55_000}
"""Customers by limit: enough that all streams need about two and a half minutes."""
_PEERS = (STOCK, CLASSIC, DLT_EXTRACT, AIRBYTE)
_COMPARED = (600, 50)
"""Limit and latency at which the peers are measured too."""
_SHARE = 0.97


def limits(turns: Turns) -> Result:
    """Measure all streams with a limit of 600 and of 1,500 requests a minute."""
    table: list[list[str | float]] = []
    bars: list[Bar] = []
    cases = [(limit, wait) for limit in _CUSTOMERS for wait in (0, 50, 150)]
    for limit, wait in [_COMPARED] if turns.quick else cases:
        for name in (TAP, *(_PEERS if (limit, wait) == _COMPARED and not turns.quick else ())):
            figures = _run(turns, name, limit, wait)
            passed = figures["requests"] - figures["refused"]
            share = passed / ideal.documented(limit, figures["wall"])
            most = passed / ideal.possible(limit, figures["wall"])
            table.append([
                limit, wait, name, figures["wall"], passed, figures["refused"], share, most, figures["wrong"],
            ])  # fmt: skip
            if name == TAP:
                text = f"{limit:,} a minute, {wait} ms: "
                bars.append(at_least(f"{text}share of the limit", share, _SHARE, figures))
                bars.append(at_most(f"{text}refused", figures["refused"], 0, figures))
    spent = _exhausted(turns)
    bars.append(
        at_least("limit used up before the start: complete syncs", 1 - bool(spent["wrong"]), 1, spent)
    )
    waited = (
        "If other clients have used up the limit of the minute, the tap waits and then reads everything: "
        f"{spent['wall']:.0f} s in all, {spent['refused']} requests refused."
    )
    return Result("Rate limits", _COLUMNS, table, bars, [_NOTE, *_windows(table), waited])


_COLUMNS = [
    "limit a minute", "latency ms", "client", "seconds", "requests", "refused", "share of the limit",
    "of the possible", "void",
]  # fmt: skip


_NOTE = (
    "All streams, this tap with its default settings. `share of the limit` compares the requests that passed "
    "with those of an ideal client: one without latency that keeps to the documentation, that is, the limit "
    f"each minute and bursts of {BURST_FACTOR} times the steady rate for at most {BURST_WINDOW} seconds, in "
    "the same time, start-up included ([ideal.py](../benchmarks/ideal.py), on the sandbox's own limiter). "
    "`of the possible` compares with what that limiter lets pass at any pace."
)


def _windows(table: list[list[str | float]]) -> list[str]:
    """Return a note on the extra requests of windows, if peers were measured as well."""
    limit, wait = _COMPARED
    asked = {str(row[2]): row[4] for row in table if row[:2] == [limit, wait]}
    ours, fewest = asked.pop(TAP), min(asked.values(), default="")
    if not asked:
        return []
    note = (
        "With a `start_date` this tap reads in windows, so that an interrupted sync resumes at the last one. "
        f"Windows take more requests: {ours:,}, where one list per stream takes {fewest:,}."
    )
    return [note]


def _run(turns: Turns, name: str, limit: int, wait: int) -> Figures:
    tag = f", {limit} a minute, {wait} ms"
    customers = 1_000 if turns.quick else _CUSTOMERS[limit]
    if turns.has(f"{name}{tag}"):
        return turns.kept(f"{name}{tag}", dict)
    with servers.sandbox(customers, limit=limit) as server:
        expected = {stream: server.truth(stream) for stream in ALL}
        server.latency(wait)
        job = Job(server, ALL, servers.HISTORY_START)
        return turns.kept(
            f"{name}{tag}", lambda: _spending(server, lambda: turns.check(name, job, expected, tag))
        )


def _spending(server: Server, measure: Callable[[], Figures]) -> Figures:
    """Add the numbers of requests and of refused requests to the figures of a run."""
    asked, turned_away = server.spent()
    figures = measure()
    requests, refused = server.spent()
    return {**figures, "requests": requests - asked, "refused": refused - turned_away}


def _exhausted(turns: Turns) -> Figures:
    """Read a small shop whose rate limit has just been used up."""
    limit, customers = 600, 300
    with servers.sandbox(customers, limit=limit) as server:
        expected = {stream: server.truth(stream) for stream in ALL}
        for _ in range(WINDOW // (BURST_FACTOR * BURST_WINDOW)):
            _spend(server)
            server.call("advance", {"seconds": BURST_WINDOW})
        job = Job(server, ALL)
        return turns.kept(
            "a used-up limit", lambda: _spending(server, lambda: turns.check(TAP, job, expected, ", spent"))
        )


def _spend(server: Server) -> None:
    """Send requests until one is refused."""
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{server.url}/api/v1/usage?limit=1", headers={"Authorization": f"Bearer {server.token}"}
    )
    with contextlib.suppress(urllib.error.HTTPError):
        while True:
            urllib.request.urlopen(request).close()  # noqa: S310 - as above
