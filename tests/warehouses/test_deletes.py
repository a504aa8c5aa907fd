"""Rows deleted at the source are retired in PostgreSQL by a full read that was whole, and by no other."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from sumeru_sandbox import Sandbox
from support.tap_cli import Tap
from warehouses.conftest import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.tap_cli import Output
    from warehouses.conftest import Loaded
    from warehouses.warehouse import Json, Warehouse

STREAM = "campaigns"
SHOPS = ("acme", "globex", "initech")


def full_table(tap: Tap, *streams: str) -> Json:
    catalog = tap.catalog(*streams)
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
    return catalog


def made(sandbox: Sandbox, folder: Path) -> Tap:
    shops = [{"shop": shop, "api_token": sandbox.token(shop)} for shop in SHOPS]
    return Tap(folder, {"api_url": sandbox.url, "shops": shops, "max_retries": 0})


def first(sandbox: Sandbox, shop: str, number: int = 0) -> str:
    return str(sandbox.truth(shop, STREAM)[number]["id"])


def landed(pipeline: Pipeline) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The keys of all rows, and of those that are retired."""
    rows = pipeline.rows(STREAM)[STREAM]
    return set(rows), {key for key, row in rows.items() if row["_sdc_deleted_at"] is not None}


def held(sandbox: Sandbox) -> set[tuple[str, str]]:
    return {(shop, row["id"]) for shop in SHOPS for row in sandbox.truth(shop, STREAM)}


def assert_done(run: Loaded) -> None:
    assert (run.code, run.target_code) == (0, 0), run.log + run.target_log


def test_a_row_that_is_gone_is_dated_and_one_that_is_back_is_not(postgres: Warehouse, tmp_path: Path) -> None:
    with Sandbox(SHOPS, customers=100) as sandbox:
        tap = made(sandbox, tmp_path)
        pipeline = Pipeline(tap, postgres, "soft")
        catalog = full_table(tap, STREAM)
        # A run that is not a full one writes its rows without a version.
        assert_done(pipeline.run(streams=(STREAM,)))
        assert landed(pipeline) == (held(sandbox), set())

        gone, other = ("acme", first(sandbox, "acme")), ("globex", first(sandbox, "globex"))
        for shop, ident in (gone, other):
            sandbox.delete(shop, STREAM, ident)
        assert_done(pipeline.run(catalog=catalog))
        assert landed(pipeline) == (held(sandbox) | {gone, other}, {gone, other})

        sandbox.put(gone[0], STREAM, gone[1], subject="back")
        assert_done(pipeline.run(catalog=catalog))
        assert landed(pipeline) == (held(sandbox) | {other}, {other})


def test_with_hard_delete_it_is_deleted_even_from_a_table_that_knew_no_versions(
    postgres: Warehouse, tmp_path: Path
) -> None:
    with Sandbox(SHOPS, customers=100) as sandbox:
        tap = made(sandbox, tmp_path)
        pipeline = Pipeline(tap, postgres, "hard")
        plain = {"add_record_metadata": False, "activate_version": False}
        assert_done(pipeline.run(streams=(STREAM,), target=plain))
        assert "_sdc_table_version" not in next(iter(pipeline.rows(STREAM)[STREAM].values()))
        sandbox.delete("acme", STREAM, first(sandbox, "acme"))
        assert_done(pipeline.run(catalog=full_table(tap, STREAM), target={"hard_delete": True}))
        assert set(pipeline.rows(STREAM)[STREAM]) == held(sandbox)


@dataclass
class Broken:
    """Full reads that did not reach their end, after rows were deleted, and what came of all of them."""

    outputs: dict[str, Output] = field(default_factory=dict)
    log: str = ""
    before: set[tuple[str, str]] = field(default_factory=set)
    after: set[tuple[str, str]] = field(default_factory=set)
    retired: set[tuple[str, str]] = field(default_factory=set)


ONE_SHOP: Json = {"globex/campaigns": {"faults": [{"kind": "status", "status": 403}]}}
ALL_SHOPS: Json = {"campaigns": {"faults": [{"kind": "status", "status": 403}]}}
ENDLESS: Json = {
    "initech/campaigns": {"page_cap": 5, "faults": [{"kind": "hang", "after": 3, "seconds": 30}]},
}


@pytest.fixture(scope="module")
def broken(postgres: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    with Sandbox(SHOPS, customers=100) as sandbox:
        tap = made(sandbox, tmp_path_factory.mktemp("tap"))
        # Each worker of a parallel run has a fixture of its own, so each needs a schema of its own.
        pipeline = Pipeline(tap, postgres, "broken_" + os.environ.get("PYTEST_XDIST_WORKER", "alone"))
        catalog = full_table(tap, STREAM, "journeys")
        found = Broken()
        assert_done(pipeline.run(catalog=catalog))
        found.before, _ = landed(pipeline)
        for shop in SHOPS:
            sandbox.delete(shop, STREAM, first(sandbox, shop))

        def read(name: str, switches: Json, **config: Any) -> None:
            sandbox.configure(switches)
            found.outputs[name] = tap.sync(catalog=catalog, **config)
            sandbox.configure({scope: dict.fromkeys(keys) for scope, keys in switches.items()})

        read("one shop of three fails", ONE_SHOP)
        read("the stream fails", ALL_SHOPS)
        read("on_error is stop", ONE_SHOP, on_error="stop")
        for name, how in (("SIGTERM", signal.SIGTERM), ("kill -9", signal.SIGKILL)):
            sandbox.configure(ENDLESS)  # its fault counts from here
            found.outputs[name] = tap.sync_and_stop(40, how, catalog=catalog)
        lines = [line.rstrip("\n") for output in found.outputs.values() for line in output.lines]
        code, log, _ = pipeline.load(lines)
        assert code == 0, log
        found.after, found.retired = landed(pipeline)
        yield found


CODES = {
    "one shop of three fails": 1,
    "the stream fails": 1,
    "on_error is stop": 1,
    "SIGTERM": 143,
    "kill -9": -9,
}


@pytest.mark.parametrize("name", CODES)
def test_a_read_that_is_not_whole_activates_no_version(broken: Broken, name: str) -> None:
    output = broken.outputs[name]
    assert output.code == CODES[name], output.log
    assert STREAM not in {message["stream"] for message in output.of_type("ACTIVATE_VERSION")}
    assert all("version" in message for message in output.of_type("RECORD"))
    assert output.records(STREAM) or name in {"the stream fails", "on_error is stop"}


def test_reads_that_are_not_whole_retire_no_row_of_any_shop(broken: Broken) -> None:
    assert broken.after == broken.before
    assert broken.retired == set()


def test_the_log_names_the_shop_that_holds_it_back(broken: Broken) -> None:
    log = broken.outputs["one shop of three fails"].log
    assert (
        "campaigns: deleted rows stay in the warehouse, because not all shops were read to the end: globex."
        in log
    )


def test_another_stream_that_is_whole_activates_its_own(broken: Broken) -> None:
    for name in ("one shop of three fails", "the stream fails"):
        activated = [message["stream"] for message in broken.outputs[name].of_type("ACTIVATE_VERSION")]
        assert activated == ["journeys"]
