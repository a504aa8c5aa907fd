"""The virtual clock of the tests: it is as exact as the tests that rely on it."""

from __future__ import annotations

import asyncio

import pytest

from support.virtual_clock import DeadlockError, now, run_virtual


def test_hours_pass_at_once_and_in_order() -> None:
    async def main() -> list[tuple[str, float]]:
        woken = []

        async def wake(name: str, after: float) -> None:
            await asyncio.sleep(after)
            woken.append((name, now()))

        await asyncio.gather(wake("late", 7200.0), wake("early", 0.25), wake("middle", 3600.0))
        return woken

    assert run_virtual(main()) == [("early", 0.25), ("middle", 3600.0), ("late", 7200.0)]


def test_a_timeout_comes_when_it_is_due() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30.0):
                await asyncio.get_running_loop().create_future()
        return now()

    assert run_virtual(main()) == 30.0


def test_waiting_for_what_never_happens_is_an_error() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(DeadlockError):
        run_virtual(main())


def test_each_reading_of_a_ticking_clock_moves_it() -> None:
    async def main() -> float:
        first = now()
        return now() - first

    assert run_virtual(main(), tick=0.5) == 0.5
