"""Fixtures that several test modules of this folder share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sumeru_sandbox import Sandbox
from support.canary_api import CanaryApi
from support.in_process import Inputs
from support.isolated_run import IsolatedRun
from support.started_tap import kill_all
from support.synced_orders import SyncedOrders
from support.tap_cli import Tap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]

CODE_PATHS: dict[str, tuple[Json, Json]] = {
    "enveloped": ({}, {}),
    "flat": ({"shape": "flat"}, {}),
    "a page that strict decoders refuse": ({"rows": [{"kind": "surrogate"}]}, {}),
    "a stream map": ({}, {"stream_maps": {"orders": {"shop": "shop"}}}),
}
"""Switches of the sandbox and settings of the tap. Each pair takes another path through the code."""


@pytest.fixture(autouse=True)
def end_processes() -> Iterator[None]:
    """End the processes that a failed test started."""
    yield
    kill_all()


@pytest.fixture(scope="module", params=list(CODE_PATHS.values()), ids=list(CODE_PATHS))
def synced(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SyncedOrders]:
    """Sync the orders that the test module declares as `ORDERS`."""
    with Sandbox(shops=("acme",), customers=100) as sandbox:
        config = {
            "api_url": sandbox.url,
            "api_token": sandbox.token("acme"),
            "shop": "acme",
            "max_retries": 0,
        }
        tap = Tap(tmp_path_factory.mktemp("tap"), config)
        yield SyncedOrders(sandbox, tap, request.module.ORDERS.attributes, *request.param)


@pytest.fixture
def isolated(tmp_path: Path) -> IsolatedRun:
    """Run the tap in folders of its own."""
    return IsolatedRun(tmp_path / "given", tmp_path / "open")


@pytest.fixture
def canaries() -> Iterator[CanaryApi]:
    """Serve the canary API."""
    with CanaryApi() as api:
        yield api


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    """Run the tap up to its first request."""
    return Inputs(tmp_path)
