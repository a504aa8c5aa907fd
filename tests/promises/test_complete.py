"""Promise 1, complete: whatever happens between and during runs, all runs together emit every row.

`pytest tests/promises/test_complete.py --lives 20000` tries more random lives. A seed that fails is printed
and added to `.failing_seeds`. Seeds that failed because of a bug are in `KNOWN` and run first.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sumeru_sandbox import Sandbox
from support.random_runs import SHOPS, Life, partial_catalog, retry_at_once
from tap_sumeru.tap import TapSumeru

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SEEDS_PER_TEST = 100
_FAILING_SEEDS = Path(".failing_seeds")
KNOWN = [
    44,  # the replication key is a date, and a sync begins in the middle of that day
    189,  # a journey exists although it answered 404
    471,  # the replication key proves to be a day while a first read uses a filter that is never proven
    2373,  # the rate limit refuses each request that gets an answer
]


def _live(seeds: Iterable[int], patch: pytest.MonkeyPatch) -> None:
    config = {"api_token": "copt_test_unused"}
    whole = TapSumeru(config=config)
    taps = (whole, whole, TapSumeru(config=config, catalog=partial_catalog(whole)))
    with Sandbox(shops=SHOPS, customers=100) as sandbox, retry_at_once(patch):
        for seed in seeds:
            with _recorded(seed):
                Life(seed, sandbox, taps).live()


@contextmanager
def _recorded(seed: int) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        with _FAILING_SEEDS.open("a", encoding="utf-8") as file:
            file.write(f"{seed}\n")
        pytest.fail(f"the life of seed {seed}: {error}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "first_seed" in metafunc.fixturenames:
        metafunc.parametrize("first_seed", range(0, metafunc.config.getoption("--lives"), _SEEDS_PER_TEST))


def test_lives_that_failed_before_are_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = [int(line) for line in _FAILING_SEEDS.read_text().split()] if _FAILING_SEEDS.exists() else []
    _live([*KNOWN, *failed], monkeypatch)


def test_all_runs_of_a_random_life_together_emit_every_row(
    first_seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _live(range(first_seed, first_seed + _SEEDS_PER_TEST), monkeypatch)
