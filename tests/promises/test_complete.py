"""Promise 1 under everything at once: whatever happens on the way, all runs together give every row.

`pytest tests/test_complete.py --lives 20000` tries more lives. A seed that fails is printed, and kept in
`.failing_seeds`; those that ever failed for a reason stay in `KNOWN`, and are tried first.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sumeru_sandbox import Sandbox
from support.random_runs import SHOPS, Life, at_once, partial_catalog
from tap_sumeru.tap import TapSumeru

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_AT_ONCE = 100
_KEPT = Path(".failing_seeds")
KNOWN = [
    44,  # a date as replication key, and a sync that begins in the middle of its day
    189,  # a journey that answered 404, and was there all the same
]


def _live(seeds: Iterable[int], patch: pytest.MonkeyPatch) -> None:
    config = {"api_token": "copt_test_unused"}
    whole = TapSumeru(config=config)
    taps = (whole, whole, TapSumeru(config=config, catalog=partial_catalog(whole)))
    with Sandbox(shops=SHOPS, customers=100) as sandbox, at_once(patch):
        for seed in seeds:
            with _kept(seed):
                Life(seed, sandbox, taps).live()


@contextmanager
def _kept(seed: int) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        with _KEPT.open("a", encoding="utf-8") as kept:
            kept.write(f"{seed}\n")
        pytest.fail(f"the life of seed {seed}: {error}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "first_seed" in metafunc.fixturenames:
        metafunc.parametrize("first_seed", range(0, metafunc.config.getoption("--lives"), _AT_ONCE))


def test_lives_that_once_lost_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = [int(line) for line in _KEPT.read_text().split()] if _KEPT.exists() else []
    _live([*KNOWN, *failed], monkeypatch)


def test_all_runs_of_a_life_together_give_every_row(first_seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _live(range(first_seed, first_seed + _AT_ONCE), monkeypatch)
