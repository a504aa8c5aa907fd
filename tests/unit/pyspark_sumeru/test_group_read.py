"""The read of a group: records first, then one state per stream and shop, and how its read has ended."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from pyspark_sumeru.group_read import GroupRead, Kind, Rows
from pyspark_sumeru.options import ReadOptions
from sumeru_sandbox import Sandbox
from support.synced_orders import raw
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.output.encoding import lines_of
from tap_sumeru.output.private_columns import hashed

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
SHOPS = ("acme", "globex", "initech")


class Reader:
    """Reads the shops of a sandbox.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.tokens = {shop: sandbox.token(shop) for shop in SHOPS}
        self.ticks = 0.0

    def read(self, state: Json | None = None, **options: str) -> list[Rows]:
        entries = [{"shop": shop, "api_token": token} for shop, token in self.tokens.items()]
        given = {"api_url": self.sandbox.url, "shops": json.dumps(entries), "max_retries": "0", **options}
        parsed = ReadOptions.parse(given)
        ticks = count()
        read = GroupRead(
            parsed.settings,
            parsed.selections,
            {} if state is None else state,
            read_id="this",
            max_seconds=parsed.max_seconds,
            seed=parsed.seed,
            clock=lambda: next(ticks) * self.ticks,
            now=self.sandbox.now,
        )
        return list(read.rows())


@pytest.fixture
def reader() -> Iterator[Reader]:
    with Sandbox(shops=SHOPS, customers=100) as sandbox:
        yield Reader(sandbox)


def of(rows: list[Rows], kind: Kind) -> dict[tuple[str, str], Json]:
    """Return the rows of a kind that come once for a stream and shop."""
    found = {(one.stream, one.shop): json.loads(one.lines[0]) for one in rows if one.kind is kind}
    assert len(found) == sum(one.kind is kind for one in rows)
    return found


def records(rows: list[Rows], stream: str) -> dict[tuple[str, str], Json]:
    """Return the newest records of a stream."""
    return {
        (one.shop, id_): json.loads(line)
        for one in rows
        if one.kind is Kind.RECORD and one.stream == stream
        for id_, line in zip(one.ids, one.lines, strict=True)
    }


def state_of(rows: list[Rows]) -> Json:
    state: Json = defaultdict(lambda: {"partitions": []})
    for (stream, _), entry in of(rows, Kind.STATE).items():
        state[stream]["partitions"].append(entry)
    return {"bookmarks": dict(state)}


def test_records_come_first_and_times_grow(reader: Reader) -> None:
    rows = reader.read()
    kinds = [one.kind for one in rows]
    assert set(kinds[kinds.index(Kind.STATE) :]) == {Kind.STATE, Kind.COMPLETE}
    times = [one.at for one in rows]
    assert times == sorted(set(times))
    assert all(len(one.ids) == len(one.lines) for one in rows)
    expected = {(stream, shop) for stream in STREAMS for shop in SHOPS}
    assert of(rows, Kind.STATE).keys() == of(rows, Kind.COMPLETE).keys() == expected
    assert {id_ for one in rows if one.kind is not Kind.RECORD for id_ in one.ids} == {"this"}
    found = records(rows, "orders")
    assert found.keys() == {
        (shop, one["id"]) for shop in SHOPS for one in reader.sandbox.truth(shop, "orders")
    }


def test_the_next_read_starts_at_the_state(reader: Reader) -> None:
    hour_before = (reader.sandbox.now() - timedelta(hours=1)).isoformat()
    state = state_of(reader.read())
    # The next read starts an hour before the last one, so it may read orders of that hour again.
    again = {
        (shop, one["id"])
        for shop in SHOPS
        for one in reader.sandbox.truth(shop, "orders")
        if str(one["updated_at"]) >= hour_before
    }
    reader.sandbox.advance(3 * 86400)
    reader.sandbox.put("acme", "orders", "new", total_price=raw("0.10"))
    rows = reader.read(state, streams="orders")
    assert records(rows, "orders").keys() - again == {("acme", "new")}


def test_a_refused_token_fails_its_shop_alone_and_the_next_read_heals(reader: Reader) -> None:
    token, reader.tokens["globex"] = reader.tokens["globex"], "copt_test_revoked"
    rows = reader.read()
    failures = of(rows, Kind.FAILURE)
    assert failures.keys() == {(stream, "globex") for stream in STREAMS}
    assert {shop for _, shop in of(rows, Kind.COMPLETE)} == {"acme", "initech"}
    for failure in failures.values():
        assert "401" in failure["message"]
        assert "api_token" in failure["advice"]
        assert "copt_test_revoked" not in json.dumps(failure)
    reader.tokens["globex"] = token
    again = reader.read(state_of(rows))
    assert of(again, Kind.FAILURE) == {}
    assert {shop for shop, _ in records(again, "orders")} >= {"globex"}


