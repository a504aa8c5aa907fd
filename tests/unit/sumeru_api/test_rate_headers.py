"""What the headers of a response say: how long to wait, whether a cache answered, when the window ends."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.rate_headers import budget, is_cached, retry_after
from support.factories import rate_limiter
from support.fake_api import EPOCH

TEN_YEARS = 10 * 365 * 86_400


def used_up(limit: int = 60, remaining: int = 0) -> dict[str, str]:
    """Return the headers of a window that ends in 40 seconds."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(EPOCH + 40),
        "Date": formatdate(EPOCH, usegmt=True),
    }


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "60"}, 60),
        ({"Retry-After": "-1"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "0.25"}, 0.25),
        ({"Retry-After": "1e300"}, TEN_YEARS),
        ({"Retry-After": str(10**30)}, TEN_YEARS),
        ({"Retry-After": "9" * 5000}, TEN_YEARS),
        ({"Retry-After": "-" + "9" * 5000}, 0),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, TEN_YEARS),
        ({"Retry-After": "Fri, 31 Dec 99999 23:59:59 GMT"}, None),
        ({"Retry-After": formatdate(1000, usegmt=True), "Date": formatdate(970, usegmt=True)}, 30),
        ({"Retry-After": formatdate(1000, usegmt=True), "Date": formatdate(1030, usegmt=True)}, 0),
        ({"Retry-After": formatdate(1000, usegmt=True), "Date": "today"}, 100),
        ({"Retry-After": formatdate(1000, usegmt=True)}, 100),
        ({"Retry-After": "", "Date": formatdate(970, usegmt=True)}, None),
        ({"Retry-After": "1970-01-01T00:16:40Z", "Date": formatdate(970, usegmt=True)}, 30),
        ({"Retry-After": "1970-01-01T01:16:40+01:00"}, 100),
        ({"Retry-After": "Thu, 01 Jan 1970 01:16:40 +0100"}, 100),
        ({"Retry-After": "2s"}, 2),
        ({"Retry-After": "3600 seconds"}, 3600),
        ({"Retry-After": "1.5 min"}, 90),
        ({"Retry-After": "2 Hours"}, 7200),
        ({"Retry-After": "300ms"}, 0.3),
        ({"Retry-After": "2 weeks"}, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    """A header in another form that was read as a date: mastra-ai/mastra#23778."""
    assert retry_after(headers, 900.0) == seconds


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Cache": "HIT"},
        {"X-Cache": "Hit from cloudfront"},
        {"X-Cache": "RefreshHit from cloudfront"},
        {"X-Cache": "TCP_MEM_HIT from a.example"},
        {"X-Cache": "MISS, HIT"},
        {"X-Cache": "hit-stale"},
        {"Cache-Status": "ExampleCache; hit; ttl=30"},
        {"CF-Cache-Status": "HIT"},
        {"X-Cache-Status": "STALE"},
        {"X-Cache-Status": "UPDATING"},
        {"CF-Cache-Status": "REVALIDATED"},
        {"Age": "1"},
        {"X-Cache": "MISS", "Age": " 12 "},
    ],
)
def test_a_cached_response_teaches_nothing_and_costs_nothing(headers: dict[str, str]) -> None:
    assert is_cached(headers)
    limiter = rate_limiter()
    limiter.started(0.0)
    limiter.answered(0.0, used_up(600, 2))
    for _ in range(50):
        limiter.started(0.0)
        limiter.answered(0.0, {**used_up(), **headers})
    assert limiter.wait(10.0) == 0.0
    limiter.started(10.0)
    limiter.started(10.0)
    assert limiter.wait(20.0) == pytest.approx(20.05), "the two requests that remained are spent"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Cache": "MISS"},
        {"X-Cache": "MISS from whitney.example"},
        {"Age": "0"},
        {"Age": "old"},
        {"Cache-Status": "ExampleCache; fwd=stale"},
    ],
)
def test_any_other_response_counts(headers: dict[str, str]) -> None:
    assert not is_cached(headers)
    limiter = rate_limiter()
    limiter.started(0.0)
    limiter.answered(0.0, {**used_up(), **headers})
    assert limiter.wait(0.0) == pytest.approx(40.05)


def test_a_reset_in_seconds_needs_no_date() -> None:
    headers = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}
    assert budget(headers) == (600, 0, 30)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "Retry-After",
                "Date",
                "X-RateLimit-Limit",
                "X-RateLimit-Remaining",
                "X-RateLimit-Reset",
                "Age",
                "X-Cache",
            ]
        ),
        st.one_of(
            st.text(),
            st.integers().map(str),
            st.floats().map(str),
            st.integers(1, 5000).map(lambda digits: "9" * digits),
            st.from_regex(
                r"[A-Z][a-z]{2}, [0-9]{1,3} (Jan|Dec) [0-9]{1,6} [0-9:]{1,9} (GMT|[+-][0-9]{1,12})"
            ),
        ),
    )
)
def test_whatever_the_headers_hold_every_number_is_bounded(headers: dict[str, str]) -> None:
    assert 0 <= (retry_after(headers, EPOCH) or 0) <= TEN_YEARS
    assert isinstance(is_cached(headers), bool)
    found = budget(headers)
    assert found is None or (found.limit > 0 and 0 <= (found.reset_in or 0) <= 365 * 86_400)


@pytest.mark.parametrize(
    "reset", [str(EPOCH + 40), str(1000 * (EPOCH + 40)), "40", "2027-01-15T08:00:40Z", formatdate(EPOCH + 40)]
)
def test_the_end_of_the_window_may_be_in_any_usual_form(reset: str) -> None:
    found = budget({**used_up(), "X-RateLimit-Reset": reset})
    assert found is not None
    assert found.reset_in == 40
