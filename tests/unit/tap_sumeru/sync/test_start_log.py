"""The first lines of a sync: what will be read, and how fast; an empty shard says so."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.config.settings import Settings
from tap_sumeru.config.shops import shard_of
from tap_sumeru.state.bookmarks import Bookmarks
from tap_sumeru.sync.start_log import log_opening


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log, from level INFO."""
    caplog.set_level(logging.INFO)
    return caplog


def opening(
    log: pytest.LogCaptureFixture,
    *,
    streams: tuple[str, ...] = ("orders", "usage"),
    full_table: tuple[str, ...] = (),
    state: dict[str, Any] | None = None,
    **config: Any,
) -> list[str]:
    """Return the first lines of a sync."""
    selections = [StreamSelection(name, {}, (), full_table=name in full_table) for name in streams]
    log_opening(Settings.from_config(config), selections, Bookmarks(state or {}))
    return log.messages


def entries(*shops: str, **more: str) -> list[dict[str, str]]:
    return [{"shop": shop, "api_token": f"token of {shop}".replace(" ", "_"), **more} for shop in shops]


def test_one_shop_with_defaults(log: pytest.LogCaptureFixture) -> None:
    assert opening(log, api_token="one", shop="acme") == [
        "Reading 2 streams of 1 shop (acme), all history up to now: orders, usage.",
        "Pace: at most 8 requests at a time for each shop, and all of its rate limit.",
    ]


def test_a_range_a_share_bookmarks_and_full_reads(log: pytest.LogCaptureFixture) -> None:
    partition = {"context": {"shop": "acme"}, "replication_key_value": "2025-06-01T00:00:00Z"}
    first, second = opening(
        log,
        shops=entries("acme", "globex"),
        start_date="2025-01-01",
        end_date="2026-01-01T12:00:00Z",
        concurrency=1,
        rate_limit_share=0.5,
        full_table=("usage",),
        state={"bookmarks": {"orders": {"partitions": [partition]}}},
    )
    assert first == (
        "Reading 2 streams of 2 shops (acme, globex), from 2025-01-01 to 2026-01-01T12:00:00Z: orders, "
        "usage. 1 of 2 reads start at their bookmarks. In full, because they are FULL_TABLE: usage."
    )
    assert second.startswith("Pace: at most 1 request at a time for each shop, and 50% of its rate limit.")


@pytest.mark.parametrize(
    ("shops", "text"),
    [
        (
            entries("acme", start_date="2025-01-01") + entries("globex", start_date="2024-01-01"),
            "from 2024-01-01 or a later `start_date` of a shop to now",
        ),
        (
            entries("acme", start_date="2025-01-01") + entries("globex"),
            "all history or a later `start_date` of a shop to now",
        ),
    ],
)
def test_shops_with_starts_of_their_own(
    log: pytest.LogCaptureFixture, shops: list[dict[str, str]], text: str
) -> None:
    assert f" (acme, globex), {text}: " in opening(log, shops=shops)[0]


def test_of_a_shard_the_first_twenty_shops_are_named(log: pytest.LogCaptureFixture) -> None:
    names = [f"shop-{i}" for i in range(100)]
    mine = [name for name in names if shard_of(name, 2) == 1]
    first, _ = opening(log, shops=entries(*names), shard="1/2")
    assert first.startswith(
        f"Reading 2 streams of {len(mine)} shops of shard 1/2 ({', '.join(mine[:20])} and "
    )
    assert f"and {len(mine) - 20} more), " in first


def test_a_shard_without_shops_says_so(log: pytest.LogCaptureFixture) -> None:
    empty = 3 - shard_of("acme", 2)
    assert opening(log, shops=entries("acme"), shard=f"{empty}/2") == [
        f"Shard {empty}/2 has no shops: there is nothing to read."
    ]


def partition(shop: str) -> dict[str, Any]:
    return {"context": {"shop": shop}, "replication_key_value": "2025-06-01T00:00:00Z"}


def test_shops_that_are_new_in_a_shard_with_a_state_are_named(log: pytest.LogCaptureFixture) -> None:
    mine = [name for name in (f"shop-{i}" for i in range(20)) if shard_of(name, 2) == 1]
    known, *new = mine
    state = {"bookmarks": {"orders": {"partitions": [partition(known), partition("gone")]}}}
    lines = opening(log, shops=entries(*mine), shard="1/2", state=state)
    assert lines[1] == (
        f"New in shard 1/2: {len(new)} shops ({', '.join(new)}), read from the start date. If another shard "
        "has read them, `--merge` brings their bookmarks along."
    )
    log.clear()
    every = {"bookmarks": {"orders": {"partitions": [partition(name) for name in mine]}}}
    for config in ({"state": every, "shard": "1/2"}, {"shard": "1/2"}, {"state": state}):
        assert len(opening(log, shops=entries(*mine), **config)) == 2
        log.clear()


def test_a_catalog_that_selects_no_stream_is_a_warning(log: pytest.LogCaptureFixture) -> None:
    assert opening(log, streams=(), api_token="one") == [
        "The catalog selects no stream: there is nothing to read."
    ]
    assert log.records[0].levelname == "WARNING"