def test_a_missing_scope_fails_its_streams_alone(reader: Reader) -> None:
    reader.tokens["acme"] = reader.sandbox.token("acme", scopes=["orders:read"])
    rows = reader.read()
    failed = {stream for stream, _ in of(rows, Kind.FAILURE)}
    assert failed == {spec.name for spec in STREAMS.values() if spec.scope not in ("", "orders:read")}
    assert ("orders", "acme") in of(rows, Kind.COMPLETE)


def test_on_error_stop_ends_the_read_of_the_group(reader: Reader) -> None:
    reader.tokens["acme"] = "copt_test_revoked"
    reader.sandbox.configure({"*": {"latency_ms": 50}})
    rows = reader.read(on_error="stop")
    assert of(rows, Kind.FAILURE)
    assert len(of(rows, Kind.COMPLETE)) < 2 * len(STREAMS)
    assert len(of(rows, Kind.STATE)) == 3 * len(STREAMS)


def test_reads_that_stop_early_come_to_an_end_without_losing_a_row(reader: Reader) -> None:
    """The clock moves by a second with each page; each read lasts longer than the one before."""
    reader.ticks = 1.0
    found: dict[tuple[str, str], Json] = {}
    state: Json = {}
    for reads in range(1, 20):
        seconds = 4 * reads
        rows = reader.read(state, streams="orders,customers", maxSeconds=str(seconds))
        assert sum(one.kind is Kind.RECORD for one in rows) <= seconds
        found |= records(rows, "orders")
        state = state_of(rows)
        if len(of(rows, Kind.COMPLETE)) == 2 * len(SHOPS):
            assert reads > 1
            break
    assert found.keys() == {
        (shop, one["id"]) for shop in SHOPS for one in reader.sandbox.truth(shop, "orders")
    }


def test_a_read_in_full_says_that_it_has_all_rows(reader: Reader) -> None:
    state = state_of(reader.read())
    rows = reader.read(state, streams="orders,usage", fullTable="orders")
    complete = of(rows, Kind.COMPLETE)
    assert {stream: complete[stream, "acme"]["all_rows"] for stream in ("orders", "usage")} == {
        "orders": True,
        "usage": False,
    }
    assert len(records(rows, "orders")) == sum(len(reader.sandbox.truth(shop, "orders")) for shop in SHOPS)
    started_at = complete["orders", "acme"]["started_at"]
    first = min(one.at for one in rows) / 1e6
    assert started_at.startswith(reader.sandbox.now().strftime("%Y-%m-%dT%H:%M"))
    assert first >= reader.sandbox.now().timestamp() - 60


def test_a_record_that_cannot_be_written_fails_its_stream_alone(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(found: list[Any]) -> list[bytes]:
        lines = lines_of(found)
        if b'"order_number"' in lines[0]:
            raise ValueError("a value")
        return lines

    monkeypatch.setattr("pyspark_sumeru.group_read.lines_of", fail)
    rows = reader.read()
    failures = of(rows, Kind.FAILURE)
    assert failures.keys() == {("orders", shop) for shop in SHOPS}
    assert "a value" not in json.dumps(list(failures.values()))
    assert len(of(rows, Kind.COMPLETE)) == (len(STREAMS) - 1) * len(SHOPS)


def test_personal_values_are_hashed_as_the_tap_hashes_them_or_left_out(reader: Reader) -> None:
    seed = json.dumps({"hash_seed": "salt"})
    plain = records(reader.read(streams="customers"), "customers")
    hidden = records(
        reader.read(streams="customers", pii="hash", stream_map_config=seed, fullTable="true"), "customers"
    )
    dropped = records(reader.read(streams="customers", pii="drop"), "customers")
    for where, one in plain.items():
        assert hidden[where]["email"] == (one["email"] and hashed(one["email"], "salt"))
        assert hidden[where]["lifecycle_stage"] == one["lifecycle_stage"]
        assert "email" not in dropped[where]
        assert "extra" not in hidden[where].keys() | dropped[where].keys()


def test_only_selected_columns_are_read_and_no_other_value_reaches_extra(reader: Reader) -> None:
    rows = records(reader.read(streams="orders", columns="total_price,extra"), "orders")
    assert {frozenset(one) for one in rows.values()} == {frozenset({"shop", "id", "total_price", "extra"})}
    assert {json.dumps(one["extra"]) for one in rows.values()} == {"null"}


def test_all_rows_of_a_page_have_one_time(reader: Reader) -> None:
    counts = Counter(len(one.lines) for one in reader.read(streams="orders") if one.kind is Kind.RECORD)
    assert max(counts) > 1
