"""Silence: no 31 seconds without a line while the engine reads, whatever the API does, on a virtual clock."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from itertools import count, cycle, pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import example, given
from hypothesis import settings as options
from hypothesis import strategies as st
from typing_extensions import override

from sumeru_api.session import TransportError
from support.fake_session import FakeSession, response
from support.virtual_clock import now, run_virtual
from tap_sumeru.catalog import stream_schemas
from tap_sumeru.catalog.selection import StreamSelection
from tap_sumeru.config.settings import Settings
from tap_sumeru.extract.read_page import ReadPage
from tap_sumeru.state.bookmarks import Bookmarks
from tap_sumeru.sync.engine import Engine
from tap_sumeru.sync.results import Failure, ReadDone, Results
from tap_sumeru.sync.watch import FIRST_SECONDS, INTERVAL_SECONDS, Watch

if TYPE_CHECKING:
    from support.fake_session import Outcome, SentRequest
    from tap_sumeru.sync.metrics import Metrics

STREAMS = ("orders", "enrollments")
MAX_SILENCE = 31.0
_SECONDS = 3600.0
_SAME = "2026-05-01T00:00:00Z"

Step = tuple[str, int]
"""What a request meets, and for how many seconds."""
STEPS = st.tuples(
    st.sampled_from(["page", "429", "503", "hang", "drop", "pace"]), st.integers(min_value=0, max_value=850)
)


class SlowApi(FakeSession):
    """Answers each request as the next step says; its lists never end.

    Args:
        steps: The steps, again and again.
    """

    def __init__(self, steps: list[Step]) -> None:
        self._steps = cycle(steps)
        self._step = steps[0]
        self._numbers = count()
        super().__init__(self._answer, self._seconds)

    def _seconds(self) -> float:
        kind, seconds = self._step = next(self._steps)
        return min(seconds, 60.0) if kind in ("hang", "page") else 0.1

    def _answer(self, request: SentRequest) -> Outcome:
        kind, seconds = self._step
        if kind == "hang":
            return TransportError("no answer within the read timeout")
        if kind == "drop":
            return TransportError("the connection failed")
        if kind in ("429", "503"):
            return response(int(kind), {"error": {"code": "slow"}}, Retry_After=str(seconds))
        number = str(next(self._numbers))
        rows = [{"id": number, "attributes": {"updated_at": _SAME}}]
        pace = {"X_RateLimit_Limit": "1", "X_RateLimit_Remaining": "0"} if kind == "pace" else {}
        paging = {"has_next": True, "next_cursor": number}
        if request.url.endswith("/journeys"):
            paging = {"has_next": False, "next_cursor": None}
        return response(200, {"data": rows, "pagination": paging}, **pace)


class Times(logging.Handler):
    """Keeps the time of the loop's clock of each line."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep the time of a line."""
        self.at.append(now())


async def read(engine: Engine) -> float:
    """Read until the end, or for an hour; report as a run does. Return when the read ended."""
    clock = asyncio.get_running_loop().time
    results = Results(list(STREAMS), ["acme"], clock)
    metrics = cast("Metrics", SimpleNamespace(write_if_due=lambda: None))
    watch = Watch(engine, results, metrics, 1.0, "the target", clock)
    reads = asyncio.ensure_future(engine._read_all())  # noqa: SLF001 - in this thread's loop
    reads.add_done_callback(lambda _: beats.cancel())

    async def beat() -> None:
        due = FIRST_SECONDS
        while due < _SECONDS:
            await asyncio.sleep(due - clock())
            while (item := engine._handover.get(0.0)) is not None:  # noqa: SLF001 - as the main thread does
                take(results, item)
            watch.report()
            due += INTERVAL_SECONDS

    beats = asyncio.ensure_future(beat())
    await asyncio.wait([beats])
    ended = clock()
    reads.cancel()
    await asyncio.wait([reads])
    return ended


def take(results: Results, item: object) -> None:
    """Count an item, as the main thread does."""
    if isinstance(item, ReadPage):
        results.written(item)
    elif isinstance(item, ReadDone):
        results.done(item)
    elif isinstance(item, Failure):
        results.failed(item)


def silences(steps: list[Step]) -> list[float]:
    """Return the seconds between the lines of a read."""
    selections = []
    for name in STREAMS:
        properties = stream_schemas.load(name)["properties"]
        selections.append(StreamSelection(name, properties, tuple(properties)))
    settings = Settings.from_config({"api_token": "one", "shop": "acme"})
    engine = Engine(settings, selections, Bookmarks({}), datetime(2026, 5, 10, 12, tzinfo=UTC))
    times = Times()
    logger = logging.getLogger("tap-sumeru")
    logger.addHandler(times)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logger, "disabled", False)  # a configuration of the SDK may have disabled it
        patch.setattr(logging.root.manager, "disable", 0)
        patch.setattr("tap_sumeru.sync.engine.Session", lambda *_: SlowApi(steps))
        level = logger.level
        logger.setLevel(logging.INFO)  # which forgets the levels that other tests have asked for
        try:
            ended = run_virtual(read(engine))
        finally:
            logger.setLevel(level)
            logger.removeHandler(times)
    return [later - earlier for earlier, later in pairwise([0.0, *times.at, ended])]


@options(max_examples=30)
@given(st.lists(STEPS, min_size=1, max_size=6))
@example([("429", 850)])
@example([("hang", 60)])
@example([("page", 60)])
@example([("pace", 0)])
@example([("503", 600), ("page", 1)])
def test_there_are_never_31_seconds_without_a_line(steps: list[Step]) -> None:
    assert max(silences(steps)) <= MAX_SILENCE
