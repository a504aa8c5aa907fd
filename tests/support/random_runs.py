"""Random lives of a shop, with the syncs that read it; all of a life is drawn from one seed.

A life is a sequence of runs of the tap over real HTTP. Between the runs, and between the pages of one, rows
are created, changed and deleted, and responses fail. A run may be killed at any byte of its output; the next
run continues from the last STATE before that byte. The last runs of a life are not disturbed. After them
the target must hold what the shop holds, except for what only an audit brings, and after an audit that too.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

import backoff

from sumeru_api import rate_limiter, retry
from support.memory_target import KilledError, Pipe, Target
from support.random_api import (
    draw_changed_semantics,
    draw_faults,
    draw_rows,
    draw_semantics,
    hides_filtered_date,
)
from support.random_shop import DAY, HISTORY, RandomShops, text_column
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.config.settings import Settings
from tap_sumeru.output.stream_writer import StreamWriter
from tap_sumeru.sync.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

    from sumeru_sandbox import Sandbox
    from tap_sumeru.stream import SumeruStream
    from tap_sumeru.tap import TapSumeru

Json = dict[str, Any]

SHOPS = ("acme", "globex")
_STREAMS = (
    "orders",
    "orders",
    "customers",
    "attribution",
    "enrollments",
    "enrollments",
    "usage",
    "products",
    "decision_intelligence_runs",
)
_MAX_RUNS = 4
_AUDIT_DAYS = 8
"""More than `audit_days`."""
_NO_FAULTS: Json = {"faults": [], "cursor_expires_every": None, "max_depth": None, "bad_parents": None}


class Life:
    """One life, drawn from a seed.

    Args:
        seed: Seed of the random generator.
        sandbox: A sandbox with the shops `SHOPS`. It is reset.
        taps: Taps whose catalogs select different columns. One of them provides the streams.

    Attributes:
        stream: Name of the stream that is synced.
        target: The target that receives the output of all runs.
    """

    def __init__(self, seed: int, sandbox: Sandbox, taps: Sequence[TapSumeru]) -> None:
        self._draw = Random(seed)  # noqa: S311 - a seed must always give the same life
        self._sandbox = sandbox
        self._streams: dict[str, SumeruStream] = dict(self._draw.choice(taps).streams)  # type: ignore[arg-type]  # the SDK types them as its own
        self.stream = self._draw.choice(_STREAMS)
        shops = SHOPS[: self._draw.choice((1, 1, 2))]
        self._full_table = self._draw.random() < 0.15
        self._clock_offset = timedelta(seconds=self._draw.choice((0, 0, -3600, 3600)))
        self.target = Target()
        sandbox.reset()
        self._shops = RandomShops(self._draw, sandbox, shops, self.stream)
        self._shops.clear()
        self._semantics = draw_semantics(self._draw, self.stream, date_header=not self._clock_offset)
        # Of its own, so that the lives of known seeds stay as they are.
        self._rows = draw_rows(Random(f"rows of {seed}"), self.stream)  # noqa: S311 - as above
        start = self._shops.timestamp(-self._draw.randint(1, 100) * DAY + self._draw.randint(0, DAY))
        self._start_date = self._draw.choice((None, start))
        self._shops.keyless = self._chance(0.2)
        self._shops.fill()

    def _chance(self, probability: float) -> bool:
        return self._draw.random() < probability

    def settings(self, *, last: bool) -> Json:
        """Return the config of a run."""
        shops = self._shops.shops if last or self._chance(0.7) else self._draw.sample(SHOPS, 1)
        entries = [
            {
                "shop": shop,
                "api_token": self._sandbox.token(shop) if last or self._chance(0.95) else f"wrong-{shop}",
            }
            for shop in shops
        ]
        config: Json = {
            "api_url": self._sandbox.url,
            "shops": entries,
            "concurrency": self._draw.randint(1, 6),
            "window_days": self._draw.choice((1, 7, 30)) if self._start_date else 30,
            "max_retries": 5 if last else self._draw.choice((1, 5)),
        }
        if self._start_date is not None:
            config["start_date"] = self._start_date
        if not last and self._chance(0.15):
            config["end_date"] = self._shops.timestamp(-self._draw.randint(0, HISTORY))
            if self._start_date is not None and config["end_date"] <= self._start_date:
                del config["end_date"]
        if self._chance(0.3):
            config["lookback_days"] = self._draw.choice((0, 0.5, 3))
        options: Json = {}
        if STREAMS[self.stream].detail and self._chance(0.1):
            options["details"] = True
        if self._chance(0.05):
            options["date_filter"] = []
        config["stream_options"] = {self.stream: options}
        return config

    def run(self, *, last: bool = False) -> int | None:
        """Run once; return the exit code, or None if the run was killed."""
        faults = _NO_FAULTS if last else draw_faults(self._draw)
        if self._shops.keyless:
            faults = {**faults, "max_depth": None}  # windows leave out rows without a replication key
        rows = [*self._semantics["rows"], *self._rows["rows"]]
        semantics = {**self._semantics, **self._rows, "rows": rows}
        self._sandbox.configure({self.stream: {**semantics, **faults}})
        kill = None if last or self._chance(0.5) else self._draw.choice((500, 3000, 10000, 40000))
        max_bytes = kill and self._draw.randint(0, kill)
        pipe = Pipe(lambda: self._shops.change() if not last and self._chance(0.3) else None, max_bytes)
        settings = Settings.from_config(self.settings(last=last))
        stream = self._streams[self.stream]
        stream.forced_replication_method = "FULL_TABLE" if self._full_table else "INCREMENTAL"
        writer = StreamWriter(stream, pipe)
        if self._full_table:
            writer.version = next(self._shops.numbers)
        selection = stream.selection(columnar=writer.direct)
        ticks = count()  # each reading of the clock is a minute later, so every page is followed by a STATE
        state = json.loads(json.dumps(self.target.state))
        sync = Run(
            settings,
            [selection],
            {stream.name: writer},
            state,
            pipe,
            clock=lambda: next(ticks) * 60.0,
            now=lambda: self._sandbox.now() + self._clock_offset,
        )
        code = None
        with suppress(KilledError):
            code = sync.sync()
        self.target.take(pipe.output, up_to_state=self._chance(0.7) and not last)
        return code

    def live(self) -> None:
        """Run until the end of the life, and compare target and shop."""
        for _ in range(self._draw.randint(0, _MAX_RUNS - 1)):
            self.run()
            for _ in range(self._draw.randint(0, 3)):
                self._shops.change()
            self._sandbox.advance(self._draw.choice((0, 1, 7200, 3 * DAY)))
            if self._chance(0.1):
                self._semantics |= draw_changed_semantics(self._draw)
        # The first of the two may only complete a read that was interrupted.
        assert [self.run(last=True) for _ in range(2)] == [0, 0]
        self.compare()
        for _ in range(2):
            self._shops.change()
        assert self.run(last=True) == 0
        self.compare()
        self._sandbox.advance(_AUDIT_DAYS * DAY)
        # The first of the two may only complete the first read.
        assert [self.run(last=True) for _ in range(2)] == [0, 0]
        self.compare(audited=True)

    def _waits_for_audit(self, at: str | None) -> bool:
        """Return whether only an audit may bring a row, by its replication key."""
        if at is None or hides_filtered_date(self._semantics):
            return True
        return datetime.fromisoformat(at).replace(tzinfo=UTC) > self._sandbox.now()

    def compare(self, *, audited: bool = False) -> None:
        """Assert that the target holds every row of the shops, with its newest values.

        Rows are found by a text that no other has: they may have no id.

        Args:
            audited: Whether an audit must have brought what the date filter leaves out.
        """
        text = text_column(self.stream)
        landed_rows = self.target.tables.get(self.stream, {}).values()
        table = {(record["shop"], record[text]): record for record in landed_rows}
        replication_key = self._shops.key
        truth = {
            (shop, row[text]): row
            for shop in self._shops.shops
            for row in self._sandbox.truth(shop, self.stream)
        }
        unseen = {"touchpoints"}  # only returned with `include`
        if self._rows["rows"]:
            unseen.add("id")
        for key, row in truth.items():
            at = row[replication_key]
            if at is not None and self._start_date is not None and at < self._start_date[: len(at)]:
                continue
            if not audited and self._waits_for_audit(at):
                continue
            assert key in table, f"lost: {key} of {at}"
            columns = set(row) & set(table[key]) - unseen
            assert {replication_key, text} <= columns
            if self._semantics["rows"]:
                columns -= self._shops.date_columns  # the API shows them in another form
            landed, sent = ({name: one[name] for name in columns} for one in (table[key], row))
            assert landed == sent, f"stale: {key} of {at}"
        if self._full_table:
            assert set(table) <= set(truth), "a deleted row is still there"


def partial_catalog(tap: TapSumeru) -> Json:
    """Return a catalog without a third of the columns, some of them dates, and without what `fields` hide."""
    catalog: Json = tap.catalog_dict
    for entry in catalog["streams"]:
        kept = {"shop", "id", entry["replication_key"], "journey_id", text_column(entry["stream"])}
        for number, item in enumerate(entry["metadata"]):
            name = item["breadcrumb"][-1] if len(item["breadcrumb"]) == 2 else "shop"
            if name not in kept and (number % 3 == 0 or name in {"extra", "relationships", "touchpoints"}):
                item["metadata"]["selected"] = False
    return catalog


@contextmanager
def retry_at_once(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the tap retry almost without waiting, and give up as if it had waited."""
    with patch.context() as patched:
        patched.setattr(backoff, "full_jitter", lambda _: 0.0)
        # In the life 2373, every request that is not refused meets a connection that the server has closed.
        patched.setattr(rate_limiter, "_MAX_BACKOFF", 0.0001)
        patched.setattr(retry, "_MAX_WAITED", 0.01)
        # The defaults of `jitter` and `clock`.
        patched.setattr(rate_limiter.RateLimiter.__init__, "__defaults__", (lambda: 0.0, time.time))
        yield
