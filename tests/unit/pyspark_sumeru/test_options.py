"""Options of a read: every name and value works or is refused in one line, which quotes no value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspark_sumeru.options import ReadOptions
from tap_sumeru.catalog.streams import STREAMS
from tap_sumeru.errors import TapError

TOKEN = "copt_test_aB3xY9zKqMnPwR2vT4uH7jL5sQ8eFc1g"
SHOPS = json.dumps([{"shop": "acme", "api_token": TOKEN}, {"shop": "globex", "api_token": "other"}])
SEED = json.dumps({"hash_seed": "salt"})


def parse(**options: Any) -> ReadOptions:
    return ReadOptions.parse({"shops": SHOPS, **options})


def test_by_default_all_streams_of_all_shops_are_read_raw() -> None:
    options = parse()
    assert options.raw
    assert [one.name for one in options.selections] == list(STREAMS)
    assert [shop.name for shop in options.settings.shops] == ["acme", "globex"]
    assert (options.partitions, options.max_seconds, options.only) == (None, None, None)
    assert options.state == {}
    assert options.read_id != parse().read_id


def test_the_case_of_names_makes_no_difference() -> None:
    options = parse(NUMPARTITIONS="4", maxseconds="1.5", Start_Date="2026-01-01", READID="x")
    assert (options.partitions, options.max_seconds, options.read_id) == (4, 1.5, "x")
    assert all(shop.start_date is not None for shop in options.settings.shops)


def test_settings_of_the_tap_are_taken_as_text_and_objects_as_json() -> None:
    options = parse(
        rate_limit_share="0.5",
        concurrency="3",
        on_error="stop",
        stream_options='{"orders": {"details": true}}',
    )
    settings = options.settings
    assert (settings.rate_limit_share, settings.concurrency, settings.stop_on_error) == (0.5, 3, True)
    assert settings.options["orders"].details


def test_one_token_needs_no_list_of_shops() -> None:
    (shop,) = ReadOptions.parse({"api_token": TOKEN, "shop": "acme"}).settings.shops
    assert shop.name == "acme"


def test_a_stream_or_some_streams_can_be_chosen() -> None:
    assert not parse(stream="orders").raw
    assert [one.name for one in parse(stream="orders").selections] == ["orders"]
    raw = parse(streams="usage, orders")
    assert raw.raw
    assert [one.name for one in raw.selections] == ["orders", "usage"]


def test_columns_become_the_selection_and_the_key_is_always_read() -> None:
    orders, enrollments = parse(streams="orders,enrollments", columns="total_price,status").selections
    assert orders.columns == ("shop", "id", "status", "total_price")
    assert enrollments.columns == ("shop", "id", "journey_id", "status")
    assert {"email", "extra"} <= orders.protected
    assert "total_price" not in orders.protected


def test_without_columns_all_are_read() -> None:
    (orders,) = parse(stream="orders").selections
    assert orders.columns == tuple(orders.properties)
    assert not orders.protected


@pytest.mark.parametrize("how", ["hash", "drop"])
def test_personal_columns_are_protected(how: str) -> None:
    (orders,) = parse(stream="orders", pii=how, stream_map_config=SEED).selections
    assert "extra" not in orders.columns
    assert "email" in orders.protected
    assert ("email" in orders.columns) == (how == "hash")


@pytest.mark.parametrize("given", ["true", "orders,usage", '["orders", "usage"]', "false"])
def test_streams_can_be_read_in_full(given: str) -> None:
    full = {one.name for one in parse(fullTable=given).selections if one.full_table}
    assert full == {"true": set(STREAMS), "false": set()}.get(given, {"orders", "usage"})


@pytest.mark.parametrize("empty", [{"shops": "[]"}, {"shops_file": "empty.json"}])
def test_there_may_be_no_shops(empty: dict[str, str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.json").write_text("[]")
    monkeypatch.chdir(tmp_path)
    assert ReadOptions.parse(empty).settings.shops == ()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"shops": ""}, "api_token: is missing."),
        ({"stream": "order"}, "stream: is not a stream. Did you mean orders?"),
        ({"stream": "xyz"}, "stream: is not a stream. There are: customers, orders,"),
        ({"streams": "orders,custmers"}, "streams: is not a stream. Did you mean customers?"),
        ({"stream": "orders", "streams": "usage"}, "streams: works only with `stream=*`."),
        ({"stream": "orders", "maxSeconds": "5"}, "maxSeconds: works only with `stream=*`"),
        ({"numPartition": "4"}, "numpartition: unknown setting. Did you mean numPartitions?"),
        ({"start_dte": "2026-01-01"}, "start_dte: unknown setting. Did you mean start_date?"),
        ({"numPartitions": "0"}, "numPartitions: must be an integer from 1 to 999999."),
        ({"numPartitions": "many"}, "numPartitions: must be an integer from 1 to 999999."),
        ({"maxSeconds": "-1"}, "maxSeconds: must be a number above 0."),
        ({"maxSeconds": "nan"}, "maxSeconds: must be a number above 0."),
        ({"maxSeconds": "soon"}, "maxSeconds: must be a number above 0."),
        ({"fullTable": "true", "maxSeconds": "5"}, "fullTable: a read in full cannot be continued."),
        ({"fullTable": "order"}, "fullTable: is not a stream. Did you mean orders?"),
        ({"columns": "emial"}, "columns: there is no such column. Did you mean email?"),
        ({"columns": "[1]"}, "columns: must be names separated by commas, or a list of names in JSON."),
        ({"columns": '["id"'}, "columns: must be names separated by commas, or a list of names in JSON."),
        ({"onlyShops": "initech"}, "onlyShops: 1 of its shops are not in the settings."),
        ({"state": "{"}, "state: must be JSON."),
        ({"state": "[]"}, "state: must be a JSON object."),
        ({"stream_maps": "{}"}, "stream_maps: cannot be used with Spark. Transform the DataFrame instead."),
        ({"batch_config": "{}"}, "batch_config: cannot be used with Spark."),
        ({"discover_rows": "5"}, "discover_rows: cannot be used with Spark."),
        ({"path": "/data"}, "path: cannot be used with Spark."),
        ({"pii": "hash"}, "pii: hash needs a salt"),
        ({"stream_map_config": "x"}, "stream_map_config: must be JSON: an object."),
        ({"stream_options": '{"orders": {"replication_key": "updated"}}'}, "Did you mean updated_at?"),
        ({"start_date": "2999-01-01"}, "start_date: must not be in the future"),
    ],
)
def test_what_does_not_work_is_refused_in_one_line(options: dict[str, str], text: str) -> None:
    with pytest.raises(TapError) as caught:
        parse(**options)
    message = str(caught.value)
    assert text in message
    assert "\n" not in message
    assert TOKEN not in message


@given(
    st.dictionaries(
        st.sampled_from(
            ["stream", "streams", "columns", "fullTable", "numPartitions", "maxSeconds", "state", "onlyShops"]
        ),
        st.one_of(
            st.text(max_size=12),
            st.sampled_from(
                ["orders", "*", "true", "5", "[]", "{}", '{"bookmarks": {}}', "acme", "id,status"]
            ),
        ),
        max_size=4,
    )
)
def test_random_options_work_or_are_refused(options: dict[str, str]) -> None:
    try:
        parsed = parse(**options)
    except TapError:
        return
    assert parsed.selections or not options.get("streams", "").strip(" ,[]")
