"""Settings: what cannot be used is rejected in one line that names the setting and prints no value."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_sumeru.config.settings import Settings
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "copt_live_aB3xY9zKqMnPwR2vT4uH7jL5sQ8eFc1g"


def settings(**config: Any) -> Settings:
    return Settings.from_config({"api_token": SECRET, **config})


def test_the_defaults() -> None:
    made = settings()
    assert made.shops[0].name == "default"
    assert made.shops[0].api_url == "https://api.sumeru.systems"
    assert made.shops[0].start_date is None
    assert (made.concurrency, made.rate_limit_share, made.max_retries) == (8, 1.0, 5)
    assert made.request_timeout_seconds == 60
    assert made.options["attribution"].lookback == timedelta(days=7)
    assert made.options["usage"].lookback == timedelta(days=2)
    assert made.options["orders"].lookback == timedelta(hours=1)
    assert made.options["orders"].audit_interval == timedelta(days=7)
    assert made.options["attribution"].include == ("touchpoints",)
    assert made.options["orders"].date_filter == ("filter[date_from]", "filter[date_to]")


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"api_token": None}, "api_token"),
        ({"api_token": ""}, "api_token"),
        ({"api_token": "two words"}, "api_token"),
        ({"api_token": "tökén"}, "api_token"),
        ({"api_token": 5}, "api_token"),
        *(({"api_token": text}, "api_token") for text in ("$TOKEN", "${TOKEN}", "Bearer:x", "api_token=x")),
        ({"shops": [{"shop": "a", "api_token": "x"}]}, "api_token"),
        ({"shops_file": "shops.json"}, "api_token"),
        ({"shop": " "}, "shop"),
        ({"api_token": "", "shops": [{"shop": "", "api_token": "x"}]}, "shops[0].shop"),
        ({"api_token": "", "shops": [{"shop": "a", "api_token": SECRET}] * 2}, "shops[1].shop"),
        (
            {"api_token": "", "shops": [{"shop": one, "api_token": SECRET} for one in "ab"]},
            "shops[1].api_token",
        ),
        ({"api_token": "", "shops": [{"shop": "a"}]}, "shops[0]"),
        (
            {"api_token": "", "shops": [{"shop": "a", "api_token": "x", "api_url": "ftp://x"}]},
            "shops[0].api_url",
        ),
        ({"api_token": "", "shops_file": "there is none.json"}, "shops_file"),
        ({"api_url": "http://api.sumeru.systems"}, "api_url"),
        ({"api_url": f"https://user:{SECRET}@api.sumeru.systems"}, "api_url"),
        ({"api_url": "https://api.sumeru.systems?x=1"}, "api_url"),
        ({"api_url": "https://[broken"}, "api_url"),
        ({"api_url": "api.sumeru.systems"}, "api_url"),
        ({"api_url": "https://api.sumeru.systems\n.example.com"}, "api_url"),
        ({"api_url": f"https://{'a' * 64}.systems"}, "api_url"),
        ({"start_date": "yesterday"}, "start_date"),
        ({"start_date": "12:00"}, "start_date"),
        ({"end_date": "2026-13-01"}, "end_date"),
        ({"start_date": "2026-02-01", "end_date": "2026-02-01"}, "end_date"),
        ({"lookback_days": -1}, "lookback_days"),
        ({"audit_days": -1}, "audit_days"),
        ({"audit_days": "often"}, "audit_days"),
        ({"window_days": 0}, "window_days"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": "eight"}, "concurrency"),
        ({"rate_limit_share": 0}, "rate_limit_share"),
        ({"rate_limit_share": 1.5}, "rate_limit_share"),
        ({"rate_limit_share": "half"}, "rate_limit_share"),
        ({"lookback_days": "nan"}, "lookback_days"),
        ({"request_timeout_seconds": 0}, "request_timeout_seconds"),
        ({"max_retries": -1}, "max_retries"),
        ({"on_error": "ignore"}, "on_error"),
        ({"pii": "encrypt"}, "pii"),
        ({"shard": "0/8"}, "shard"),
        ({"shard": "9/8"}, "shard"),
        ({"shard": "two"}, "shard"),
        ({"user_agent": "a\nb"}, "user_agent"),
        ({"stream_options": {"ordres": {}}}, "stream_options.ordres"),
        ({"stream_options": {"orders": {"detials": True}}}, "stream_options.orders.detials"),
        ({"stream_options": {"orders": {"details": "perhaps"}}}, "stream_options.orders.details"),
        ({"stream_options": {"campaigns": {"details": True}}}, "stream_options.campaigns.details"),
        ({"stream_options": {"orders": {"date_filter": ["from"]}}}, "stream_options.orders.date_filter"),
        (
            {"stream_options": {"orders": {"date_filter": ["day", "day"]}}},
            "stream_options.orders.date_filter",
        ),
        ({"stream_options": {"orders": {"window_days": 0}}}, "stream_options.orders.window_days"),
        ({"stream_options": {"orders": {"lookback_days": -2}}}, "stream_options.orders.lookback_days"),
        ({"stream_options": {"orders": {"filters": {"a": []}}}}, "stream_options.orders.filters.a"),
    ],
)
def test_an_unusable_setting_is_rejected_by_name(config: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(**config)
    text = str(caught.value)
    assert text.startswith(f"{named}: "), text
    assert "\n" not in text
    assert SECRET not in text


def test_settings_never_show_a_token() -> None:
    assert SECRET not in repr(settings())


@pytest.mark.parametrize(
    ("url", "normalised"),
    [
        ("https://eu.api.sumeru.systems/", "https://eu.api.sumeru.systems"),
        ("https://api.sumeru.systems/api/v1", "https://api.sumeru.systems"),
        ("http://127.0.0.1:8650", "http://127.0.0.1:8650"),
        ("http://[::1]:8650", "http://[::1]:8650"),
        ("http://localhost", "http://localhost"),
        ("https://gateway.example.com/sumeru/", "https://gateway.example.com/sumeru"),
    ],
)
def test_a_host_is_normalised(url: str, normalised: str) -> None:
    assert settings(api_url=url).shops[0].api_url == normalised


@given(st.text(max_size=4), st.text(max_size=4))
def test_a_host_is_used_as_it_is_written_or_rejected(before: str, after: str) -> None:
    """`urlsplit` removes a line break, so that the token went to the host of both lines."""
    text = f"https://api{before}.sumeru{after}.systems"
    try:
        url = settings(api_url=text).shops[0].api_url
    except SettingsError:
        return
    assert url == text.rstrip("/").removesuffix("/api/v1")
    assert re.fullmatch(r"https://[\w.:\u0080-\U0010ffff-]+(/[^ ]*)?", url)


@given(st.text(st.characters(codec="ascii"), max_size=8), st.sampled_from("${}%<>()[]\\"), st.text())
def test_a_token_with_a_character_that_none_has_is_rejected(before: str, bad: str, after: str) -> None:
    with pytest.raises(SettingsError, match=r"^api_token: "):
        settings(api_token=f"{before}{bad}{after}")


def test_an_empty_list_of_shops_is_named_itself() -> None:
    """The message was that `api_token` is missing."""
    with pytest.raises(SettingsError, match=r"^shops: must not be empty\."):
        settings(api_token=None, shops=[])


@given(st.from_regex(r"\A[A-Za-z0-9._~+/|:;,!@#^&*-]{8,40}={0,2}\Z"))
def test_any_other_token_is_sent_as_it_is(token: str) -> None:
    """The vendor documents no form of a token, and others use more characters than RFC 6750 allows."""
    assert settings(api_token=token).shops[0].token == token


def test_a_date_means_utc() -> None:
    made = settings(start_date="2026-01-01", end_date="2026-02-01T00:00:00+02:00")
    assert made.shops[0].start_date == datetime(2026, 1, 1, tzinfo=UTC)
    assert made.end_date == datetime(2026, 1, 31, 22, tzinfo=UTC)


@pytest.mark.parametrize("date", ["2026-02-30", " 2026-13-01 ", "2025-02-29T10:00:00Z", "2026-00-10"])
@pytest.mark.parametrize("setting", ["start_date", "end_date"])
def test_a_day_that_the_calendar_does_not_have_is_named_as_such(setting: str, date: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(**{setting: date})
    assert str(caught.value) == f"{setting}: there is no such day. Correct the date."


@pytest.mark.parametrize("date", ["30.02.2026", "2026-2-30", "2026-02-300", "2026-01-01T25:00:00Z", "soon"])
def test_any_other_unusable_date_gets_an_example(date: str) -> None:
    with pytest.raises(SettingsError, match=r"^start_date: must be a date, such as 2026-01-01 or "):
        settings(start_date=date)


def test_a_start_date_must_not_lie_in_the_future() -> None:
    now = datetime(2026, 5, 10, 12, tzinfo=UTC)
    for start in ("2026-05-10T12:00:00Z", "2026-05-10"):
        Settings.from_config({"api_token": SECRET, "start_date": start}, now)
    shops = [{"shop": "acme", "api_token": SECRET, "start_date": "2026-05-10T12:00:01Z"}]
    with pytest.raises(SettingsError, match=r"^start_date: must not be in the future \(shop acme\)"):
        Settings.from_config({"shops": shops}, now)


def test_a_number_may_be_text_as_the_environment_has_it() -> None:
    made = settings(rate_limit_share="0.5", lookback_days="1.5", request_timeout_seconds="")
    assert (made.rate_limit_share, made.request_timeout_seconds) == (0.5, 60)
    assert made.options["orders"].lookback == timedelta(hours=36)


def test_a_file_of_shops(tmp_path: Path) -> None:
    path = tmp_path / "shops.json"
    path.write_text(json.dumps([{"shop": "acme", "api_token": "x", "start_date": "2026-01-01"}]))
    made = Settings.from_config({"shops_file": str(path), "start_date": "2025-01-01"})
    assert made.shops[0].start_date == datetime(2026, 1, 1, tzinfo=UTC)
    for content in ("[]", "{}", "not JSON", '[{"shop": "a"}]'):
        path.write_text(content)
        with pytest.raises(SettingsError, match=r"^shops_file: "):
            Settings.from_config({"shops_file": str(path)})


def test_options_of_a_stream_take_precedence_over_general_ones() -> None:
    made = settings(
        lookback_days=3,
        window_days=10,
        stream_options={
            "orders": {
                "lookback_days": 0,
                "window_days": 5,
                "filters": {"test": False, "status": "open"},
                "date_filter": [],
                "include": ["refunds"],
                "details": True,
            }
        },
    )
    orders, customers = made.options["orders"], made.options["customers"]
    assert (orders.lookback, orders.window_days) == (timedelta(0), 5)
    assert orders.filters == (("status", "open"), ("test", "false"))
    assert orders.date_filter is None
    assert orders.include == ("refunds",)
    assert orders.details
    assert (customers.lookback, customers.window_days) == (timedelta(days=3), 10)


def test_every_shop_belongs_to_exactly_one_shard() -> None:
    names = [f"shop-{i}" for i in range(200)]
    entries = [{"shop": name, "api_token": name} for name in names]
    shards = [Settings.from_config({"shops": entries, "shard": f"{i}/8"}) for i in range(1, 9)]
    assert sorted(shop.name for one in shards for shop in one.shops) == sorted(names)
    assert all(one.sharded and one.shops for one in shards)
