"""What Spark's Python processes do: imports, errors, what travels with a plan. No Java process is needed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import msgspec
import pytest

from spark import environments
from spark.conftest import SHOPS, options_of, require
from spark.driver import JobFailed, environment
from spark.environments import NEWEST
from spark.truth import assert_raw, assert_typed
from tap_sumeru.catalog.streams import STREAMS

if TYPE_CHECKING:
    from pathlib import Path

    from spark.driver import Driver
    from sumeru_sandbox import Sandbox

Options = dict[str, str]
REVOKED = "copt_test_revoked0000000000000000"


def test_rows_are_those_of_the_api_and_no_process_imports_the_singer_sdk(
    direct: Driver, world: Sandbox, options: Options
) -> None:
    rows = direct.rows("direct", options={**options, "numPartitions": "2"})
    assert_raw(rows, world, SHOPS)
    for stream in STREAMS:
        typed = direct.rows("direct", options={**options, "stream": stream})
        assert_typed(typed, world, SHOPS, stream)
    modules = direct.run("modules")
    assert "tap_sumeru" in modules
    assert "singer_sdk" not in modules


def test_raw_rows_become_batches_without_pandas_which_takes_much_memory() -> None:
    script = (
        "from pyspark_sumeru.group_read import Kind, Rows; from pyspark_sumeru.raw_rows import raw_batches; "
        "import sys; (batch,) = raw_batches([Rows(Kind.RECORD, 'orders', 'acme', ['1'], [b'{}'], 1)]); "
        "print('pandas' in sys.modules); import pandas"
    )
    python = [str(environments.python(require(NEWEST))), "-c", script]
    done = subprocess.run(python, capture_output=True, check=True, text=True, env=environment(NEWEST))
    assert done.stdout == "False\n"


def test_the_garbage_collector_is_after_a_read_as_it_was_before() -> None:
    script = (
        "import gc; from pyspark_sumeru.task import rare_collections; before = gc.get_threshold()\n"
        "with rare_collections(): print(gc.get_threshold() > before)\n"
        "print(gc.get_threshold() == before)"
    )
    python = [str(environments.python(require(NEWEST))), "-c", script]
    done = subprocess.run(python, capture_output=True, check=True, text=True, env=environment(NEWEST))
    assert done.stdout == "True\nTrue\n"


def test_the_sequence_numbers_the_rows_of_a_task(direct: Driver, options: Options) -> None:
    rows = direct.rows("direct", options={**options, "numPartitions": "1"})
    assert [row["sequence"] for row in rows] == list(range(len(rows)))


def test_without_shops_nothing_is_read(direct: Driver, world: Sandbox) -> None:
    for stream in ("*", "orders"):
        assert direct.rows("direct", options=options_of(world, (), stream=stream)) == []
    assert world.stats()["requests"] == 0


def test_a_revoked_token_fails_its_shop_alone(direct: Driver, options: Options, world: Sandbox) -> None:
    shops = json.loads(options["shops"])
    shops[2]["api_token"] = REVOKED
    given = {**options, "shops": json.dumps(shops), "max_retries": "0"}
    rows = direct.rows("direct", options=given)
    failures = [row for row in rows if row["kind"] == "FAILURE"]
    assert {(row["stream"], row["shop"]) for row in failures} == {(one, SHOPS[2]) for one in STREAMS}
    assert REVOKED not in json.dumps(rows)
    assert_raw(rows, world, SHOPS[:2] + SHOPS[3:])
    with pytest.raises(JobFailed) as caught:
        direct.rows("direct", options={**given, "stream": "orders"})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"ReadFailed: Shop {SHOPS[2]}: orders failed: 401")
    assert "Put a valid token in `api_token`" in line
    assert REVOKED not in line


def test_neither_tokens_of_a_file_nor_the_state_travel_with_the_plan(
    direct: Driver, options: Options, tmp_path: Path
) -> None:
    file = tmp_path / "shops.json"
    file.write_text(options["shops"])
    entry = {
        "context": {"shop": SHOPS[0]},
        "replication_key": "updated_at",
        "start_date": "2024-01-01T00:00:00Z",
    }
    state = {"bookmarks": {"orders": {"partitions": [entry]}}}
    given = {"api_url": options["api_url"], "shops_file": str(file), "state": json.dumps(state)}
    source, partitions = direct.run("pickled", options={**given, "numPartitions": "6"})
    tokens = [shop["api_token"] for shop in json.loads(options["shops"])]
    assert not any(token in text for token in tokens for text in (source, *partitions))
    assert "2024-01-01" not in source
    assert sum("2024-01-01" in one for one in partitions) == 1


def test_a_shop_that_has_left_the_file_is_an_error(direct: Driver, options: Options) -> None:
    with pytest.raises(JobFailed, match=r"shops_file: lacks shops that it had when the read began"):
        direct.run("read_shops", options=options, shops=["gone"])


def test_an_unexpected_error_shows_no_value(direct: Driver) -> None:
    with pytest.raises(JobFailed) as caught:
        direct.run("fault", text="secret")
    assert "Internal error: ValueError (jobs.py:" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_numbers_are_exact_or_in_extra(direct: Driver, world: Sandbox) -> None:
    fits = {
        "a": "0.10",
        "b": "1e-7",
        "c": "-12345678901234567890123456789.123456789",
        "d": "5E+28",
        "e": "1.0000000000",
        "f": "-0",
        "g": "99999999999999.99",
    }
    too_long = {
        "h": "1e-10",
        "i": "0.1234567891",
        "j": "123456789012345678901234567890",
        "k": "1e40",
        "l": "1e999",
        "m": "1e-48",
        "n": "729100185200448087361111877799",
    }
    for name, text in {**fits, **too_long}.items():
        world.put(SHOPS[0], "orders", name, total_price=msgspec.Raw(text.encode()))
    rows = direct.rows("direct", options=options_of(world, SHOPS[:1], stream="orders"))
    found = {row["id"]: row for row in rows}
    prices = {name: found[name]["total_price"] for name in fits}
    assert prices == {
        "a": "0.100000000",
        "b": "0.000000100",
        "c": "-12345678901234567890123456789.123456789",
        "d": "50000000000000000000000000000.000000000",
        "e": "1.000000000",
        "f": "0.000000000",
        "g": "99999999999999.990000000",
    }
    assert {found[name]["extra"] for name in fits} == {None}
    for name, text in too_long.items():
        assert found[name]["total_price"] is None
        assert found[name]["extra"] == f'{{"total_price":{text}}}'


def test_values_of_another_type_and_broken_characters_lose_nothing(direct: Driver, world: Sandbox) -> None:
    world.configure({"orders": {"rows": [{"kind": "surrogate"}]}})
    world.put(SHOPS[0], "orders", "odd", total_price="many", test="yes", placed_at="soon", tags={"a": [1.50]})
    options = options_of(world, SHOPS[:1])
    raw = [row for row in direct.rows("direct", options=options) if row["stream"] == "orders" and row["id"]]
    typed = direct.rows("direct", options={**options, "stream": "orders"})
    records = {row["id"]: row for row in raw if row["kind"] == "RECORD"}
    assert {row["id"] for row in typed} == records.keys()
    odd = next(row for row in typed if row["id"] == "odd")
    assert json.loads(odd["extra"])["total_price"] == "many"
    assert json.loads(odd["extra"])["test"] == "yes"
    assert json.loads(odd["extra"])["placed_at"] == "soon"
    assert odd["total_price"] is odd["test"] is odd["placed_at"] is None
