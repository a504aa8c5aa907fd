"""What the tap reads can be piped back into the target: nothing changes."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from support.tap_cli import Tap
    from support.target_cli import Target

STREAMS = ("customers", "products", "inventory", "campaigns", "journeys")


def writes(sandbox: Sandbox) -> int:
    return sum(number for method, number in sandbox.stats()["methods"].items() if method != "GET")


def test_the_output_of_the_tap_writes_nothing(sandbox: Sandbox, tap: Tap, target: Target) -> None:
    piped = subprocess.run(tap.command(streams=STREAMS), capture_output=True, text=True, check=True).stdout
    output = target.run(piped, compare="api", nulls="clear")
    assert (output.code, output.report, writes(sandbox)) == (0, [], 0), output.log
    assert list(output.states[-1]["bookmarks"]) == sorted(
        STREAMS, key=list(output.states[-1]["bookmarks"]).index
    )
    for stream in STREAMS:
        rows = sandbox.counts()["acme"][stream]
        assert f"{stream}: {rows} rows: {rows} unchanged." in output.log


def test_streams_that_can_only_be_read_are_ignored_with_a_line(
    sandbox: Sandbox, tap: Tap, target: Target
) -> None:
    piped = subprocess.run(
        tap.command(streams=("orders", "usage")), capture_output=True, text=True, check=True
    )
    output = target.run(piped.stdout, compare="api")
    assert (output.code, writes(sandbox)) == (0, 0)
    assert "orders: cannot be written and is ignored." in output.log


def test_one_changed_row_among_the_output_of_the_tap_is_the_only_write(
    sandbox: Sandbox, tap: Tap, target: Target
) -> None:
    piped = subprocess.run(tap.command(streams=STREAMS), capture_output=True, text=True, check=True).stdout
    product = sandbox.truth("acme", "products")[2]["id"]
    sandbox.put("acme", "products", product, vendor="Somebody else")
    output = target.run(piped, compare="api")
    assert (output.code, output.statuses("products"), len(output.report)) == (0, ["written"], 1), output.log
    assert output.report[0]["fields"] == ["vendor"]
