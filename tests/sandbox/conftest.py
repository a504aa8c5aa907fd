"""Fixtures of the sandbox tests: one running sandbox per test file, reset after each test."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from sumeru_sandbox import Sandbox
from support.sandbox_client import SHOP, Api

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 5, 10, 14, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(shops=("acme", "globex"), now=NOW) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Iterator[Sandbox]:
    yield server
    server.reset()


@pytest.fixture(scope="module")
def limited_server() -> Iterator[Sandbox]:
    """A sandbox with a rate limit that no test reaches."""
    with Sandbox(shops=(SHOP, "globex"), rate_limit=1_000_000, now=NOW) as sandbox:
        yield sandbox


@pytest.fixture
def api(limited_server: Sandbox) -> Iterator[Api]:
    client = Api(limited_server)
    yield client
    client.session.close()
    limited_server.reset()
