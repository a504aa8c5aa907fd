"""`--estimate`: what it says beside the sync that follows, what it costs, and how sure it claims to be."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import TYPE_CHECKING, Any

import pytest

from sumeru_api.timestamps import parse, text
from sumeru_sandbox import Sandbox
from support.scripted_api import END, Reply, Request, ScriptedApi
from support.tap_cli import Tap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]

_NOW = "2026-06-01T00:00:00Z"
_FIRST = datetime(2025, 1, 1, tzinfo=UTC)


def estimate(tap: Tap, streams: tuple[str, ...] = (), **config: Any) -> Json:
    output = tap.run_text([*tap.command(streams=streams, **config), "--estimate", "--format", "json"])
    assert output.returncode == 0, output.stderr
    return dict(json.loads(output.stdout))


def by_stream(report: Json, shop: int = 0) -> dict[str, Json]:
    return {one["stream"]: one for one in report["shops"][shop]["streams"]}


@pytest.mark.parametrize(
    ("start", "switches"),
    [
        ("", {}),
        ("2024-06-01T00:00:00Z", {}),
        ("2026-04-01T00:00:00Z", {"date_to": "exclusive"}),
        ("", {"date_filter": "ignored"}),
        ("2026-04-01T00:00:00Z", {"date_filter": "refused"}),
        ("2025-10-01T00:00:00Z", {"zone": 300}),
    ],
)
def test_the_sync_that_follows_takes_as_many_requests(tmp_path: Path, start: str, switches: Json) -> None:
    with Sandbox(shops=("acme",), customers=1000, now=parse(_NOW)) as sandbox:
        tap = Tap(tmp_path, {"api_url": sandbox.url, "api_token": sandbox.token("acme")})
        tap.config |= {"start_date": start} if start else {}
        sandbox.configure({"*": switches})
        report = estimate(tap)
        made = sandbox.stats()["requests"]
        output = tap.sync()
        needed = sandbox.stats()["requests"] - made
    assert output.code == 0
    assert made <= 30
    assert made == report["shops"][0]["requests_made"]
    assert report["requests"] == pytest.approx(needed, rel=0.25)
    rows = {name: len(set(output.ids(name))) for name in output.counts()}
    # Small lists are guessed, and old rows that change lately are dense at the end of the range.
    assert report["shops"][0]["rows"] == pytest.approx(sum(rows.values()), rel=0.35)
    for name, one in by_stream(report).items():
        if one["certainty"] == "exact":
            assert one["rows"] == rows.get(name, 0), name


def test_the_report_is_one_table_with_a_total_in_words(tap: Tap) -> None:
    output = tap.run_text([*tap.command(), "--estimate"])
    assert output.returncode == 0
    assert output.stdout.startswith("Shop acme: less than a minute")
    assert "The API states no rate limit." in output.stdout
    assert "\ncampaigns " in output.stdout
    assert "\ntotal " in output.stdout
    assert "RECORD" not in output.stdout
    assert "ERROR" not in output.stderr


def test_of_many_shops_each_is_estimated_and_the_longest_counts(many: Tap) -> None:
    report = estimate(many)
    assert [one["shop"] for one in report["shops"]] == ["acme", "globex", "initech"]
    assert report["requests"] == sum(one["requests"] for one in report["shops"])
    assert report["seconds"] == max(one["seconds"] for one in report["shops"])
    output = many.run_text([*many.command(), "--estimate"])
    assert "Shops are read side by side.\nThe longest, " in output.stdout


def test_a_stream_that_cannot_be_read_is_named_and_the_others_are_estimated(
    tap: Tap, sandbox: Sandbox
) -> None:
    tap.config["api_token"] = sandbox.token("acme", scopes=["orders:read"])
    report = estimate(tap)
    streams = by_stream(report)
    assert streams["orders"]["rows"] > 0
    assert streams["customers"]["rows"] is None
    assert "customers:read" in streams["customers"]["error"]
    assert report["shops"][0]["at_least"]


def test_a_shop_that_cannot_be_estimated_at_all_is_an_error(many: Tap) -> None:
    many.config["shops"][1]["api_token"] = "copt_test_" + "0" * 32
    output = many.run_text([*many.command(), "--estimate", "--format", "json"])
    assert output.returncode == 1
    assert output.stderr.splitlines()[-1].count("Shop globex cannot be estimated: 401") == 1
    assert by_stream(json.loads(output.stdout), 2)["orders"]["rows"] > 0


class Lists:
    """Serves one list of orders, in the order of its rows, with or without a date filter and `sort`."""

    def __init__(self, rows: list[Json], *, filters: bool = False, sorts: bool = False) -> None:
        self._rows = rows
        self._filters = filters
        self._sorts = sorts

    def __call__(self, request: Request) -> Reply:
        if request.path != "orders":
            return Reply()
        rows, dates = self._rows, [request.params.get(f"filter[date_{one}]", "") for one in ("from", "to")]
        if self._filters and all(dates):
            rows = [row for row in rows if dates[0] <= row["attributes"]["updated_at"][:10] <= dates[1]]
        if self._sorts and "sort" in request.params:
            backwards = request.params["sort"].startswith("-")
            rows = sorted(rows, key=lambda row: row["attributes"]["updated_at"], reverse=backwards)
        start = int(request.params.get("cursor", "0"))
        end = start + int(request.params["limit"])
        more = {"next_cursor": str(end), "has_next": True} if end < len(rows) else END
        return Reply({"data": rows[start:end], "pagination": more})


def orders(count: int, date_of: Callable[[int], datetime]) -> list[Json]:
    return [
        {"id": f"jane{i}", "attributes": {"updated_at": text(date_of(i)), "total": "487.20"}}
        for i in range(count)
    ]


def shuffled(count: int) -> list[Json]:
    rows = orders(count, lambda i: _FIRST + timedelta(days=500) * i / count)
    random.Random(1).shuffle(rows)  # noqa: S311 - reproducible
    return rows


def test_a_list_without_filter_and_order_is_at_least_what_was_seen(tmp_path: Path) -> None:
    with ScriptedApi(Lists(shuffled(5000))) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1"})
        report = estimate(tap, ("orders",))
        assert by_stream(report)["orders"]["certainty"] == "at least"
        assert report["shops"][0]["at_least"]
        assert len(api.requests) <= 30
        output = tap.run_text([*tap.command(streams=("orders",)), "--estimate"])
    assert "At least: orders." in output.stdout
    assert output.stdout.startswith("Shop default: at least a few seconds")
    assert "jane" not in output.stdout + output.stderr
    assert "487.2" not in output.stdout + output.stderr


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_list_that_is_not_sorted_oldest_first_is_measured_through_the_filter(
    tmp_path: Path, newest_first: bool
) -> None:
    rows = orders(5000, lambda i: _FIRST + timedelta(days=500) * i / 5000)[::-1]
    with ScriptedApi(Lists(rows if newest_first else shuffled(5000), filters=True)) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1"})
        one = by_stream(estimate(tap, ("orders",)))["orders"]
        assert len(api.requests) <= 30
    assert one["certainty"] == "measured"
    assert one["rows"] == pytest.approx(5000, rel=0.25)


@pytest.mark.parametrize("is_shuffled", [False, True])
@pytest.mark.parametrize("growth", [0.4, 1.0, 2.0, 4.0])
def test_the_ends_of_a_list_without_a_filter_say_how_it_has_grown(
    tmp_path: Path, growth: float, is_shuffled: bool
) -> None:
    count, days, rate = 20_000, 500, (growth - 1) / 2
    now = datetime.now(UTC).replace(microsecond=0)

    def date_of(i: int) -> datetime:  # so that the last day has `growth` times the rows of the first
        share = i / count * (1 + rate)
        done = (sqrt(1 + 4 * rate * share) - 1) / (2 * rate) if rate else share
        return now - timedelta(days=days * (1 - done))

    rows = orders(count, date_of)
    if is_shuffled:
        random.Random(1).shuffle(rows)  # noqa: S311 - reproducible
    with ScriptedApi(Lists(rows, sorts=True)) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1"})
        one = by_stream(estimate(tap, ("orders",)))["orders"]
        assert len(api.requests) <= 30
    assert one["certainty"] == "measured"
    assert one["rows"] == pytest.approx(count, rel=0.15)


def test_samples_that_fail_leave_the_guess(tmp_path: Path) -> None:
    lists = Lists(orders(5000, lambda i: _FIRST + timedelta(hours=i)))

    def failing(request: Request) -> Reply:
        return Reply({}, 500) if "filter[date_from]" in request.params else lists(request)

    with ScriptedApi(failing) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1"})
        one = by_stream(estimate(tap, ("orders",)))["orders"]
        assert len(api.requests) <= 5
    assert one["certainty"] == "guessed"
    assert one["error"] is None


def test_a_list_of_one_page_is_exact_and_counted_within_the_range(tmp_path: Path) -> None:
    with ScriptedApi(Lists(orders(60, lambda i: _FIRST + timedelta(days=i)))) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1"})
        dates = {
            "start_date": text(_FIRST + timedelta(days=10)),
            "end_date": text(_FIRST + timedelta(days=40)),
        }
        one = by_stream(estimate(tap, ("orders",), **dates))["orders"]
    assert (one["certainty"], one["rows"]) == ("exact", 30)


_DAYS: dict[str, Callable[[int], str | None]] = {
    "newest first": lambda i: text(_FIRST - timedelta(hours=i)),
    "all at once": lambda _: text(_FIRST),
    "nearly all at once": lambda i: text(_FIRST if i % 100 else _FIRST - timedelta(days=i)),
    "in the year 1": lambda i: f"0001-01-01T{i % 24:02}:00:00Z",
    "in the future": lambda i: text(_FIRST + timedelta(days=i * 365)),
    "without a time": lambda i: text(_FIRST + timedelta(days=i))[:10],
    "without a date": lambda _: None,
    "sometimes without a date": lambda i: text(_FIRST + timedelta(hours=i)) if i % 3 else None,
    "no date": lambda i: f"soon {i}",
}


@pytest.mark.parametrize("filters", [False, True])
@pytest.mark.parametrize("kind", _DAYS)
def test_whatever_the_dates_are_the_estimate_ends_in_time(tmp_path: Path, kind: str, filters: bool) -> None:
    rows = [{"id": f"{i}", "attributes": {"updated_at": _DAYS[kind](i) or ""}} for i in range(450)]
    with ScriptedApi(Lists(rows, filters=filters)) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1"})
        one = by_stream(estimate(tap, ("orders",)))["orders"]
        assert len(api.requests) <= 30
    assert one["rows"] > 100
    assert one["certainty"] != "exact"


def test_the_estimate_of_a_limited_shop_says_how_long_and_how_fast(tmp_path: Path) -> None:
    def limited(request: Request) -> Reply:
        reply = Lists(orders(20_000, lambda i: _FIRST + timedelta(minutes=30 * i)))(request)
        reply.headers = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "59", "X-RateLimit-Reset": "60"}
        return reply

    with ScriptedApi(limited) as api:
        tap = Tap(tmp_path, {"api_url": api.url, "api_token": "copt_test_1"})
        output = tap.run_text([*tap.command(streams=("orders",)), "--estimate"])
    assert output.stdout.startswith("Shop default: about "), output.stdout
    assert " minutes at 60 requests a minute" in output.stdout
    assert "Rough: orders. " in output.stdout
