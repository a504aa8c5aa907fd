"""`start_date` and `end_date` that change between runs, or make no sense.

A start date that moves back and changes nothing: airbytehq/airbyte#69297.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from support.filtered_api import FilteredApi

if TYPE_CHECKING:
    from pathlib import Path

MOVED = "orders: `start_date` is earlier than in the runs before; reading it again from there, for 1 shop."
NOTHING_LEFT = "orders: `end_date` is not after the bookmark, so nothing is left to read"


@pytest.fixture
def api(tmp_path: Path) -> FilteredApi:
    """An API of orders that were changed 100, 50 and 10 days ago."""
    one = FilteredApi(tmp_path)
    for days in (100, 50, 10):
        one.rows[f"ord_{days}"] = {"updated_at": one.moment(days=days), "created_at": one.moment(days=300)}
    return one


def test_a_start_date_that_moves_back_reads_the_stream_again_from_there(api: FilteredApi) -> None:
    assert sorted(api.sync(start_date=api.day(days=30)).ids("orders")) == ["ord_10"]
    api.wait(hours=2)
    earlier = api.sync(start_date=api.day(days=60))
    assert sorted(earlier.ids("orders")) == ["ord_10", "ord_50"]
    assert MOVED in earlier.log
    api.wait(hours=2)
    for start in (api.day(days=60), api.day(days=20)):
        later = api.sync(start_date=start)
        assert later.ids("orders") == []
        assert MOVED not in later.log
    everything = api.sync()
    assert sorted(everything.ids("orders")) == ["ord_10", "ord_100", "ord_50"]
    assert MOVED in everything.log
    assert MOVED not in api.sync(start_date=api.day(days=60)).log
    assert MOVED not in api.sync().log


def test_an_end_date_before_the_bookmark_is_a_warning_that_nothing_is_left_to_read(
    api: FilteredApi,
) -> None:
    api.sync(end_date=api.day(days=30))
    for end in (api.day(days=30), api.day(days=40)):
        output = api.sync(end_date=end)
        assert output.code == 0, output.log
        assert NOTHING_LEFT in output.log
        assert api.queries == []
    assert api.sync().ids("orders") == ["ord_10"]


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(days=1), timedelta(days=400)])
def test_a_start_date_in_the_future_is_an_error(api: FilteredApi, ahead: timedelta) -> None:
    start = (datetime.now(UTC) + ahead).isoformat()
    output = api.sync(start_date=start)
    assert output.code == 1
    assert "start_date: must not be in the future" in output.log
    assert api.queries == []
