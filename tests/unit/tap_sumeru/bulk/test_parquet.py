"""Parquet files: every number exact, or kept in `extra`; every other value as it was sent."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from sumeru_sandbox import Sandbox
from support.tap_cli import Tap
from tap_sumeru.bulk.errors import InputError
from tap_sumeru.bulk.parquet_columns import DECIMAL, TIMESTAMP, Columns, kind_of
from tap_sumeru.bulk.table import Table

if TYPE_CHECKING:
    from pathlib import Path

NUMBER = {"type": ["number", "null"]}
OBJECT = {"type": ["object", "null"]}
ODD = (b'{"id":"a","count":9223372036854775808}', b'{"id":"a","at":"2026-01-01T00:00:00.123456789Z"}')
_NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,12}0{0,40})?([eE][+-]?[0-9]{1,2})?\Z")


def of(**columns: Any) -> Columns:
    return Columns(Table("things", {"id": {"type": "string"}, **columns}, ("id",)))


@given(st.lists(_NUMBERS, min_size=1, max_size=5))
def test_no_number_is_rounded(texts: list[str]) -> None:
    records = [f'{{"id":"a","n":{text},"extra":{{"n_before":1.50}}}}'.encode() for text in texts]
    _, numbers, extras = of(n=NUMBER, extra=OBJECT).arrays(records)
    assert numbers.type == DECIMAL
    for text, number, extra in zip(texts, numbers.to_pylist(), extras.to_pylist(), strict=True):
        if number is None:
            assert extra == f'{{"n_before":1.50,"n":{text}}}'
        else:
            assert number == Decimal(text)
            assert extra == '{"n_before":1.50}'


@pytest.mark.parametrize(
    "text", [f"1.{'0' * 50}", "12345678901234567890123456789.1234567890000", "0e99999999999", "-0.0"]
)
def test_zeros_at_the_end_of_a_number_are_no_digits(text: str) -> None:
    _, numbers = of(n=NUMBER).arrays([f'{{"id":"a","n":{text}}}'.encode()])
    assert numbers.to_pylist() == [Decimal(text)]


def test_a_number_whose_exponent_no_decimal_has_is_in_extra() -> None:
    _, numbers, extras = of(n=NUMBER, extra=OBJECT).arrays([b'{"id":"a","n":1e99999999999999999999999}'])
    assert (numbers.to_pylist(), extras.to_pylist()) == ([None], ['{"n":1e99999999999999999999999}'])


def test_a_number_that_fits_nowhere_is_an_error() -> None:
    with pytest.raises(InputError, match=r"things.n: a number has more digits than DECIMAL\(38, 9\)\."):
        of(n=NUMBER).arrays([b'{"id":"a","n":1e-10}'])


@pytest.mark.parametrize("record", [b'{"id":1}', b"[]", b'{"id":"a","n":', b'{"id":"a","at":7}', *ODD])
def test_a_record_that_does_not_fit_is_an_error_without_its_values(record: bytes) -> None:
    at = {"type": ["string", "null"], "format": "date-time"}
    with pytest.raises(InputError, match=r"^things: a record does not fit its SCHEMA\.$"):
        of(n=NUMBER, at=at, count={"type": "integer"}).arrays([record])


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": ["string", "null"], "format": "date-time"}, "date-time"),
        ({"type": "string", "format": "email"}, "string"),
        ({"type": ["integer", "null"]}, "integer"),
        ({"type": ["integer", "string"]}, "json"),
        ({"type": ["array", "null"]}, "json"),
        ({"type": ["null"]}, "json"),
        ({}, "json"),
    ],
)
def test_the_kind_of_a_column(schema: Any, kind: str) -> None:
    assert kind_of(schema) == kind


def bulk(tap: Tap, folder: Path, *options: str, **config: Any) -> tuple[int, str]:
    output = tap.sync(streams=("orders",), **config)
    command = [sys.executable, "-m", "tap_sumeru.bulk", "parquet", str(folder), *options]
    lines = "".join(f"{line}\n" for line in output.lines)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stderr


def test_the_tap_lands_in_parquet_with_every_digit(tmp_path: Path) -> None:
    with Sandbox(["acme"], customers=100) as sandbox:
        sandbox.put(
            "acme", "orders", "odd", total_price=msgspec.Raw(b"12345678901234567.25"), tags=["a\0", None]
        )
        sandbox.put("acme", "orders", "small", total_price=msgspec.Raw(b"1e-10"))
        tap = Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme"})
        state = tmp_path / "state.json"
        code, log = bulk(tap, tmp_path / "out", "--batch-size", "30", "--state", str(state))
        held = {row["id"]: row for row in sandbox.truth("acme", "orders")}
    assert code == 0, log
    assert json.loads(state.read_bytes())["bookmarks"]["orders"]
    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in (tmp_path / "out").rglob("*")}
    assert modes == {True: 0o700, False: 0o600}, "customer data is for its owner only"
    table = parquet.read_table(tmp_path / "out" / "orders")
    rows = {row["id"]: row for row in table.to_pylist()}
    assert rows.keys() == held.keys()
    assert table.num_rows == len(held)
    assert table.schema.field("total_price").type == DECIMAL
    assert table.schema.field("placed_at").type == TIMESTAMP
    assert rows["odd"]["total_price"] == Decimal("12345678901234567.25")
    assert json.loads(rows["odd"]["tags"]) == ["a\0", None]
    assert rows["small"]["total_price"] is None
    assert rows["small"]["extra"] == '{"total_price":1e-10}'
    for ident in rows.keys() - {"odd", "small"}:
        assert rows[ident]["total_price"] == held[ident]["total_price"]
        assert rows[ident]["placed_at"] == datetime.fromisoformat(held[ident]["placed_at"]).astimezone(UTC)
        assert json.loads(rows[ident]["line_items"], parse_float=Decimal) == held[ident]["line_items"]
    assert len(set(table["_sdc_sequence"].to_pylist())) == len(held)


def test_a_full_table_read_is_refused_and_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with Sandbox(["acme"], customers=100) as sandbox:
        tap = Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme"), "shop": "acme"})
        (tmp_path / "file").touch()
        code, log = bulk(tap, tmp_path / "file")
        assert code == 1
        assert log.rstrip().endswith("orders: the Parquet file cannot be written (Not a directory).")
        catalog = tap.catalog("orders")
        for entry in catalog["streams"]:
            entry["replication_method"] = "FULL_TABLE"
        code, log = bulk(tap, tmp_path / "out", catalog=catalog)
    assert code == 1
    assert log.rstrip().endswith("orders: Parquet files cannot soft-delete rows. Read without FULL_TABLE.")
    assert isinstance(DECIMAL, pa.Decimal128Type)
