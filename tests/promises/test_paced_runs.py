"""Runs near the rate limit with many errors always end. In the former thread engine they sometimes did not.

`PACED_RUNS=100 pytest tests/promises/test_paced_runs.py` repeats them a hundred times.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sumeru_sandbox import Sandbox
from support.tap_cli import Tap

if TYPE_CHECKING:
    from pathlib import Path

RUNS = int(os.environ.get("PACED_RUNS", "3"))


@pytest.mark.timeout(60 * RUNS)
def test_runs_with_a_high_rate_limit_and_many_errors_end(tmp_path: Path) -> None:
    with Sandbox(shops=("acme",), customers=100, rate_limit=20_000) as sandbox:
        sandbox.configure({"*": {"faults": [{"kind": "status", "status": 500, "every": 10}]}})
        tap = Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme")})
        assert [tap.sync().code for _ in range(RUNS)] == [0] * RUNS
