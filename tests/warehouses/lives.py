"""What happens to shops and their tables, a function for each; `living.py` has them go on side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sumeru_sandbox import Sandbox
from support.tap_cli import Tap
from tap_sumeru.catalog.streams import STREAMS
from warehouses import targets
from warehouses.conftest import Loaded, Pipeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from support.tap_cli import Output
    from warehouses.documented import Line
    from warehouses.warehouse import Destination, Json, Warehouse

    Rows = dict[tuple[str, str], Json]

SHOPS = ("acme", "globex")  # whose rows have the same ids
ODD: Json = {
    "customers": {
        "first_name": "Zoë 李小龙 🎁 \u202e\u05e9\u05dc\u05d5\u05dd",
        "last_name": "O'Neil \"\\\n\t$1:id%s",
        "email": "",
        "total_spent": "12.50",
        "tags": ["ünï", "a,b"],
        "segments": [],
        "address": {"city": "Malmö", "floor": 3},
        "loyalty": msgspec.Raw(b'{"tier":1.50,"since":null,"\xc3\xbc":[]}'),
    },
    "orders": {
        "note": "`target.` {{x}} ; --",
        "line_items": msgspec.Raw(b'[{"id":"li","price":19.90,"quantity":2,"gift":true},{"id":"\xc3\xa9"}]'),
        "refunds": [{"id": "re", "created_at": "2026-05-10T12:23:00Z"}],
        "shipping_address": {},
        "total_price": msgspec.Raw(b"487.20"),
        "test": 1,
        "carrier": ["DHL", 2],
    },
    "usage": {"date": "2026-01-31"},
    "attribution": {"credit_per_touchpoint": msgspec.Raw(b"[0.50,1]"), "touchpoints": None},
}
"""Attributes of a row that tries a stream."""
KEPT: Json = {
    "customers": {
        "total_spent": None,
        "extra": {"total_spent": "12.50", "loyalty": {"tier": 1.5, "since": None, "ü": []}},
    },
    "orders": {"test": None, "extra": {"test": 1, "carrier": ["DHL", 2]}},
}
"""What the tap makes of them: a value of another type, and a field that nobody knows, are in `extra`."""


@dataclass
class ReadPosition:
    """Where a life takes place.

    Attributes:
        warehouse: The warehouse.
        folder: A folder for its files.
        name: Schema of its tables.
        settings: Settings of the tap besides the shops.
    """

    warehouse: Destination
    folder: Path
    name: str
    settings: Json = field(default_factory=dict)

    def pipeline(self, sandbox: Sandbox, *shops: str) -> Pipeline:
        entries = [{"shop": shop, "api_token": sandbox.token(shop)} for shop in shops]
        tap = Tap(self.folder, {"api_url": sandbox.url, "shops": entries, **self.settings})
        return Pipeline(tap, self.warehouse, self.name)


@dataclass
class Seen:
    """A run, what the warehouse had after it, and what the API held."""

    run: Loaded
    landed: dict[str, Rows]
    truth: dict[str, Rows]


def see(run: Loaded, pipeline: Pipeline, sandbox: Sandbox, shops: Sequence[str], *streams: str) -> Seen:
    held = {
        stream: {(shop, row["id"]): row for shop in shops for row in sandbox.truth(shop, stream)}
        for stream in streams
    }
    return Seen(run, pipeline.rows(*streams), held)


@dataclass
class Trip:
    """Two syncs of two shops, which rows changed between them, and what landed of what is documented."""

    first: Seen
    second: Seen
    changed: dict[tuple[str, str], str]
    documented: list[tuple[Line, str | None, str | None]]


def trip(place: ReadPosition, warehouse: Warehouse, streams: Sequence[str], lines: Sequence[Line]) -> Trip:
    """Odd rows and documented ones, then changes to some."""
    with Sandbox(SHOPS, customers=100) as sandbox:
        pipeline = place.pipeline(sandbox, *SHOPS)
        for stream in ODD.keys() & streams:
            sandbox.put("acme", stream, f"odd_{stream}", **ODD[stream])
        if "customers" in streams:
            sandbox.put("acme", "customers", "none", address=None)
        for number, line in enumerate(lines):
            sandbox.put(
                "acme", line.stream, f"doc_{number}", **{line.column: msgspec.Raw(line.sent.encode())}
            )
        first = see(pipeline.run(streams=tuple(streams)), pipeline, sandbox, SHOPS, *streams)
        sandbox.advance(3 * 3600)
        changed = {(shop, stream): change(sandbox, shop, stream) for shop in SHOPS for stream in streams}
        second = see(
            pipeline.run(first.run.state, streams=tuple(streams)), pipeline, sandbox, SHOPS, *streams
        )
        queries = [
            warehouse.text(line.stream, line.column, f"doc_{number}") for number, line in enumerate(lines)
        ]
        texts = [text for [text] in warehouse.query(place.name, *queries)]
        types = {stream: warehouse.types(place.name, stream) for stream in {line.stream for line in lines}}
        kinds = [types[line.stream][line.column] for line in lines]
        return Trip(first, second, changed, list(zip(lines, texts, kinds, strict=True)))


def change(sandbox: Sandbox, shop: str, stream: str) -> str:
    """Give a row the values of its neighbour, null one of them, and make a new row; return which it was."""
    row, other = sandbox.truth(shop, stream)[:2]
    kept = {"id", "journey_id", STREAMS[stream].replication_key}
    values = {name: value for name, value in other.items() if name not in kept}
    emptied = next(name for name, value in reversed(values.items()) if value is not None)
    parent = {"journey_id": row["journey_id"]} if "journey_id" in row else {}
    sandbox.put(shop, stream, row["id"], **{**values, emptied: None})
    sandbox.put(shop, stream, f"new_{stream}", **values, **parent)
    return str(row["id"])


@dataclass
class Column:
    """What came of a column that was not selected at first."""

    without: Loaded
    refused: Loaded | None
    with_it: Seen


def column(place: ReadPosition) -> Column:
    """`subject` of the campaigns is selected in the second run."""
    with Sandbox(["acme"], customers=100) as sandbox:
        pipeline = place.pipeline(sandbox, "acme")
        less = pipeline.tap.catalog("campaigns", deselected=(("campaigns", "subject"),))
        first, refused = pipeline.run(catalog=less), None
        sandbox.advance(3600)
        sandbox.put("acme", "campaigns", "new", subject="New", channels=["email"])
        again = pipeline.run(first.state, streams=("campaigns",))
        if again.target_code:
            refused = again
            place.warehouse.query(place.name, "ALTER TABLE campaigns ADD COLUMN subject STRING")
            again = pipeline.run(first.state, streams=("campaigns",))
        return Column(first, refused, see(again, pipeline, sandbox, ["acme"], "campaigns"))


@dataclass
class Deletion:
    """A full read, another one after a row was deleted, and one with `hard_delete`."""

    gone: str
    before: Seen
    after: Seen
    hard: Seen | None


def deletion(place: ReadPosition) -> Deletion:
    """A product is deleted between two full reads."""
    with Sandbox(["acme"], customers=100) as sandbox:
        pipeline = place.pipeline(sandbox, "acme")
        catalog = pipeline.tap.catalog("products")
        for entry in catalog["streams"]:
            entry["replication_method"] = "FULL_TABLE"
        before = see(pipeline.run(catalog=catalog), pipeline, sandbox, ["acme"], "products")
        gone = sandbox.truth("acme", "products")[0]["id"]
        sandbox.delete("acme", "products", gone)
        after = see(pipeline.run(before.run.state, catalog=catalog), pipeline, sandbox, ["acme"], "products")
        hard = None
        if "hard_delete" in targets.settings(place.warehouse.target):
            run = pipeline.run(after.run.state, catalog=catalog, target={"hard_delete": True})
            hard = see(run, pipeline, sandbox, ["acme"], "products")
        return Deletion(gone, before, after, hard)


@dataclass
class Kill:
    """A sync that was killed, and the next one."""

    killed: Output
    before: Seen
    after: Seen


def kill(place: ReadPosition) -> Kill:
    """`kill -9` of the tap in the midst of the orders; the next run begins where the target says."""
    with Sandbox(["acme"], customers=200) as sandbox:
        sandbox.configure({"orders": {"page_cap": 20, "latency_ms": 20}})
        pipeline = place.pipeline(sandbox, "acme")
        catalog = pipeline.tap.catalog("orders")
        killed = pipeline.tap.sync_and_stop(
            200, catalog=catalog, window_days=7, start_date="2020-01-01T00:00:00Z"
        )
        done = pipeline.load([line.rstrip("\n") for line in killed.lines])
        before = see(Loaded(killed.code, killed.log, *done), pipeline, sandbox, ["acme"], "orders")
        sandbox.configure({"orders": {"page_cap": None, "latency_ms": None}})
        run = pipeline.run(before.run.state or None, catalog=catalog)
        return Kill(killed, before, see(run, pipeline, sandbox, ["acme"], "orders"))


@dataclass
class Batch:
    """A sync whose records were in files, and how many of them were left."""

    run: Loaded
    files: int
    seen: Seen | None


def batch(place: ReadPosition) -> Batch:
    """The campaigns by BATCH; what a target that fails leaves behind is not looked at."""
    files = place.folder / "batches"
    files.mkdir()
    config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": files.as_uri()},
    }
    with Sandbox(["acme"], customers=100) as sandbox:
        pipeline = place.pipeline(sandbox, "acme")
        run = pipeline.run(streams=("campaigns",), batch_config=config)
        seen = None if run.target_code else see(run, pipeline, sandbox, ["acme"], "campaigns")
        return Batch(run, len(list(files.rglob("*.gz"))), seen)
