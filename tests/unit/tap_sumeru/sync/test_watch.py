"""Watch: at least one line each time, whatever the run does, and the right one."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from sumeru_api.request_counts import RequestCounts
from sumeru_api.request_queue import Reason, Wait
from tap_sumeru.extract.read_progress import ReadProgress
from tap_sumeru.sync.results import ReadDone, Results
from tap_sumeru.sync.watch import Watch

if TYPE_CHECKING:
    from tap_sumeru.sync.engine import Engine
    from tap_sumeru.sync.metrics import Metrics


class FakeEngine:
    """An engine that a test changes at will."""

    def __init__(self) -> None:
        self.queues = {"acme": SimpleNamespace(per_minute=None)}
        self.counts = RequestCounts()
        self.being_read: dict[str, list[ReadProgress]] = {}
        self.waiting: dict[str, Wait] = {}

    def reading(self) -> dict[str, list[ReadProgress]]:
        return self.being_read

    def waits(self, _: float) -> dict[str, Wait]:
        return self.waiting


class Scene:
    """A watched run on a clock that a test moves."""

    def __init__(self, log: pytest.LogCaptureFixture) -> None:
        log.set_level(logging.INFO)
        self.now = 0.0
        self.engine = FakeEngine()
        self.results = Results(["orders", "usage"], ["acme"], lambda: self.now)
        metrics = cast("Metrics", SimpleNamespace(write_if_due=lambda: None))
        engine = cast("Engine", self.engine)
        self.watch = Watch(engine, self.results, metrics, 1.0, "the target", lambda: self.now)
        self._log = log

    def lines_at(self, now: float) -> list[str]:
        """Return what is logged at a time."""
        self._log.clear()
        self.now = now
        self.watch.report()
        return list(self._log.messages)


@pytest.fixture
def scene(caplog: pytest.LogCaptureFixture) -> Scene:
    """A run of two streams of one shop."""
    return Scene(caplog)


def test_each_stream_that_is_being_read_has_a_line_and_the_limit_one_in_all(scene: Scene) -> None:
    scene.engine.being_read = {"orders": [ReadProgress(pages=2)], "usage": [ReadProgress()]}
    scene.engine.counts["orders"].add(0.5)
    orders = "orders: 0 records, 1 request; 2 pages, total unknown."
    usage = "usage: 0 records, 0 requests; no response yet."
    assert scene.lines_at(5) == [orders, usage]
    scene.engine.queues["acme"].per_minute = 100.0
    assert scene.lines_at(35) == ["Pace: at most 100 requests per minute.", orders, usage]
    del scene.engine.being_read["usage"]
    assert scene.lines_at(65) == [orders]


def test_a_wait_is_told_while_it_lasts(scene: Scene) -> None:
    scene.engine.being_read = {"usage": [ReadProgress()]}
    scene.engine.waiting = {"acme": Wait(Reason.RATE_LIMIT, until=95.0)}
    for now in (35, 65):
        assert scene.lines_at(now)[-1].startswith("Shop acme: waiting for the rate limit until ")
    assert len(scene.lines_at(95)) == 1


def test_a_target_that_does_not_read_is_told_and_not_taken_for_a_silent_host(scene: Scene) -> None:
    scene.engine.being_read = {"usage": [ReadProgress(pages=1)]}
    scene.engine.waiting = {"acme": Wait(Reason.RESPONSE, since=20.0, until=80.0)}
    scene.now = 20.0
    scene.watch.writes()
    assert scene.lines_at(35)[1:] == ["Waiting for the target: no output was accepted for 15 s."]
    scene.engine.being_read = {}
    assert scene.lines_at(65) == ["Waiting for the target: no output was accepted for 45 s."]
    scene.engine.waiting = {}
    scene.watch.writes()
    assert scene.lines_at(66) == ["0 of 2 streams complete; the sync is ending."]


def test_a_run_that_reads_nothing_more_is_still_told(scene: Scene) -> None:
    scene.results.done(ReadDone("orders", "acme", "proven"))
    assert scene.lines_at(35) == ["1 of 2 streams complete; the sync is ending."]


@pytest.mark.parametrize("reading", [{}, {"orders": [ReadProgress()]}])
@pytest.mark.parametrize("writing", [False, True])
def test_there_is_always_a_line(scene: Scene, reading: dict[str, Any], *, writing: bool) -> None:
    scene.engine.being_read = reading
    if writing:
        scene.watch.writes()
    assert scene.lines_at(35)
