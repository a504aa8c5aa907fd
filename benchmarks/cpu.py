"""CPU of a record: one list of customers, no latency, output to /dev/null."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from benchmarks import servers
from benchmarks.clients import LOOPS, OTHERS, STOCK, STOCK_MSGSPEC, TAP, Job, optional_columns
from benchmarks.scenarios import Result, at_least, ratio
from benchmarks.turns import medians

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from benchmarks.scenarios import Bar
    from benchmarks.servers import Server
    from benchmarks.turns import Figures, Turns

    Runs = Mapping[str, list[Figures]]
    Serve = Callable[[int, Mapping[str, int]], AbstractContextManager[Server]]

_STREAM = "customers"
_PAIRS, _FEWER_PAIRS, _OTHERS_PAIRS = 5, 3, 2
"""Turns of the main scenario, of its variants, and of the slow clients that no bar depends on."""
_COLUMNS = [
    "client",
    "CPU µs a record",
    "ratio to this tap",
    "lowest",
    "highest",
    "records/s",
    "peak MiB",
    "void",
]
_NOTE = (
    "{total:,} customers in pages of 100; {size}. CPU is user and system time of the client and all its "
    "children, start-up included. `ratio to this tap` is the median of the ratios of the turns, with the "
    "lowest and the highest."
)


def _measured(
    turns: Turns,
    title: str,
    names: Iterable[str],
    bars: Callable[[Runs], list[Bar]],
    *,
    pairs: int = _FEWER_PAIRS,
    serve: Serve = servers.replay,
    deselected: Iterable[str] = (),
) -> Result:
    """Measure clients in turns with a server of the same pages."""
    customers, repeat = (5_000, 1) if turns.quick else (20_000, 10)
    with serve(customers, {_STREAM: repeat}) as server:
        job = Job(server, (_STREAM,), deselected=frozenset(deselected))
        expected = {_STREAM: servers.replayed(customers, _STREAM, repeat)}
        runs = [(name, job, _turns(turns, name, pairs)) for name in (*names, *turns.others)]
        found = turns.rounds(runs, expected)
        size = _row_size(server)
    total = customers * repeat
    table = [_row(name, runs, found[TAP], total) for name, runs in found.items()]
    table.sort(key=lambda row: row[1])
    return Result(title, _COLUMNS, table, bars(found), [_NOTE.format(total=total, size=size)])


def _turns(turns: Turns, name: str, pairs: int) -> int:
    if turns.quick:
        return 1
    return _OTHERS_PAIRS if name in OTHERS else pairs


def _row(name: str, runs: list[Figures], ours: list[Figures], total: int) -> list[str | float]:
    middle, share = medians(runs), ratio(runs, ours, "cpu")
    return [
        name,
        middle["cpu"] / total * 1e6,
        *share,
        total / middle["wall"],
        middle["rss_mib"],
        middle["wrong"],
    ]


def _row_size(server: Server) -> str:
    body = server.get(f"/api/v1/{_STREAM}?limit=100")
    attributes = len(msgspec.json.decode(body)["data"][0]["attributes"])
    return f"{attributes} attributes and {len(body) // 100} bytes each"


def _less(found: Runs, peer: str, bound: float) -> Bar:
    text = f"CPU: {peer} ÷ this tap"
    return at_least(text, ratio(found[peer], found[TAP], "cpu"), bound, *found[TAP], *found[peer])


def _fastest_loop(result: Result) -> str:
    """Return a sentence on the bare loop that took the least CPU; the table is sorted by CPU."""
    cpu = {str(row[0]): float(row[1]) for row in result.table}
    name = next(name for name in cpu if name in LOOPS)
    return f"The fastest bare loop is the {name}: this tap takes {cpu[TAP] / cpu[name]:.2f} times its CPU."


def cpu(turns: Turns) -> Result:
    """All columns."""
    result = _measured(
        turns,
        "CPU, all columns",
        (TAP, *LOOPS, STOCK, STOCK_MSGSPEC, *OTHERS),
        lambda found: [_less(found, STOCK, 11.5), _less(found, STOCK_MSGSPEC, 9)],
        pairs=_PAIRS,
    )
    result.notes.append(
        f"Bare loops that were tried: {', '.join(LOOPS)}. Each decodes a page into dicts and writes the same "
        f"RECORD lines as this tap, with garbage collection off. {_fastest_loop(result)}"
    )
    return result


def drift(turns: Turns) -> Result:
    """Two unknown fields and a value of the wrong type in every row."""
    result = _measured(
        turns,
        "CPU, every row drifted",
        (TAP, *LOOPS, STOCK, STOCK_MSGSPEC),
        lambda found: [_less(found, STOCK, 8)],
        serve=lambda customers, repeat: servers.replay(customers, repeat, options=["--drift"]),
    )
    result.notes.append(
        "Every row has two fields that no schema knows and a text where the schema has a number. This tap "
        "keeps all three in `extra`; the singer-sdk tap drops the two fields and passes the text on."
    )
    return result


def half(turns: Turns) -> Result:
    """Half of the columns."""
    columns = optional_columns(_STREAM)
    result = _measured(
        turns,
        "CPU, half of the columns",
        (TAP, STOCK, STOCK_MSGSPEC),
        lambda found: [_less(found, STOCK, 15)],
        deselected=(*columns[::2], "extra", "relationships"),  # which hold what `fields` cannot name
    )
    result.notes.append(
        f"{len(columns[::2])} of {len(columns) + 1} columns are deselected in the catalog of each client, "
        "and `extra` and `relationships` in that of this tap. This tap does not request them; the singer-sdk "
        "tap requests all and drops them."
    )
    return result


def tls(turns: Turns) -> Result:
    """All columns, over TLS."""
    result = _measured(
        turns, "CPU over TLS", (TAP, *LOOPS, STOCK, STOCK_MSGSPEC), lambda _: [], serve=servers.replay_tls
    )
    result.notes.append("Each client verifies the certificate of the server; the connection is kept alive.")
    return result


def gzipped(turns: Turns) -> Result:
    """All columns, compressed."""
    result = _measured(
        turns,
        "CPU with gzip",
        (TAP, *LOOPS, STOCK, STOCK_MSGSPEC),
        lambda _: [],
        serve=lambda customers, repeat: servers.replay(customers, repeat, options=["--gzip"]),
    )
    result.notes.append("Each client accepts gzip, and the server compresses every page.")
    return result
