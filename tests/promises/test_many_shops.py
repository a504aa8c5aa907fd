"""A thousand shops in one run, some of them silent, slow or rejecting the token: the others complete."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING

import psutil
import pytest

from support.canned_api import CannedApi, kind_of, token_of
from support.tap_cli import Tap

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SHOPS = 1000
STREAMS = ("orders", "products")
EXPECTED = {
    (stream, f"shop-{i}") for i in range(SHOPS) for stream in STREAMS if kind_of(i) in ("healthy", "slow")
}
MEBIBYTE = 1 << 20


@pytest.mark.timeout(180)
def test_all_other_shops_complete_while_some_are_silent_in_one_event_loop_and_in_flat_memory(
    tmp_path: Path,
) -> None:
    shops = [{"shop": f"shop-{i}", "api_token": token_of(i)} for i in range(SHOPS)]
    (tmp_path / "shops.json").write_text(json.dumps(shops))
    log = tmp_path / "log"
    with CannedApi() as api, log.open("w") as stderr:
        # The timeout is longer than this test, so the run must not wait for silent hosts.
        tap = Tap(tmp_path, {"api_url": api.url, "shops_file": "shops.json", "request_timeout_seconds": 600})
        command = tap.command(streams=STREAMS)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, cwd=tmp_path) as process:
            assert process.stdout is not None
            _read_until_complete(process.stdout)
            running = psutil.Process(process.pid)
            threads, memory = running.num_threads(), running.memory_info().rss
            process.send_signal(signal.SIGTERM)
            rest = process.stdout.readlines()
        assert process.returncode == 128 + signal.SIGTERM
    assert _complete(rest) == EXPECTED
    refused = [line for line in log.read_text().splitlines() if "ERROR" in line and "401" in line]
    assert len(refused) == sum(kind_of(i) == "refusing" for i in range(SHOPS))
    assert threads <= 4, "the main thread, the event loop, and no thread per shop"
    assert memory < 150 * MEBIBYTE


def _read_until_complete(lines: Iterable[bytes]) -> None:
    """Read messages until a STATE has a bookmark of every stream of every shop that answers."""
    for line in lines:
        if line.startswith(b'{"type":"STATE"') and _complete([line]) >= EXPECTED:
            return


def _complete(lines: list[bytes]) -> set[tuple[str, str]]:
    """Return the streams and shops that have a bookmark in the last STATE."""
    state = json.loads([line for line in lines if line.startswith(b'{"type":"STATE"')][-1])["value"]
    return {
        (stream, entry["context"]["shop"])
        for stream, content in state["bookmarks"].items()
        for entry in content["partitions"]
        if "replication_key_value" in entry
    }
