"""Fixtures of the target's promises: its command line, configured for a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.target_cli import Target

if TYPE_CHECKING:
    from pathlib import Path

    from sumeru_sandbox import Sandbox


@pytest.fixture
def target(sandbox: Sandbox, tmp_path: Path) -> Target:
    """The target, configured for the shop acme of the sandbox."""
    config = {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme", "max_retries": 1}
    return Target(tmp_path, config)


@pytest.fixture
def targets(shops: Sandbox, tmp_path: Path) -> Target:
    """The target, configured for three shops of a sandbox."""
    entries = [{"shop": name, "api_token": shops.token(name)} for name in ("acme", "globex", "initech")]
    return Target(tmp_path, {"api_url": shops.url, "shops": entries, "max_retries": 1})
