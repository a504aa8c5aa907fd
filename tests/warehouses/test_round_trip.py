"""Every value of every row, in the warehouse: after a first sync, and after one that brings what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from conftest import Tap

from sumeru_sandbox import Sandbox
from tap_sumeru import schemas
from tap_sumeru.streams import STREAMS
from warehouses.conftest import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warehouses.conftest import Loaded
    from warehouses.warehouse import Json, Warehouse

    Rows = dict[str, dict[tuple[str, str], Json]]

SHOPS = ("acme", "globex")  # whose rows have the same ids


class Trip:
    """Two syncs of two shops, and after each what the warehouse has and what the sandbox held."""

    def __init__(self, sandbox: Sandbox, pipeline: Pipeline) -> None:
        self.warehouse = pipeline.warehouse
        self.runs: list[Loaded] = []
        self.landed: list[Rows] = []
        self.truth: list[Rows] = []
        self._sandbox = sandbox
        self._pipeline = pipeline
        self._sync(None)
        sandbox.advance(3 * 3600)
        self.changed = {(shop, stream): self._change(shop, stream) for shop in SHOPS for stream in STREAMS}
        self._sync(self.runs[0].state)

    def _sync(self, state: Json | None) -> None:
        self.runs.append(self._pipeline.run(state))
        self.landed.append(self._pipeline.rows(*STREAMS))
        held = {(shop, stream): self._sandbox.truth(shop, stream) for shop in SHOPS for stream in STREAMS}
        self.truth.append({
            stream: {(shop, row["id"]): row for shop in SHOPS for row in held[shop, stream]}
            for stream in STREAMS
        })  # fmt: skip

    def _change(self, shop: str, stream: str) -> tuple[str, str]:
        """Give a row the values of its neighbour, null one of them, and make a new row."""
        row, other = self._sandbox.truth(shop, stream)[:2]
        kept = {"id", "journey_id", STREAMS[stream].replication_key}
        values: dict[str, Any] = {name: value for name, value in other.items() if name not in kept}
        emptied = next(name for name, value in reversed(values.items()) if value is not None)
        parent = {"journey_id": row["journey_id"]} if "journey_id" in row else {}
        self._sandbox.put(shop, stream, row["id"], **{**values, emptied: None})
        self._sandbox.put(shop, stream, f"new_{stream}", **values, **parent)
        return row["id"], f"new_{stream}"


@pytest.fixture(scope="module")
def trip(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trip]:
    with Sandbox(SHOPS, customers=100) as sandbox:
        entries = [{"shop": shop, "api_token": sandbox.token(shop)} for shop in SHOPS]
        tap = Tap(tmp_path_factory.mktemp("tap"), {"api_url": sandbox.url, "shops": entries})
        yield Trip(sandbox, Pipeline(tap, warehouse, "trip"))


@pytest.mark.parametrize("sync", [0, 1], ids=["first", "second"])
def test_a_sync_succeeds_and_its_state_comes_back(trip: Trip, sync: int) -> None:
    run = trip.runs[sync]
    assert (run.code, run.target_code) == (0, 0), run.log + run.target_log
    assert set(run.state["bookmarks"]) == set(STREAMS)


@pytest.mark.parametrize("sync", [0, 1], ids=["first", "second"])
@pytest.mark.parametrize("stream", STREAMS)
def test_every_row_lands_once_with_every_value(trip: Trip, stream: str, sync: int) -> None:
    landed, truth = trip.landed[sync][stream], trip.truth[sync][stream]
    assert set(landed) == set(truth)
    columns = schemas.load(stream)["properties"]
    for (shop, ident), row in truth.items():
        links = {"orders": {"links": {"related": f"/api/v1/customers/{ident}/orders"}}}
        sent = {**row, "shop": shop, "relationships": links if stream == "customers" else None, "extra": None}
        assert set(sent) == set(columns)
        for name, column in columns.items():
            found, expected = landed[shop, ident][name], trip.warehouse.lands(sent[name], column)
            assert (type(found) is bool, found) == (type(expected) is bool, expected), (shop, ident, name)


@pytest.mark.parametrize("stream", STREAMS)
def test_the_second_sync_brings_what_changed_and_what_is_new(trip: Trip, stream: str) -> None:
    for shop in SHOPS:
        changed, new = trip.changed[shop, stream]
        before, after = (rows[stream][shop, changed] for rows in trip.landed)
        assert before != after
        assert (shop, new) not in trip.landed[0][stream]
        assert (shop, new) in trip.landed[1][stream]


def test_the_second_sync_reads_little(trip: Trip) -> None:
    counts = [int(run.log.rpartition("Sync done: ")[2].partition(" records")[0]) for run in trip.runs]
    assert counts[0] == sum(map(len, trip.truth[0].values()))
    assert counts[1] < counts[0] / 5
