"""The first STATE of a run goes out before its first RECORD, as it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.pipelinewise import PipelineWiseLoader
from support.scripted_api import END, Reply, Request, ScriptedApi, row
from support.tap_cli import Output, Tap

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]
JOURNEYS = 10


def script(request: Request) -> Reply:
    """Serve ten journeys with three enrollments each, five orders, and no other stream."""
    if request.path == "orders":
        return Reply({"data": [row(number) for number in range(5)], "pagination": END})
    if request.path == "journeys":
        return Reply({"data": [row(number) for number in range(JOURNEYS)], "pagination": END})
    if request.path.endswith("/enrollments"):
        journey = int(request.path.split("/")[1].removeprefix("row_"))
        return Reply({"data": [row(100 * journey + number) for number in range(3)], "pagination": END})
    return Reply({"error": {"code": "forbidden", "message": ""}}, status=403)


def sync(folder: Path, state: Json | None = None, catalog_edit: str = "", **config: Any) -> Output:
    with ScriptedApi(script) as api:
        settings = {"api_url": api.url, "api_token": "copt_test_token", "shop": "acme", "max_retries": 0}
        tap = Tap(folder, settings)
        catalog = tap.catalog("orders", "journeys", "enrollments")
        for entry in catalog["streams"]:
            if catalog_edit:
                entry["replication_method"] = catalog_edit
        return tap.sync(state, catalog=catalog, **config)


def bookmark(stream: str) -> Json:
    partition = {
        "context": {"shop": "acme"},
        "replication_key": "updated_at",
        "replication_key_value": "2026-05-01T00:00:00Z",
    }
    return {"bookmarks": {stream: {"partitions": [partition]}}}


@pytest.mark.parametrize(
    ("state", "first"),
    [(None, {"bookmarks": {}}), ({}, {"bookmarks": {}}), (bookmark("orders"), bookmark("orders"))],
    ids=["none", "empty", "given"],
)
@pytest.mark.parametrize("method", ["", "FULL_TABLE"])
def test_the_first_state_is_the_one_that_was_given(
    tmp_path: Path, state: Json | None, first: Json, method: str
) -> None:
    output = sync(tmp_path, state, method)
    assert output.code == 0, output.log
    types = [message["type"] for message in output.messages]
    assert types.index("STATE") < types.index("RECORD")
    assert output.of_type("STATE")[0]["value"] == first
    assert all(message["value"].get("bookmarks") is not None for message in output.of_type("STATE"))


def test_with_batch_files_it_goes_out_before_the_first_file(tmp_path: Path) -> None:
    encoding = {"format": "jsonl", "compression": "none"}
    batches = {"encoding": encoding, "storage": {"root": (tmp_path / "files").as_uri()}, "batch_size": 2}
    output = sync(tmp_path, bookmark("orders"), batch_config=batches)
    assert output.code == 0, output.log
    types = [message["type"] for message in output.messages]
    assert types.index("STATE") < types.index("BATCH")
    assert output.of_type("STATE")[0]["value"] == bookmark("orders")


def test_a_run_that_reads_nothing_gives_its_state_back(tmp_path: Path) -> None:
    with ScriptedApi(lambda _: Reply({"error": {"code": "unauthenticated", "message": ""}}, 401)) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_token", "shop": "acme"})
        output = tap.sync(bookmark("orders"), streams=("orders", "journeys"))
    assert output.code == 1
    assert output.of_type("STATE")[0]["value"] == bookmark("orders")
    assert output.bookmark("orders") == bookmark("orders")["bookmarks"]["orders"]["partitions"][0]


def test_a_connection_test_writes_no_frame(tmp_path: Path) -> None:
    with ScriptedApi(script) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_token", "shop": "acme"})
        output = tap.run([*tap.command(), "--test"])
    assert {"type": "STATE", "value": {"bookmarks": {}}} not in output.messages


@pytest.mark.parametrize("state", [None, {}, bookmark("orders")], ids=["none", "empty", "given"])
def test_a_crash_of_a_pipelinewise_loader_loses_no_row(tmp_path: Path, state: Json | None) -> None:
    """See transferwise/pipelinewise-target-snowflake#286: each row before a bookmark must be loaded."""
    output = sync(tmp_path, state)
    assert output.code == 0, output.log
    given = (state or {}).get("bookmarks", {})
    for batch in (1, 2, 5, 12):
        loader = PipelineWiseLoader(batch)
        for message in output.messages:  # it may crash after any message
            loader.take(message)
            places = loader.emitted[-1]["bookmarks"] if loader.emitted else {}
            for stream, place in places.items():
                if "replication_key_value" in str(place) and place != given.get(stream):
                    ids = {record["id"] for record in loader.loaded[stream]}
                    assert ids == set(output.ids(stream)), f"{stream} with batches of {batch}"
    assert loader.loaded["enrollments"]
