"""A signal ends what an event loop does: quietly, wherever it strikes, with the exit code that names it."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.sync.signals import run_until_signal

SIGNALS = st.sampled_from([signal.SIGTERM, signal.SIGINT])
PLACES = st.sampled_from(["a task", "a child task", "a callback", "the last step"])


@given(SIGNALS, PLACES, st.integers(0, 5))
def test_a_signal_cancels_the_work_wherever_it_strikes(how: signal.Signals, place: str, steps: int) -> None:
    faults: list[dict[str, Any]] = []
    closed: list[str] = []

    async def child() -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        if place == "a child task":
            signal.raise_signal(how)
        await asyncio.Event().wait()

    async def work() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, fault: faults.append(fault))
        try:
            async with asyncio.TaskGroup() as group:
                if place == "the last step":
                    signal.raise_signal(how)
                    return
                group.create_task(child())
                if place == "a callback":
                    loop.call_soon(signal.raise_signal, how)
                elif place == "a task":
                    signal.raise_signal(how)
        finally:
            closed.append("session")

    before = signal.getsignal(how)
    with pytest.raises(SystemExit) as exited:
        run_until_signal(work())
    assert exited.value.code == 128 + how
    assert closed == ["session"]
    assert faults == []
    assert signal.getsignal(how) is before


@given(SIGNALS)
def test_a_signal_outranks_an_error_of_the_work(how: signal.Signals) -> None:
    async def work() -> None:
        signal.raise_signal(how)
        raise ValueError("too late to be of interest")

    with pytest.raises(SystemExit) as exited:
        run_until_signal(work())
    assert exited.value.code == 128 + how


def test_work_without_a_signal_has_its_own_end() -> None:
    async def work(error: BaseException | None) -> int:
        await asyncio.sleep(0)
        if error is not None:
            raise error
        return 7

    assert run_until_signal(work(None)) == 7
    for error in (ValueError("of the work"), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            run_until_signal(work(error))


def test_outside_of_the_main_thread_the_work_runs_without_signals() -> None:
    results: list[str] = []

    async def work() -> str:
        return "done"

    thread = threading.Thread(target=lambda: results.append(run_until_signal(work())))
    thread.start()
    thread.join()
    assert results == ["done"]
