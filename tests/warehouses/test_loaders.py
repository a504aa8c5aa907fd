"""Loaders that `meltano.yml` does not have: every row and value, a second sync, kills, what they break."""

from __future__ import annotations

import json
import math
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from sumeru_sandbox import Sandbox
from tap_sumeru.catalog.streams import STREAMS
from warehouses import documented, lives, targets
from warehouses.lives import ODD, SHOPS, ReadPosition, see
from warehouses.loaders import OTHERS, S3, Loader, PipelineWise, Sqlite, flat_columns, flat_values
from warehouses.test_lives import assert_done, expected

if TYPE_CHECKING:
    from pathlib import Path

    from warehouses.conftest import Pipeline, Start
    from warehouses.lives import Seen
    from warehouses.warehouse import Json

pytestmark = pytest.mark.timeout(600)
FEW = ("customers", "orders", "usage")
"""What goes through a loader that takes seconds for each stream."""
NO_S3 = tuple(one for one in OTHERS if not isinstance(one, S3))
"""The loaders that start fast, for what needs no trial where each run writes files of its own."""
_JSON = msgspec.json.Encoder(decimal_format="number")


def each(loaders: tuple[Loader, ...]) -> pytest.MarkDecorator:
    """Have a test run with each of some loaders."""
    ids = [one.target for one in loaders]
    return pytest.mark.parametrize("place", loaders, ids=ids, indirect=True)


@pytest.fixture(params=OTHERS, ids=lambda one: one.target)
def place(request: pytest.FixtureRequest, start: Start, tmp_path: Path) -> ReadPosition:
    """A schema of its own in each of them."""
    return position(request.param, start, tmp_path)


def position(loader: Loader, start: Start, folder: Path) -> ReadPosition:
    # Tests of one process share what a loader loads into.
    return ReadPosition(start(loader), folder, "at_" + folder.name[-30:].lower(), loader.settings)


def loader(place: ReadPosition) -> Loader:
    assert isinstance(place.warehouse, Loader)
    return place.warehouse


def one_of(kind: type[Loader]) -> Loader:
    return next(one for one in OTHERS if isinstance(one, kind))


def assert_same(place: ReadPosition, stream: str, seen: Seen) -> None:
    """Each row is there once, with each value as the loader makes it."""
    to = loader(place)
    columns = flat_columns(stream, to.settings)
    landed, truth = seen.landed[stream], seen.truth[stream]
    assert set(landed) == set(truth)
    for (shop, ident), row in truth.items():
        if ident.startswith("doc_"):
            continue
        values = flat_values(stream, to.settings, expected(stream, shop, row))
        found = {name: landed[shop, ident][name] for name in columns}
        assert found == {name: to.lands(value, columns[name]) for name, value in values.items()}


def documented_lines() -> list[tuple[str, str, str, list[str]]]:
    """Of each line of the page's table: stream, column, what the API sends, and what each loader lands."""
    found = []
    for name, sent, *lands in documented.table("loaders-values"):
        stream, column = name.split(".")
        found.append((stream, column, sent, lands))
    return found


def test_two_syncs_land_every_row_and_every_value(place: ReadPosition) -> None:
    streams = FEW if isinstance(place.warehouse, S3) else tuple(STREAMS)
    with Sandbox(SHOPS, customers=100) as sandbox:
        pipeline = place.pipeline(sandbox, *SHOPS)
        for stream in ODD:
            sandbox.put("acme", stream, f"odd_{stream}", **ODD[stream])
        for number, (stream, column, sent, _) in enumerate(documented_lines()):
            sandbox.put("acme", stream, f"doc_{number}", **{column: msgspec.Raw(sent.encode())})
        first = see(pipeline.run(streams=streams), pipeline, sandbox, SHOPS, *streams)
        sandbox.advance(3 * 3600)
        for shop in SHOPS:
            for stream in streams:
                lives.change(sandbox, shop, stream)
        second = see(pipeline.run(first.run.state, streams=streams), pipeline, sandbox, SHOPS, *streams)
    for seen in (first, second):
        assert_done(seen.run)
        for stream in streams:
            assert_same(place, stream, seen)
    assert_counts(place, first, second)
    assert_documented(place, first)


