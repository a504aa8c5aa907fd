"""Interrupted commands: until a sync has begun there is nothing to complete, so a signal ends all at once."""

from __future__ import annotations

import os
import sys
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


@pytest.mark.skipif(os.name == "nt", reason="Windows has no /dev/full")
@pytest.mark.parametrize("buffering", ["", "1"])
@pytest.mark.parametrize("log", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize("mode", [(), ("--check",), ("--shops",)], ids=lambda mode: mode[0] if mode else "")
def test_a_log_that_cannot_be_written_does_not_change_the_exit_code(
    tap: Tap, mode: tuple[str, ...], log: str, buffering: str
) -> None:
    shell = ["bash", "-c", f'exec "$@" {log}', "sh", *tap.command(streams=("customers",)), *mode]
    done = tap.run_text(shell, {"PYTHONUNBUFFERED": buffering})
    assert done.returncode == 0
    assert done.stdout


_ENDING = """
import atexit, os, signal
from {package}.__main__ import main
atexit.register(lambda: [os.kill(os.getpid(), {how}) for _ in range(3)])
main()
"""


@pytest.mark.parametrize(("how", "code"), SIGNALS)
@pytest.mark.parametrize("package", ["tap_sumeru", "target_sumeru"])
def test_a_signal_once_the_exit_code_is_known_changes_nothing(
    tap: Tap, package: str, how: signal.Signals, code: int
) -> None:
    options = tap.command()[3:]
    if package == "target_sumeru":
        options += ["--input", os.devnull]
    program = _ENDING.format(package=package, how=int(how))
    done = tap.run_text([sys.executable, "-c", program, *options, *(["--shops"] * (package == "tap_sumeru"))])
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), f"{code}: {done.stderr}"


@pytest.mark.parametrize("when", range(2))
def test_ctrl_c_while_the_bulk_loader_starts_ends_it_quietly(tap: Tap, when: int) -> None:
    """A module that it imports waits, so the signal comes in the middle of the imports."""
    name = ("click", "msgspec")[when]
    (tap.folder / f"{name}.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n", "utf-8"
    )
    command = [sys.executable, "-m", "tap_sumeru.bulk", "parquet", "out"]
    done = tap.run_text(command, {"PYTHONPATH": str(tap.folder)})
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
