"""Made-up lives of a shop and of the syncs that follow it: everything in them is drawn from one seed.

A life is a sequence of runs of the tap over real HTTP. Between the runs, and between the pages of one, rows
are made, changed and deleted; answers are spoilt; a run is killed at any byte of its output, and the next
one continues from the last STATE before that byte. The last run of a life is left alone. Then what a target
would hold must be what the shop holds.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

import backoff

from sumeru_sandbox.spec.endpoints import REPLICATION_KEYS
from sumeru_sandbox.spec.fields import FIELDS
from support.memory_target import KilledError, Pipe, Target
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
_READ = (
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
_DAY = 86400
_HISTORY = 90 * _DAY
_PASSING = ("reset", "truncate", "html", "rubbish")
_MOST_RUNS = 4


class Life:
    """One life, drawn from a seed.

    Args:
        seed: What everything is drawn from.
        sandbox: A sandbox of the shops `SHOPS`; it is reset.
        taps: Taps that differ in what their catalogs select; the streams of one of them are used.
    """

    def __init__(self, seed: int, sandbox: Sandbox, taps: Sequence[TapSumeru]) -> None:
        self._draw = Random(seed)  # noqa: S311 - a life must be the same each time
        self._sandbox = sandbox
        self._streams: dict[str, SumeruStream] = dict(self._draw.choice(taps).streams)  # type: ignore[arg-type]
        self.stream = self._draw.choice(_READ)
        self._key = REPLICATION_KEYS[self.stream]
        self._shops = SHOPS[: self._draw.choice((1, 1, 2))]
        self._full_table = self._draw.random() < 0.15
        self._clock_off = timedelta(seconds=self._draw.choice((0, 0, -3600, 3600)))
        self._numbers = count(1)
        self._ids: dict[tuple[str, str], list[str]] = {}
        self._keyless = False
        self.target = Target()
        sandbox.reset()
        self._start = sandbox.now()
        self._begin()

    def _chance(self, probability: float) -> bool:
        return self._draw.random() < probability

    # The shop

    def _begin(self) -> None:
        for shop in self._shops:
            for stream in {self.stream, STREAMS[self.stream].parent} - {""}:
                for row in self._sandbox.truth(shop, stream):
                    self._sandbox.delete(shop, stream, row["id"])
        self._semantics = self._draw_semantics()
        since = self._at(-self._draw.randint(1, 100) * _DAY + self._draw.randint(0, _DAY))
        self._since = self._draw.choice((None, since))
        # A filter can never give a row without the key that it acts on.
        self._keyless = self._since is None and self._chance(0.2)
        for shop in self._shops:
            if STREAMS[self.stream].parent:
                for _ in range(self._draw.randint(1, 4)):
                    self._make(shop, "journeys")
            same = self._moment()
            for _ in range(self._draw.choice((0, 1, 3, 12, 25, 40))):
                at = same if self._chance(0.3) else self._moment()
                self._make(shop, self.stream, at)

    def _at(self, seconds: float) -> str:
        """A moment so many seconds after the start of this life, as the API writes it."""
        return (self._start + timedelta(seconds=int(seconds))).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _moment(self) -> str | None:
        if self._keyless and self._chance(0.1):
            return None
        at = -self._draw.randint(0, _HISTORY)
        if self._chance(0.2):  # at a border of days, or a second beside it
            at -= at % _DAY + int(self._start.timestamp()) % _DAY + self._draw.choice((-1, 0, 1))
        if self._chance(0.05):
            at = 400 * _DAY
        text = self._at(at)
        return text[:10] if self._key == "date" else text

    def _dates(self, stream: str, at: str | None) -> Json:
        """The other dates of a row: before its replication key, the same, or none."""
        dates: Json = {}
        for name, attribute in FIELDS[stream].items():
            if attribute.schema.get("format") != "date-time" or name == REPLICATION_KEYS[stream]:
                continue
            kind = self._draw.choice(("none", "same", "before", "long before"))
            if kind != "none" and at is not None:
                moment = datetime.fromisoformat(at)
                days = {"same": 0.0, "before": 1.5, "long before": 60.0}[kind]
                dates[name] = (moment - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return dates

    def _make(self, shop: str, stream: str, at: str | None = "now") -> None:
        number = next(self._numbers)
        ident = f"{stream[:3]}_{number:04d}"
        now = self._sandbox.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        row = self._dates(stream, now if at == "now" else at)
        if at != "now":
            row[REPLICATION_KEYS[stream]] = at
        elif self._key == "date":
            at = now[:10]
        if STREAMS[stream].parent:
            row["journey_id"] = self._draw.choice(self._ids[shop, "journeys"])
        row[_text(stream)] = f"first {number}"
        self._sandbox.put(shop, stream, ident, **row)
        self._ids.setdefault((shop, stream), []).append(ident)

    def _live(self) -> None:
        """Let something happen to a shop."""
        shop = self._draw.choice(self._shops)
        kind = self._draw.choice(("make", "make parent", "change", "change", "delete", "wait"))
        ids = self._ids.setdefault((shop, self.stream), [])
        if kind == "make":
            self._make(shop, self.stream)
        elif kind == "make parent":
            if STREAMS[self.stream].parent:
                self._make(shop, "journeys")
                self._make(shop, self.stream)
        elif kind == "wait":
            self._sandbox.advance(self._draw.choice((1, 60, 3600)))
        elif ids and kind == "change":
            changed = {_text(self.stream): f"changed {next(self._numbers)}"}
            self._sandbox.put(shop, self.stream, self._draw.choice(ids), **changed)
        elif ids:
            self._sandbox.delete(shop, self.stream, ids.pop(self._draw.randrange(len(ids))))

    # What the API does

    def _draw_semantics(self) -> Json:
        dates = [name for name, one in FIELDS[self.stream].items() if "date" in one.schema.get("format", "")]
        options: dict[str, tuple[Any, ...]] = {
            "date_filter": ("applied", "applied", "applied", "ignored", "refused"),
            "date_field": ("replication_key", "replication_key", *dates),
            "date_to": ("inclusive", "exclusive"),
            "zone": (0, -720, 840, self._draw.randint(-720, 840)),
            "shape": ("enveloped", "flat"),
            "page_cap": (1, 2, 3, 5, 9, 100),
            "empty_every": (None, 2, 3),
            "pagination": ("present", "present", "present", "absent"),
            "fields": ("honoured", "ignored", "refused"),
        }
        semantics = {name: self._draw.choice(choices) for name, choices in options.items()}
        if not self._clock_off:
            semantics["date_header"] = self._draw.choice(("present", "present", "absent"))
        return semantics

    def _change_semantics(self) -> None:
        """Let the API change its mind, in a way that its rows give away."""
        changes: Json = {
            "date_filter": self._draw.choice(("ignored", "refused")),
            "zone": self._draw.randint(-720, 840),
            "date_to": self._draw.choice(("inclusive", "exclusive")),
            "shape": self._draw.choice(("enveloped", "flat")),
        }
        name = self._draw.choice(sorted(changes))
        self._semantics[name] = changes[name]

    def _draw_faults(self) -> Json:
        faults: list[Json] = []
        for _ in range(self._draw.choice((0, 0, 1, 2))):
            when = {"every": self._draw.randint(2, 6), "after": self._draw.randint(0, 5)}
            if self._chance(0.4):
                status = self._draw.choice((429, 500, 502, 503))
                faults.append({"kind": "status", "status": status, "retry_after": 0, **when})
            else:
                faults.append({"kind": self._draw.choice(_PASSING), **when})
        if self._chance(0.1):
            lasting = self._draw.choice((403, 404, 409, 422, 500))
            faults.append({"kind": "status", "status": lasting, "after": self._draw.randint(0, 9)})
        expires = self._draw.choice((None, None, 2, 3, 5))
        return {"faults": faults, "cursor_expires_every": expires}

    # The runs

    def settings(self, *, last: bool) -> Json:
        """Return the config of a run."""
        shops = self._shops if last or self._chance(0.7) else self._draw.sample(SHOPS, 1)
        entries = [
            {"shop": shop, "api_token": self._sandbox.token(shop) if last or self._chance(0.95) else "wrong"}
            for shop in shops
        ]
        config: Json = {
            "api_url": self._sandbox.url,
            "shops": entries,
            "concurrency": self._draw.randint(1, 6),
            "window_days": self._draw.choice((1, 7, 30)) if self._since else 30,
            "max_retries": 5 if last else self._draw.choice((1, 5)),
        }
        if self._since is not None:
            config["start_date"] = self._since
        if not last and self._chance(0.15):
            config["end_date"] = self._at(-self._draw.randint(0, _HISTORY))
            if self._since is not None and config["end_date"] <= self._since:
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
        self._sandbox.configure({
            self.stream: {**self._semantics, **({"faults": [], "cursor_expires_every": None} if last else
                                                self._draw_faults())}
        })  # fmt: skip
        kill = None if last or self._chance(0.5) else self._draw.choice((500, 3000, 10000, 40000))
        room = kill and self._draw.randint(0, kill)
        pipe = Pipe(lambda: self._live() if not last and self._chance(0.3) else None, room)
        settings = Settings.from_config(self.settings(last=last))
        stream = self._streams[self.stream]
        stream.forced_replication_method = "FULL_TABLE" if self._full_table else "INCREMENTAL"
        writer = StreamWriter(stream, pipe)
        if self._full_table:
            writer.version = next(self._numbers)
        selection = stream.selection(columnar=writer.direct)
        ticks = count()  # each look at the clock is a minute later: a STATE goes out with every page
        state = json.loads(json.dumps(self.target.state))
        sync = Run(
            settings,
            [selection],
            {stream.name: writer},
            state,
            pipe,
            clock=lambda: next(ticks) * 60.0,
            now=lambda: self._sandbox.now() + self._clock_off,
        )
        code = None
        with suppress(KilledError):
            code = sync.sync()
        self.target.take(pipe.output, up_to_state=self._chance(0.7) and not last)
        return code

    def live(self) -> None:
        """Live it to its end, and compare."""
        for _ in range(self._draw.randint(0, _MOST_RUNS - 1)):
            self.run()
            for _ in range(self._draw.randint(0, 3)):
                self._live()
            self._sandbox.advance(self._draw.choice((0, 1, 7200, 3 * _DAY)))
            if self._chance(0.1):
                self._change_semantics()
        # The first may do no more than end a read that was interrupted.
        assert [self.run(last=True) for _ in range(2)] == [0, 0]
        self.compare()
        for _ in range(2):
            self._live()
        assert self.run(last=True) == 0
        self.compare()

    def compare(self) -> None:
        """Hold what the target holds against what the shop holds."""
        table = self.target.tables.get(self.stream, {})
        truth = {
            (shop, row["id"]): row for shop in self._shops for row in self._sandbox.truth(shop, self.stream)
        }
        for key, row in truth.items():
            at = row[self._key]
            if at is not None and self._since is not None and at < self._since[: len(at)]:
                continue
            assert key in table, f"lost: {key} of {at}"
            columns = set(row) & set(table[key]) - {"touchpoints"}  # which come but by `include`
            assert {self._key, _text(self.stream)} <= columns
            landed, sent = ({name: one[name] for name in columns} for one in (table[key], row))
            assert landed == sent, f"stale: {key} of {at}"
        if self._full_table:
            assert set(table) <= set(truth), "a deleted row is still there"


def partial_catalog(tap: TapSumeru) -> Json:
    """Return a catalog that leaves out a third of the columns, some of them dates."""
    catalog: Json = tap.catalog_dict
    for entry in catalog["streams"]:
        kept = {"shop", "id", entry["replication_key"], "journey_id", _text(entry["stream"])}
        for number, item in enumerate(entry["metadata"]):
            if number % 3 == 0 and len(item["breadcrumb"]) == 2 and item["breadcrumb"][1] not in kept:
                item["metadata"]["selected"] = False
    return catalog


def _text(stream: str) -> str:
    """A column that takes any text."""
    return next(
        name
        for name, attribute in FIELDS[stream].items()
        if attribute.schema["type"][0] == "string"
        and "format" not in attribute.schema
        and not name.endswith("_id")
    )


@contextmanager
def at_once(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the tap retry without waiting."""
    with patch.context() as patched:
        patched.setattr(backoff, "full_jitter", lambda _: 0.0)
        yield
