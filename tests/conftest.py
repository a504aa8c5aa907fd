"""Shared fixtures: sandboxes, and the tap's command line configured for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

from sumeru_sandbox import Sandbox
from support.skipped_tests import pytest_terminal_summary
from support.tap_cli import Tap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["pytest_terminal_summary"]  # a hook

# No deadlines: a busy machine must not fail a test.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
# For `make mutants`: few examples, and the same for every mutant.
settings.register_profile(
    "mutants", database=None, deadline=None, derandomize=True, max_examples=30, phases=(Phase.generate,)
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lives", type=int, default=2000, help="random runs in test_complete.py")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with one shop, acme, of 100 customers, without a rate limit."""
    with Sandbox(shops=("acme",), customers=100) as running:
        yield running


@pytest.fixture
def tap(sandbox: Sandbox, tmp_path: Path) -> Tap:
    """The tap, configured for that shop."""
    return Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme"})


@pytest.fixture
def shops() -> Iterator[Sandbox]:
    """A sandbox with three shops of 100 customers each."""
    with Sandbox(shops=("acme", "globex", "initech"), customers=100) as running:
        yield running


@pytest.fixture
def many(shops: Sandbox, tmp_path: Path) -> Tap:
    """The tap, configured for those shops."""
    entries = [{"shop": name, "api_token": shops.token(name)} for name in ("acme", "globex", "initech")]
    return Tap(tmp_path, {"api_url": shops.url, "shops": entries})
