"""Promise 4, isolated: a host that hangs fails its own shop and does not delay the others."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from sumeru_sandbox import Sandbox
from support.hanging_host import HangingHost, refusing_url
from support.tap_cli import Tap
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from pathlib import Path

    from support.tap_cli import Json, Output


def assert_complete(output: Output, sandbox: Sandbox, *shops: str) -> None:
    for shop in shops:
        for stream in STREAMS:
            truth = sorted(row["id"] for row in sandbox.truth(shop, stream))
            assert sorted(output.ids(stream, shop)) == truth, (shop, stream)
            assert "replication_key_value" in output.bookmark(stream, shop), (shop, stream)


DRIPPING = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + b" " * 999


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("hangs", "no answer within the read timeout (3 requests in a row)"),
        ("drips", "no answer within the read timeout (3 requests in a row)"),
        ("refuses", "the connection was refused; nothing listens on this port (3 requests in a row)"),
        ("unknown", "the host name cannot be resolved (3 requests in a row)"),
    ],
)
def test_an_unreachable_host_fails_only_its_shop_in_one_line(
    many: Tap, shops: Sandbox, kind: str, cause: str
) -> None:
    with HangingHost() as hanging, HangingHost(DRIPPING) as dripping:
        urls = {
            "hangs": hanging.url,
            "drips": dripping.url,
            "refuses": refusing_url(),
            "unknown": "https://no-such-shop.invalid",
        }
        many.config["shops"][1]["api_url"] = urls[kind]
        host = urls[kind].partition("://")[2]
        output = many.sync(max_retries=2, request_timeout_seconds=0.2)
    assert output.code == 1
    assert_complete(output, shops, "acme", "initech")
    assert output.records("orders", "globex") == []
    assert "replication_key_value" not in output.bookmark("orders", "globex")
    assert output.errors == [
        (
            f"Shop globex: all streams failed: {host}: {cause}. "
            "Check `api_url` and the network, then run the tap again: it continues where it stopped."
        )
    ]
    assert "Traceback" not in output.log
    assert "22 of 33 streams complete in 3 shops; 1 failure" in output.log
    assert output.errors[-1] == output.last_line


def read_while_others_hang(tap: Tap, wanted: dict[str, int]) -> None:
    """Run a sync until all rows of acme are written; the hanging shops would keep it running."""
    with subprocess.Popen(
        tap.command(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            seen = dict.fromkeys(wanted, 0)
            for line in process.stdout:
                for stream in wanted:
                    seen[stream] += f'"RECORD","stream":"{stream}"' in line and '"shop":"acme"' in line
                if seen == wanted:
                    break
            assert seen == wanted
        finally:
            process.kill()


def test_shops_that_hang_during_a_run_do_not_delay_the_others(tmp_path: Path) -> None:
    """Five shops with eight requests in flight each exceed 32 requests, a bound of earlier versions."""
    names = [f"hanging{i}" for i in range(5)]
    settings: dict[str, Json] = {
        f"{name}/*": {"faults": [{"kind": "hang", "seconds": 3600}]} for name in names
    }
    settings |= {f"{name}/attribution": {"faults": [], "page_cap": 100} for name in names}
    settings["acme/*"] = {"page_cap": 10}
    with Sandbox(["acme", *names], customers=100, settings=settings) as sandbox:
        entries = [{"shop": name, "api_token": sandbox.token(name)} for name in [*names, "acme"]]
        tap = tap_for(tmp_path, sandbox, entries)
        counts = {name: count for name, count in sandbox.counts()["acme"].items() if count}
        read_while_others_hang(tap, counts)


def test_many_shops_that_hang_from_the_start_do_not_delay_the_others(tmp_path: Path) -> None:
    names = [f"hanging{i}" for i in range(40)]
    with Sandbox(["acme"], customers=100) as sandbox, HangingHost() as host:
        entries = [{"shop": name, "api_token": f"copt_test_{name}", "api_url": host.url} for name in names]
        tap = tap_for(tmp_path, sandbox, [*entries, {"shop": "acme", "api_token": sandbox.token("acme")}])
        counts = {name: count for name, count in sandbox.counts()["acme"].items() if count}
        read_while_others_hang(tap, counts)


def tap_for(folder: Path, sandbox: Sandbox, entries: list[Json]) -> Tap:
    return Tap(folder, {"api_url": sandbox.url, "shops": entries})
