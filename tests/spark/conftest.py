"""What the tests of the Spark data source share: a session for each version of Spark, started once."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from spark import environments
from spark.driver import Driver
from spark.environments import NEWEST, OLDEST
from sumeru_sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

WANTED = os.environ.get("TEST_SPARK", "")
"""`newest`: what is missing fails, and the tests that take long are skipped. `all`: no test is skipped."""


def require(version: str) -> str:
    """Skip a test whose version of Spark is missing, or fail it; return the version."""
    missing = environments.missing(version)
    if version != NEWEST and WANTED != "all":
        pytest.skip("`make test-spark` runs this test")
    if missing and WANTED:
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return version


@pytest.fixture(scope="session", params=[NEWEST, OLDEST])
def version(request: pytest.FixtureRequest) -> str:
    """A version of Spark."""
    return require(str(request.param))


@pytest.fixture(scope="session")
def local(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """A driver with two slots in its own process."""
    with Driver(version, tmp_path_factory.mktemp("local"), master="local[2]") as driver:
        yield driver


@pytest.fixture(scope="session")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """The data source without Spark's Java process, as Spark's Python processes use it."""
    with Driver(require(NEWEST), tmp_path_factory.mktemp("direct")) as driver:
        yield driver


@pytest.fixture(scope="session")  # so that it comes before a cluster is started
def takes_long() -> None:
    """Run a test only behind `make test-spark`."""
    if WANTED != "all":
        pytest.skip("`make test-spark` runs this test")


SHOPS = tuple(f"shop-{number}" for number in range(6))


@pytest.fixture
def world() -> Iterator[Sandbox]:
    """A sandbox with six shops of 100 customers each, whose rate limit is never reached."""
    with Sandbox(shops=SHOPS, customers=100, rate_limit=6000) as running:
        yield running


@pytest.fixture
def options(world: Sandbox) -> dict[str, str]:
    """The options of a read of these shops."""
    return options_of(world, SHOPS)


def options_of(sandbox: Sandbox, shops: tuple[str, ...], **more: str) -> dict[str, str]:
    """Return the options of a read of some shops."""
    entries = [{"shop": shop, "api_token": sandbox.token(shop)} for shop in shops]
    return {"api_url": sandbox.url, "shops": json.dumps(entries), **more}
