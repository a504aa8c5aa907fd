"""A real cluster of two workers and 40 shops: every row and value, whatever is killed."""

from __future__ import annotations

import json
import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from spark.cluster import Cluster
from spark.conftest import options_of
from spark.driver import Driver, JobFailed
from spark.truth import assert_no_row_twice_in_a_file, assert_raw, assert_typed
from sumeru_sandbox import Sandbox
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import psutil

Options = dict[str, str]
SHOPS = tuple(f"shop-{number}" for number in range(40))
_CONF = {"spark.executor.memory": "512m", "spark.driver.memory": "1g", "spark.cores.max": "2"}
pytestmark = [pytest.mark.usefixtures("takes_long"), pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def cluster(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(version, tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def agency() -> Iterator[Sandbox]:
    """A sandbox with 40 shops, whose limit a read that takes two tasks at a time would exceed."""
    with Sandbox(shops=SHOPS, customers=100, rate_limit=1500) as running:
        yield running


@pytest.fixture
def driver(version: str, cluster: Cluster, tmp_path: Path) -> Iterator[Driver]:
    with Driver(version, tmp_path / "driver", master=cluster.url, conf=_CONF) as running:
        yield running


@pytest.fixture
def options(agency: Sandbox, tmp_path: Path) -> Options:
    agency.reset()
    file = tmp_path / "shops.json"
    given = options_of(agency, SHOPS)
    file.write_text(given["shops"])
    return {"api_url": given["api_url"], "shops_file": str(file), "concurrency": "2"}


def wait_until(agency: Sandbox, requests: int, driver: Driver) -> None:
    """Wait until the sandbox has had so many requests, or the driver has nothing left to read."""
    end = time.monotonic() + 300
    while agency.stats()["requests"] < requests and not driver.is_done():
        assert time.monotonic() < end, "the read has stopped"
        time.sleep(0.02)


def assert_whole(
    driver: Driver, agency: Sandbox, table: str, streams: Iterable[str] = ("orders", "enrollments")
) -> None:
    """Assert that a table holds every row and value, raw and typed, and no row twice in a commit."""
    rows = driver.rows("table", path=table)
    assert_raw(rows, agency, SHOPS)
    assert_no_row_twice_in_a_file(rows)
    for stream in streams:
        assert_typed(driver.rows("latest", path=table, stream=stream), agency, SHOPS, stream)
    assert agency.stats()["rate_limited"] == 0


def test_every_row_and_value_is_there_raw_and_typed(
    driver: Driver, agency: Sandbox, options: Options, tmp_path: Path
) -> None:
    table = str(tmp_path / "bronze")
    driver.run("sync", options=options, table=table, num_partitions=4)
    assert_whole(driver, agency, table, STREAMS)
    typed = driver.rows("read", options={**options, "stream": "orders", "numPartitions": "4"})
    assert_typed(typed, agency, SHOPS, "orders")
    agency.advance(3 * 86400)
    agency.put(SHOPS[7], "orders", "new", note="new")
    driver.run("sync", options=options, table=table, num_partitions=4)
    assert_whole(driver, agency, table)


def test_a_revoked_token_fails_its_shop_and_the_next_run_heals(
    driver: Driver, agency: Sandbox, options: Options, tmp_path: Path
) -> None:
    table, file = str(tmp_path / "bronze"), tmp_path / "shops.json"
    shops = json.loads(file.read_text())
    file.write_text(json.dumps([{**shops[0], "api_token": "copt_test_revoked"}, *shops[1:]]))
    with pytest.raises(JobFailed, match="SyncFailed: 1 failure"):
        driver.run("sync", options=options, table=table, num_partitions=4)
    rows = driver.rows("table", path=table)
    assert_raw(rows, agency, SHOPS[1:])
    failed = {(row["stream"], row["shop"]) for row in rows if row["kind"] == "FAILURE"}
    assert failed == {(stream, SHOPS[0]) for stream in STREAMS}
    file.write_text(json.dumps(shops))
    driver.run("sync", options=options, table=table, num_partitions=4)
    assert_whole(driver, agency, table)


def test_killed_executors_lose_nothing(
    driver: Driver, cluster: Cluster, agency: Sandbox, options: Options, tmp_path: Path
) -> None:
    table = str(tmp_path / "bronze")
    driver.start("sync", options=options, table=table, num_partitions=4)
    for requests in (200, 900):
        wait_until(agency, requests, driver)
        victims = _eventually(cluster.executors)
        victims[0].kill()
    driver.result()
    assert_whole(driver, agency, table)


def test_a_driver_that_is_killed_four_times_loses_nothing(
    version: str, cluster: Cluster, agency: Sandbox, options: Options, tmp_path: Path
) -> None:
    table, draw = str(tmp_path / "bronze"), Random("driver")  # noqa: S311 - the same moments in every run
    agency.configure({"*": {"latency_ms": 50}})  # so that no life ends before it is killed
    for life in range(4):
        with Driver(version, tmp_path / f"life-{life}", master=cluster.url, conf=_CONF) as driver:
            before = agency.stats()["requests"]
            driver.start("sync", options=options, table=table, num_partitions=4, max_seconds=4)
            wait_until(agency, before + draw.randint(200, 700), driver)
            time.sleep(draw.random() * 4)
            driver.kill()
        _change(agency, draw, life)
    agency.configure({"*": {"latency_ms": 0}})
    with Driver(version, tmp_path / "last", master=cluster.url, conf=_CONF) as driver:
        driver.run("sync", options=options, table=table, num_partitions=4, max_seconds=20)
        assert_whole(driver, agency, table)


def _change(agency: Sandbox, draw: Random, life: int) -> None:
    """Create a row and change others, as the shops go on while nobody reads them."""
    agency.advance(600)
    shop = draw.choice(SHOPS)
    agency.put(shop, "orders", f"life-{life}", note="new")
    for stream in ("customers", "products"):
        row = draw.choice(agency.truth(shop, stream))
        agency.put(shop, stream, row["id"], tags=[f"life-{life}"])


def _eventually(find: Callable[[], list[psutil.Process]]) -> list[psutil.Process]:
    """Return what is found as soon as anything is."""
    end = time.monotonic() + 60
    while not (found := find()):
        assert time.monotonic() < end, "there is no executor"
        time.sleep(0.1)
    return found
