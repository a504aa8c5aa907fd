"""METRIC lines: the SDK's form, three for each stream, and no id in a tag."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from sumeru_api.request_counts import RequestCounts
from tap_sumeru.extract.read_page import ReadPage
from tap_sumeru.sync.metrics import Metrics
from tap_sumeru.sync.results import ReadDone, Results

if TYPE_CHECKING:
    from collections.abc import Sequence


class Scene:
    """Metrics of a run on a clock that a test moves."""

    def __init__(self, log: pytest.LogCaptureFixture, shops: Sequence[str] = ("acme",)) -> None:
        log.set_level(logging.INFO)
        self.now = 0.0
        self.counts = RequestCounts()
        self.results = Results(["enrollments", "usage"], list(shops), lambda: self.now)
        self.metrics = Metrics(self.results, self.counts, list(shops), lambda: self.now)
        self._log = log

    def written(self, now: float, *, last: bool = False) -> list[dict[str, Any]]:
        """Return the points that are written at a time, without the process id."""
        self._log.clear()
        self.now = now
        (self.metrics.finish if last else self.metrics.write_if_due)()
        points = [json.loads(text.removeprefix("METRIC: ")) for text in self._log.messages]
        assert all(point["tags"].pop("pid") > 0 for point in points)
        return points


@pytest.fixture
def scene(caplog: pytest.LogCaptureFixture) -> Scene:
    """A run of two streams of one shop."""
    return Scene(caplog)


def test_counters_hold_what_has_come_since_the_last_line(scene: Scene) -> None:
    context = {"shop": "acme"}
    scene.results.written(ReadPage("enrollments", "acme", [{}] * 7))
    for seconds in (0.2, 0.4):
        scene.counts["enrollments"].add(seconds)
    assert scene.written(59) == []
    assert scene.written(60) == [
        {
            "type": "counter",
            "metric": "record_count",
            "value": 7,
            "tags": {"stream": "enrollments", "context": context},
        },
        {
            "type": "timer",
            "metric": "http_request_duration",
            "value": 0.3,
            "tags": {
                "stream": "enrollments",
                "context": context,
                "endpoint": "/api/v1/journeys/{id}/enrollments",
                "requests": 2,
            },
        },
    ]
    assert scene.written(119) == []
    assert scene.written(120) == [], "nothing has come since"


def test_the_last_lines_add_up_and_say_how_long_each_stream_took(scene: Scene) -> None:
    scene.results.written(ReadPage("usage", "acme", [{}] * 5))
    scene.written(60)
    scene.results.written(ReadPage("usage", "acme", [{}] * 3))
    scene.now = 70
    scene.results.done(ReadDone("usage", "acme", "proven"))
    points = scene.written(80, last=True)
    counters = [(one["tags"]["stream"], one["value"]) for one in points if one["type"] == "counter"]
    assert counters == [("enrollments", 0), ("usage", 3)]
    durations = [
        (one["tags"]["stream"], one["value"], one["tags"]["status"])
        for one in points
        if one["metric"] == "sync_duration"
    ]
    assert durations == [("enrollments", 80, "failed"), ("usage", 70, "succeeded")]


def test_many_shops_are_counted_together(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(caplog, [f"shop-{i}" for i in range(1000)])
    points = scene.written(1, last=True)
    assert len(points) == 4
    assert not any("context" in point["tags"] for point in points)
