"""What the tap writes for given pages, without HTTP: its SCHEMA and RECORD messages."""

from __future__ import annotations

import io
import json
import signal
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sumeru_api.json_values import decode
from sumeru_api.responses import read_page
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.output.messages import MessageWriter
from tap_sumeru.output.stream_writer import StreamWriter
from tap_sumeru.records import RecordShaper
from tap_sumeru.stream import SumeruStream
from tap_sumeru.tap import TapSumeru

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, Any]


@dataclass
class Written:
    """What was written for one stream.

    Attributes:
        text: The lines.
        schemas: The schema of each emitted stream.
        all_schemas: All schemas with the name of their stream: one that is its own source has two.
        keys: The key properties and bookmark properties of each emitted stream.
        records: Name of the emitted stream and record.
    """

    text: str
    schemas: dict[str, Json] = field(default_factory=dict)
    all_schemas: list[tuple[str, Json]] = field(default_factory=list)
    keys: dict[str, list[str]] = field(default_factory=dict)
    records: list[tuple[str, Json]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for line in self.text.split("\n")[:-1]:
            message = json.loads(line, parse_float=_number)
            if message["type"] == "SCHEMA":
                self.schemas[message["stream"]] = message["schema"]
                self.all_schemas.append((message["stream"], message["schema"]))
                bookmarks = message.get("bookmark_properties") or []
                self.keys[message["stream"]] = [*message["key_properties"], *bookmarks]
            else:
                self.records.append((message["stream"], message["record"]))

    def record(self) -> Json:
        """Return the only record."""
        ((_, record),) = self.records
        return record


def _number(text: str) -> Decimal | float:
    try:
        return Decimal(text)
    except ArithmeticError:
        return float(text)  # the exponent is too large for a decimal


def make_stream(name: str, catalog: Json | None = None, **config: Any) -> SumeruStream:
    """Return a stream of a tap; the signal handlers of the process stay as they are."""
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT)}
    tap = TapSumeru(config={"api_token": "copt_test_token", "shop": "acme", **config}, catalog=catalog)
    for signum, handler in before.items():
        signal.signal(signum, handler)
    stream = tap.streams[name]
    assert isinstance(stream, SumeruStream)
    return stream


def write_pages(
    name: str,
    bodies: Iterable[bytes],
    catalog: Json | None = None,
    *,
    parent: str | None = None,
    include: tuple[str, ...] = (),
    **config: Any,
) -> Written:
    """Return what is written for the pages in response bodies.

    Args:
        name: The stream.
        bodies: Response bodies.
        catalog: The catalog; None for the discovered one.
        parent: Id of the parent of all rows, for a child stream.
        include: Related resources that were requested.
        **config: Settings.
    """
    stream = make_stream(name, catalog, **config)
    writer = StreamWriter(stream, MessageWriter())
    selection = stream.selection(columnar=writer.direct)
    assert stream.replication_key
    shaper = RecordShaper(STREAMS[name], selection, stream.replication_key, include)
    with redirect_stdout(io.StringIO()) as out:
        assert sys.stdout is out
        writer.write_schema()
        for body in bodies:
            page = shaper.decode(body) or read_page(decode(body))
            writer.write_records(shaper.shape_page(page, "acme", parent).records)
    return Written(out.getvalue())


def page_of(*rows: Json) -> bytes:
    """Return the body of a page with these rows."""
    return json.dumps({"data": rows, "pagination": {"has_next": False, "next_cursor": None}}).encode()


def discovered(name: str) -> tuple[Json, Json]:
    """Return a catalog of one stream, and its entry, for a test to change."""
    catalog = make_stream(name)._tap.catalog_dict  # noqa: SLF001 - the SDK keeps it nowhere else
    entry = next(one for one in catalog["streams"] if one["stream"] == name)
    catalog = json.loads(json.dumps({"streams": [entry]}))
    return catalog, catalog["streams"][0]
