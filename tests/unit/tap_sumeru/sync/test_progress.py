"""Lines of progress: short for one shop and for a thousand, with an estimate where one is possible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sumeru_api.request_queue import Reason, Wait
from tap_sumeru.extract.read_progress import ReadProgress
from tap_sumeru.sync.progress import StreamProgress, limits_line, stream_line, wait_lines

START = datetime(2024, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)


def ranged(share: float, days: int = 100) -> ReadProgress:
    """Return a windowed read of which a share is done."""
    progress = ReadProgress(pages=1)
    progress.through(START, START + timedelta(days=days))
    progress.at = START + timedelta(days=days * share)
    progress.read_window(START, progress.at)
    return progress


def stream(
    *reading: ReadProgress, name: str = "orders", shops: int = 1, complete: int = 0, failed: int = 0
) -> StreamProgress:
    return StreamProgress(name, 1200, 12, shops, complete, failed, reading)


@pytest.mark.parametrize(
    ("name", "progress", "text"),
    [
        ("orders", ReadProgress(), "no response yet"),
        ("enrollments", ReadProgress(), "waiting for the list of journeys"),
        ("orders", ReadProgress(pages=12), "12 pages, total unknown"),
        ("orders", ranged(0.0), "at 2024-01-01, 0 % of 2024-01-01 to 2024-04-10"),
        (
            "orders",
            ranged(0.25),
            "at 2024-01-26, 25 % of 2024-01-01 to 2024-04-10; about 3 hours left",
        ),
        ("orders", ranged(1.0), "at 2024-04-10, 100 % of 2024-01-01 to 2024-04-10"),
        (
            "enrollments",
            ReadProgress(pages=3, parents=30, parents_read=12),
            "12 of 30 journeys read; about 1 hour 30 minutes left",
        ),
    ],
)
def test_one_shop_is_shown_with_how_far_its_read_has_come(
    name: str, progress: ReadProgress, text: str
) -> None:
    line = stream_line(stream(progress, name=name), 3600)
    assert line == f"{name}: 1200 records, 12 requests; {text}."


def test_a_thousand_shops_are_one_line_and_estimated_by_what_is_complete() -> None:
    reading = [ranged(0.5)] * 20 + [ReadProgress(pages=7)] * 12
    line = stream_line(stream(*reading, shops=1000, complete=487, failed=3), 3600)
    assert line == (
        "orders: 1200 records, 12 requests; 487 of 1000 shops complete, 3 failed, 32 being read; "
        "about 1 hour left."
    )
    first = stream_line(stream(ranged(0.1), ReadProgress(pages=1), shops=3), 3600)
    assert first.endswith("0 of 3 shops complete, 2 being read.")


def test_a_range_without_length_is_done() -> None:
    assert ranged(0.0, days=0).share == 1.0


def time_of(reading: float) -> datetime:
    return NOON + timedelta(seconds=reading - 100)


@pytest.mark.parametrize(
    ("wait", "text"),
    [
        (Wait(Reason.RATE_LIMIT, until=145.0), "waiting for the rate limit until 12:00:45 UTC."),
        (
            Wait(Reason.RESPONSE, since=60.0, until=120.0),
            "no response for 40 s; the request times out at 12:00:20 UTC.",
        ),
        (Wait(Reason.RETRY, until=160.0), "waiting after a failed request until 12:01:00 UTC."),
    ],
)
def test_a_wait_is_told_with_the_time_at_which_it_ends(wait: Wait, text: str) -> None:
    assert list(wait_lines({"acme": wait}, 100.0, time_of)) == [f"Shop acme: {text}"]


def test_the_waits_of_many_shops_are_one_line_for_each_reason() -> None:
    waits = {f"shop-{i}": Wait(Reason.RATE_LIMIT, until=110.0 + i) for i in range(25)}
    waits |= {"globex": Wait(Reason.RETRY, until=130.0), "initech": Wait(Reason.RATE_LIMIT, until=100.5)}
    first, second = wait_lines(waits, 100.0, time_of)
    assert first.startswith("25 shops (shop-0, shop-1, ")
    assert first.endswith("shop-19 and 5 more): waiting for the rate limit until 12:00:34 UTC at the latest.")
    assert second == "Shop globex: waiting after a failed request until 12:00:30 UTC."


@pytest.mark.parametrize(
    ("limits", "share", "text"),
    [
        ({}, 1.0, ""),
        ({"acme": None}, 1.0, ""),
        ({"acme": 100.0}, 1.0, "Pace: at most 100 requests per minute."),
        ({"acme": 1.0}, 1.0, "Pace: at most 1 request per minute."),
        ({"acme": 0.5}, 0.5, "Pace: at most 0.5 requests per minute, 50% of the rate limit."),
        ({"acme": 80.0}, 0.8, "Pace: at most 80 requests per minute, 80% of the rate limit."),
        (
            {"acme": 60.0, "globex": None, "initech": 600.0},
            1.0,
            "Pace: at most 60 to 600 requests per minute for each shop.",
        ),
    ],
)
def test_the_limit_is_told_once_it_is_known(limits: dict[str, float | None], share: float, text: str) -> None:
    assert limits_line(limits, share) == text