def assert_counts(place: ReadPosition, first: Seen, second: Seen) -> None:
    """Loaders that only add have the rows of both syncs, others one for each key."""
    sent = second.run.log
    for stream, truth in second.truth.items():
        rows = len(loader(place).records(place.name, stream))
        if loader(place).appends:
            again = rows - len(first.truth[stream])
            assert 0 < again < len(truth) / 2, (stream, sent)
        else:
            assert rows == len(truth), (stream, sent)


def assert_documented(place: ReadPosition, seen: Seen) -> None:
    number = OTHERS.index(loader(place))
    for line, (stream, column, _, lands) in enumerate(documented_lines()):
        value = seen.landed[stream]["acme", f"doc_{line}"][column]
        shown = "Infinity" if value == math.inf else _JSON.encode(value).decode()
        assert shown == lands[number], (stream, column, line)


def test_kill_9_of_the_tap_loses_nothing(place: ReadPosition) -> None:
    seen = lives.kill(place)
    assert seen.killed.code == -signal.SIGKILL
    assert seen.before.run.target_code == 0, seen.before.run.target_log
    assert 0 < len(seen.before.landed["orders"]) < len(seen.before.truth["orders"])
    assert_done(seen.after.run)
    assert_same(place, "orders", seen.after)


@each(NO_S3)
def test_a_column_that_is_selected_later_is_added(place: ReadPosition) -> None:
    seen = lives.column(place)
    assert seen.refused is None
    assert_done(seen.with_it.run)
    landed = seen.with_it.landed["campaigns"]
    assert set(landed) == set(seen.with_it.truth["campaigns"])
    assert landed["acme", "new"]["subject"] == "New"


def test_rows_that_were_deleted_stay_after_a_full_read(place: ReadPosition) -> None:
    """All four ignore ACTIVATE_VERSION; the rows of the last read are those that it extracted."""
    seen = lives.deletion(place)
    for one in (seen.before, seen.after):
        assert_done(one.run)
    assert_same(place, "products", seen.before)
    assert set(seen.after.landed["products"]) == set(seen.before.truth["products"])


def test_batch_is_refused_ignored_or_loaded(place: ReadPosition) -> None:
    batch = lives.batch(place)
    reasons = {PipelineWise: "Unknown message type BATCH", S3: "batch_start_time"}
    if (reason := reasons.get(type(loader(place)))) is not None:
        assert (batch.run.target_code, batch.run.state) == (1, {})
        assert reason in batch.run.target_log
        return
    assert_done(batch.run)
    assert batch.seen
    if isinstance(place.warehouse, Sqlite):
        assert batch.seen.landed["campaigns"] == {}
        assert batch.run.state["bookmarks"]["campaigns"]  # so the rows are lost
        return
    ids = {ident for _, ident in batch.seen.landed["campaigns"]}
    assert ids == {ident for _, ident in batch.seen.truth["campaigns"]}


def killed_while_it_holds_rows(pipeline: Pipeline, lines: list[str], states: int, **options: Any) -> Json:
    """Give a loader some lines and no end; kill it after some states; return the last of them."""
    file = pipeline.tap.folder / "target.json"
    file.write_text(json.dumps({**pipeline.warehouse.config(pipeline.schema), **options}))
    command = [str(targets.program(pipeline.warehouse.target)), "--config", str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        process.stdin.flush()
        last = [process.stdout.readline() for _ in range(states)][-1]
        process.kill()
    return dict(json.loads(last))


def test_kill_9_of_pipelinewise_loses_no_row_that_it_held(start: Start, tmp_path: Path) -> None:
    """It takes the run's first STATE for flushed: after a crash all journeys were lost.

    transferwise/pipelinewise-target-snowflake#286 is the same in a loader of that family.
    """
    place = position(one_of(PipelineWise), start, tmp_path)
    streams, size = ("journeys", "orders"), 50
    with Sandbox(["acme"], customers=200) as sandbox:
        # The journeys are complete, their bookmark is set and their rows are held, when orders fill a batch.
        sandbox.configure({"orders": {"page_cap": 20, "latency_ms": 20}})
        pipeline = place.pipeline(sandbox, "acme")
        output = pipeline.tap.sync(streams=streams)
        full = len(output.records("orders")) // size
        state = killed_while_it_holds_rows(pipeline, output.lines, full, batch_size_rows=size)
        before = pipeline.rows(*streams)
        assert len(before["orders"]) == full * size
        assert not before["journeys"]
        after = see(pipeline.run(state, streams=streams), pipeline, sandbox, ["acme"], *streams)
    assert_done(after.run)
    for stream in streams:
        assert_same(place, stream, after)
