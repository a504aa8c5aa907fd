"""Syncs of one stream from an API that a test scripts, and what the log warned of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.scripted_api import END, Reply, Request, ScriptedApi
from support.tap_cli import Output, Tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]
DATE = "2026-05-10T00:00:00Z"
TOKEN = "copt_test_token"


def sync(
    folder: Path,
    script: Callable[[Request], Reply],
    stream: str,
    state: Json | None = None,
    *,
    deselected: tuple[str, ...] = (),
    **config: Any,
) -> Output:
    """Sync a stream from an API that answers by a script."""
    with ScriptedApi(script) as api:
        tap = Tap(folder, {"api_url": api.url, "api_token": TOKEN, "shop": "acme", "max_retries": 1})
        catalog = tap.catalog(stream, deselected=tuple((stream, name) for name in deselected))
        return tap.sync(state, catalog=catalog, **config)


def page(*rows: Json, cursor: str | None = None, **more: Any) -> Reply:
    """Return a page of a list."""
    end = {"next_cursor": cursor, "has_next": True} if cursor else END
    return Reply({"data": list(rows), "pagination": end, **more})


def warnings(output: Output) -> list[str]:
    """Return the warnings of a run."""
    return [line.split(" | ")[-1] for line in output.log.splitlines() if "| WARNING" in line]


def assert_complete(output: Output, stream: str) -> None:
    """The run is complete, and its bookmark says so."""
    assert output.code == 0, output.log
    assert "replication_key_value" in output.bookmark(stream)
