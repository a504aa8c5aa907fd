"""A local server of the documented Sumeru v1 admin API, with made-up shops.

From what is started down to the made-up values:

    cli, server, options   the command, the server in a thread, and what either is started with
    app, control           HTTP: the API as an ASGI application, and the endpoints under `/_sandbox`
    api, messages          from a request to an answer or a refusal, without a network
    routes, query          what a path and its parameters ask for
    listing, render        which rows a page holds, and how they are written
    writes, idempotency    what a write changes, and that it happens once
    accounts, limits       tokens, scopes and plans, and how much may be asked
    settings               the switches: what is undocumented, or goes wrong
    faults, rowfaults      answers and rows that are spoilt on purpose
    stats                  what was asked
    openapi*               the documented catalog and fields, and the OpenAPI document made of them
    store, live            what a shop holds now, and what happens to it as time goes by
    world                  every row that it had to begin with, from
    people, goods, baskets     the makers of the rows
    outline                    what all rows agree on
    histories, timeline        which dates they get, and how those are found
    chance, clock              made-up values, and the time
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sumeru_sandbox.server.embedded import Sandbox

__all__ = ["Sandbox"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is asked for
    """Import the server only when somebody wants one."""
    if name == "Sandbox":
        from sumeru_sandbox.server.embedded import Sandbox  # noqa: PLC0415

        return Sandbox
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
