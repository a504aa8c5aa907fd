"""Options of `sync`: values of any kind become texts, and what contradicts itself is refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pyspark_sumeru.given_options import sync_options
from pyspark_sumeru.options import ReadOptions

SHOPS = [{"shop": "acme", "api_token": "copt_live_1", "start_date": date(2024, 1, 1)}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (Path("/shared/shops.json"), "/shared/shops.json"),
        (date(2024, 1, 1), "2024-01-01"),
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00+00:00"),
        (Decimal("0.5"), "0.5"),
        (True, "true"),
        (4, "4"),
        (("orders", "usage"), '["orders", "usage"]'),
        ({"orders"}, '["orders"]'),
        (SHOPS, '[{"shop": "acme", "api_token": "copt_live_1", "start_date": "2024-01-01"}]'),
    ],
)
def test_a_value_becomes_the_text_that_spark_takes(value: Any, text: str) -> None:
    assert sync_options({"any": value, "none": None}) == {"any": text}


def test_the_texts_are_options_of_a_read() -> None:
    given = {"shops": SHOPS, "rate_limit_share": Decimal("0.5"), "fullTable": {"orders"}, "Stream": "orders"}
    parsed = ReadOptions.parse(sync_options(given))
    assert [(one.name, one.full_table) for one in parsed.selections] == [("orders", True)]
    assert parsed.raw
    assert json.loads(sync_options(given)["shops"])[0]["start_date"] == "2024-01-01"


@pytest.mark.parametrize("stream", ["*", " ", None])
def test_all_streams_are_no_choice_of_one(stream: str | None) -> None:
    assert sync_options({"STREAM": stream, "streams": "orders"}) == {"streams": "orders"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stream": "orders", "streams": "usage"}, "options: `stream` and `streams` are both set"),
        ({"Stream": "orders", "STREAMS": ["usage"]}, "options: `stream` and `streams` are both set"),
        ({"numpartitions": 4, "State": {}}, "options: numpartitions, state are set by `sync`"),
    ],
)
def test_what_contradicts_itself_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sync_options(options)
