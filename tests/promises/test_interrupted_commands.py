"""Interrupted commands: until a sync has begun there is nothing to complete, so a signal ends all at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from support.started_tap import LONG, SIGNALS, ended_by, finish, requested, start, start_command, wait_until

if TYPE_CHECKING:
    import signal

    from sumeru_sandbox import Sandbox
    from support.tap_cli import Tap


@pytest.mark.parametrize(
    ("mode", "how", "code"), [((), *SIGNALS[0]), (("--discover",), *SIGNALS[1]), (("--test",), *SIGNALS[0])]
)
def test_a_signal_while_the_tap_reads_its_config_ends_it_at_once(
    tap: Tap, mode: tuple[str, ...], how: signal.Signals, code: int
) -> None:
    command = [*tap.command(), *mode]
    config = tap.folder / "config.json"
    config.unlink()
    os.mkfifo(config)
    process = start_command(command)
    with config.open("w"):  # blocks until the tap opens it
        # Python looks for a signal before it waits for input: one in between is seen with the next.
        wait_until(lambda: ended_by(process, how))
        output = finish(process)
    assert output.code == code
    assert output.lines == []


@pytest.mark.parametrize("requests", [1, 2, 4, 7])
@pytest.mark.parametrize(
    ("mode", "config"),
    [
        (("--test",), {}),
        (("--check",), {}),
        (("--estimate",), {}),
        (("--discover",), {"discover_rows": 500}),
    ],
    ids=lambda one: one[0] if isinstance(one, tuple) else "",
)
def test_a_signal_during_a_command_that_asks_the_api_ends_it_at_once(
    tap: Tap, sandbox: Sandbox, mode: tuple[str, ...], config: dict[str, Any], requests: int
) -> None:
    """It may come while the command sends, waits or takes an answer: it only has to come early enough."""
    how, code = SIGNALS[requests % 2]
    sandbox.configure({"*": {"faults": [{"kind": "hang", "seconds": LONG, "after": 1}]}})
    process = start(tap, *mode, **config)
    wait_until(requested(sandbox, requests))
    process.send_signal(how)
    output = finish(process)
    assert output.code == code
    assert output.lines == []
    assert output.errors == []
