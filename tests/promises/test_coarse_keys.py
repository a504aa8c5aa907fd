"""A replication key that is a day or has no zone: what changes later on the same day comes too."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from support.filtered_api import FilteredApi

if TYPE_CHECKING:
    from pathlib import Path

SAID = {
    "day": "orders: `updated_at` has no time of day, so each sync starts 38 hours earlier",
    "local": "orders: `updated_at` has no time zone, so each sync starts 14 hours earlier",
    "minute": "orders: `updated_at` has no seconds, so each sync starts a minute earlier",
}


def shown(api: FilteredApi, form: str, zone: int) -> str:
    """Return the present as the API shows it, in a zone that many hours from UTC."""
    local = api.now + timedelta(hours=zone)
    if form == "minute":
        return api.now.strftime("%Y-%m-%dT%H:%MZ")
    return local.strftime("%Y-%m-%d" if form == "day" else "%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize(("start", "lookback"), [(False, None), (True, 0)], ids=["all history", "start_date"])
@pytest.mark.parametrize(
    ("form", "zone"), [("day", 0), ("day", -12), ("day", 14), ("local", -12), ("local", 14), ("minute", 0)]
)
def test_what_changes_after_a_sync_comes_with_the_next(
    tmp_path: Path, form: str, zone: int, lookback: int | None, start: bool
) -> None:
    """A day or a local time may be hours before the moment at which the row has changed.

    As in PostHog/posthog#59033 and airbytehq/airbyte#44402.
    """
    api = FilteredApi(tmp_path)
    api.wait(hours=12)
    config: dict[str, Any] = {"start_date": api.moment(days=90)} if start else {}
    if lookback is not None:
        config["lookback_days"] = lookback
    old = {"created_at": api.moment(days=300)}
    api.rows = {f"ord_{number}": {"updated_at": shown(api, form, zone), **old} for number in range(3)}
    logs = ""
    for number in range(3):
        output = api.sync(**config)
        assert output.code == 0, output.log
        logs += output.log
        api.wait(seconds=20)
        api.rows["ord_1"] |= {"updated_at": shown(api, form, zone), "status": f"changed {number}"}
    records = api.sync(**config).records("orders")
    assert [row["status"] for row in records if row["id"] == "ord_1"] == ["changed 2"]
    assert logs.count(SAID[form]) == 1, "said once"
    assert api.bookmark()["precision"] == form


def test_a_time_of_day_that_is_always_the_same_is_none(tmp_path: Path) -> None:
    api = FilteredApi(tmp_path)
    for number in range(30):
        day = api.day(days=number + 2)
        api.rows[f"ord_{number}"] = {"updated_at": f"{day}T00:00:00Z", "created_at": api.moment(days=300)}
    output = api.sync(lookback_days=0)
    assert SAID["day"] in output.log
    api.wait(seconds=20)
    api.rows["ord_1"]["updated_at"] = f"{api.day()}T00:00:00Z"
    assert api.sync(lookback_days=0).ids("orders") == ["ord_1"]


def test_a_key_that_becomes_coarse_is_noticed_in_time(tmp_path: Path) -> None:
    api = FilteredApi(tmp_path)
    api.rows = {"ord_1": {"updated_at": api.moment(days=3), "created_at": api.moment(days=300)}}
    api.sync(lookback_days=0)
    api.wait(seconds=20)
    api.rows["ord_1"]["updated_at"] = api.day()
    output = api.sync(lookback_days=0)
    assert output.ids("orders") == ["ord_1"]


@pytest.mark.parametrize(
    ("months", "hours"),
    [((5,), ("00:00", "00:00")), ((5,), ("22:00", "22:00")), ((3, 5), ("23:00", "22:00"))],
    ids=["UTC", "Berlin in summer", "Berlin in winter and summer"],
)
def test_three_midnights_of_a_zone_are_no_times_of_day(
    tmp_path: Path, months: tuple[int, ...], hours: tuple[str, str]
) -> None:
    """A shop with few rows never shows more of them, and with daylight saving time midnight moves."""
    api = FilteredApi(tmp_path, "campaigns", lambda _: None)
    for number in range(3):
        month = months[number % len(months)]
        day = f"2026-{month:02}-{10 + number}T{hours[number % len(months)]}:00Z"
        api.rows[f"cam_{number}"] = {"updated_at": day}
    output = api.sync(lookback_days=0, stream_options={"campaigns": {"date_filter": []}})
    assert SAID["day"].replace("orders", "campaigns") in output.log
    api.wait(seconds=20)
    api.rows["cam_1"]["updated_at"] = (
        f"{api.day()}T{hours[0]}:00Z" if hours[0] == "00:00" else api.moment(hours=30)
    )
    output = api.sync(lookback_days=0, stream_options={"campaigns": {"date_filter": []}})
    assert output.ids("campaigns") == ["cam_1"]


@pytest.mark.parametrize("times", [("00:00", "13:00", "22:00"), ("10:00", "10:00", "10:30")], ids=str)
def test_times_of_day_that_differ_are_some(tmp_path: Path, times: tuple[str, ...]) -> None:
    api = FilteredApi(tmp_path, "campaigns")
    api.rows = {f"cam_{one}": {"updated_at": f"2026-05-{one + 10}T{at}:00Z"} for one, at in enumerate(times)}
    assert "no time of day" not in api.sync().log


@pytest.mark.parametrize(
    ("hours", "said"),
    [(1, "is rounded to minutes or an hour, so each sync starts an hour"), (12, "has no time of day")],
)
def test_a_time_that_is_rounded_is_noticed(tmp_path: Path, hours: int, said: str) -> None:
    api = FilteredApi(tmp_path, "orders", lambda _: None)
    api.now = api.now.replace(hour=11, minute=50)

    def rounded(at: datetime) -> str:
        return at.replace(hour=at.hour // hours * hours, minute=0, second=0).strftime("%Y-%m-%dT%H:%M:%SZ")

    for number in range(30):
        at = api.now - timedelta(days=2 + number, hours=number**2 % 24)
        api.rows[f"ord_{number}"] = {"updated_at": rounded(at)}
    config: dict[str, Any] = {"lookback_days": 0, "stream_options": {"orders": {"date_filter": []}}}
    assert said in api.sync(**config).log
    api.wait(minutes=5)
    api.rows["ord_1"]["updated_at"] = rounded(api.now)
    assert api.sync(**config).ids("orders") == ["ord_1"]
