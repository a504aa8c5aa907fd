"""What the tests share: a sandbox, and the tap's command line against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

from sumeru_sandbox import Sandbox
from support.tap_cli import Tap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Speed is asserted nowhere: a machine with other work to do fails no test.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
# For `make mutants`: always the same examples, and few, since each mutant meets them anew.
settings.register_profile(
    "mutants", database=None, deadline=None, derandomize=True, max_examples=30, phases=(Phase.generate,)
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lives", type=int, default=2000, help="how many made-up lives test_complete.py tries")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One shop, acme, of 100 customers, without a rate limit."""
    with Sandbox(shops=("acme",), customers=100) as running:
        yield running


@pytest.fixture
def tap(sandbox: Sandbox, tmp_path: Path) -> Tap:
    """The tap, set up for that shop."""
    return Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme"})


@pytest.fixture
def shops() -> Iterator[Sandbox]:
    """Three shops of 100 customers each."""
    with Sandbox(shops=("acme", "globex", "initech"), customers=100) as running:
        yield running


@pytest.fixture
def many(shops: Sandbox, tmp_path: Path) -> Tap:
    """The tap, set up for those shops."""
    entries = [{"shop": name, "api_token": shops.token(name)} for name in ("acme", "globex", "initech")]
    return Tap(tmp_path, {"api_url": shops.url, "shops": entries})
