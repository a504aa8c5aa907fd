"""CPU seconds a record: one list of customers, no latency, output to /dev/null."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

import msgspec

from benchmarks import servers
from benchmarks.clients import MSGSPEC, OTHERS, STOCK, TAP, Job, optional_columns
from benchmarks.scenarios import Result, at_least, at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.scenarios import Bar
    from benchmarks.servers import Server
    from benchmarks.turns import Figures, Turns

_STREAM = "customers"
_TURNS = 3


def _size(turns: Turns) -> tuple[int, int]:
    """How many customers are rendered, and how often they are served over."""
    return (5_000, 1) if turns.quick else (20_000, 10)


def _measured(
    turns: Turns,
    title: str,
    names: Iterable[str],
    bars: Callable[[dict[str, Figures]], list[Bar]],
    *,
    drift: bool = False,
    deselected: Iterable[str] = (),
) -> Result:
    customers, repeat = _size(turns)
    total = customers * repeat
    with servers.replay(customers, {_STREAM: repeat}, drift=drift) as server:
        job = Job(server, (_STREAM,), deselected=frozenset(deselected))
        expected = {_STREAM: servers.replayed(customers, _STREAM, repeat)}
        times = 1 if turns.quick else _TURNS
        found = turns.rounds([(name, job, times) for name in names], expected)
        size = _row_size(server)
    table: list[list[str | float]] = [
        [
            name,
            run["cpu"] / total * 1e6,
            run["cpu"] / found[TAP]["cpu"],
            total / run["wall"],
            run["rss_mib"],
            run["wrong"],
        ]
        for name, run in sorted(found.items(), key=lambda item: item[1]["cpu"])
    ]
    note = (
        f"{total:,} customers in pages of 100; {size}. CPU is user and system time of the client and all its "
        "children, start-up included."
    )
    columns = ["client", "CPU µs a record", "of this tap", "records/s", "peak MiB", "void"]
    return Result(title, columns, table, bars(found), [note])


def _row_size(server: Server) -> str:
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{server.url}/api/v1/{_STREAM}?limit=100", headers={"Authorization": f"Bearer {server.token}"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        body = answer.read()
    attributes = len(msgspec.json.decode(body)["data"][0]["attributes"])
    return f"{attributes} attributes and {len(body) // 100} bytes each"


def _less(bound: float, found: dict[str, Figures]) -> Bar:
    text = f"times the CPU that the {STOCK} takes"
    return at_least(text, found[STOCK]["cpu"] / found[TAP]["cpu"], bound, found[TAP], found[STOCK])


def _no_more(found: dict[str, Figures]) -> Bar:
    text = f"CPU of this tap, of the {MSGSPEC}"
    return at_most(text, found[TAP]["cpu"] / found[MSGSPEC]["cpu"], 1.0, found[TAP], found[MSGSPEC])


def cpu(turns: Turns) -> Result:
    """All columns."""
    return _measured(
        turns,
        "CPU, all columns",
        (TAP, STOCK, MSGSPEC, *OTHERS),
        lambda found: [_less(15, found), _no_more(found)],
    )


def drift(turns: Turns) -> Result:
    """Two unknown fields and a value of the wrong type in every row."""
    result = _measured(
        turns,
        "CPU, every row drifted",
        (TAP, STOCK, MSGSPEC),
        lambda found: [_less(8, found)],
        drift=True,
    )
    result.notes.append(
        "Every row has two fields that no schema knows and a text where a number belongs. "
        "This tap keeps all three in `extra`; the singer-sdk tap drops the two and passes the third."
    )
    return result


def half(turns: Turns) -> Result:
    """Half of the columns."""
    columns = optional_columns(_STREAM)
    result = _measured(
        turns,
        "CPU, half of the columns",
        (TAP, STOCK),
        lambda found: [_less(15, found)],
        deselected=columns[::2],
    )
    result.notes.append(
        f"{len(columns[::2])} of {len(columns) + 1} columns deselected in the catalog of both. "
        "This tap does not ask for them; the singer-sdk tap gets them and leaves them out."
    )
    return result
