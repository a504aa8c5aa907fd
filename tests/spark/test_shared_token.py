"""Two jobs that read the same shops at once: with half of the rate limit each, the API refuses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spark.conftest import options_of, require
from spark.driver import Driver
from spark.environments import NEWEST
from spark.truth import assert_raw
from sumeru_sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

SHOP = ("acme",)
STREAMS = ("orders", "customers", "usage")


@pytest.mark.usefixtures("takes_long")
def test_two_jobs_on_one_token_with_half_of_the_limit_each_are_never_refused(tmp_path: Path) -> None:
    version = require(NEWEST)
    with (
        Sandbox(shops=SHOP, customers=1500, rate_limit=300) as sandbox,
        Driver(version, tmp_path / "one") as one,
        Driver(version, tmp_path / "two") as two,
    ):
        options = options_of(sandbox, SHOP, rate_limit_share="0.5", streams=",".join(STREAMS))
        files = [tmp_path / name for name in ("one.jsonl", "two.jsonl")]
        for driver, file in zip((one, two), files, strict=True):
            driver.start("direct", options=options, out=str(file))
        for driver, file in zip((one, two), files, strict=True):
            driver.result()
            assert_raw(driver.written(file), sandbox, SHOP, STREAMS)
        stats = sandbox.stats()
        assert stats["requests"] > 100
        assert stats["rate_limited"] == 0
