"""The decision table of a request, row by row."""

from __future__ import annotations

import re
from email.utils import formatdate
from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.errors import (
    ApiError,
    ApiUnavailable,
    AuthenticationError,
    HostNotResponding,
    NotFound,
    PermissionDenied,
    RateLimited,
    Redirected,
    RequestRejected,
    UnexpectedResponse,
    UntrustedHost,
)
from sumeru_api.rate_limiter import MAX_WAIT
from sumeru_api.responses import Response
from sumeru_api.retry import Fail, Retries, Retry, WaitForRateLimit, error_of
from sumeru_api.session import TransportError, UntrustedHostError

if TYPE_CHECKING:
    from sumeru_api.retry import Outcome

TWO_HOURS = 7200.0
EPOCH = 1_800_000_000
TEN_YEARS = 10 * 365 * 86_400.0
ENVELOPE = b'{"error":{"code":"made_up","message":"it failed","request_id":"req_1"}}'
RETRIABLE_STATUSES = [408, 425, *range(500, 600)]
FINAL_STATUSES = [status for status in range(300, 500) if status not in (408, 420, 425, 429)]

Headers = dict[str, str]


def as_date(seconds: int) -> tuple[Headers, float]:
    dates = (formatdate(EPOCH + seconds, usegmt=True), formatdate(EPOCH, usegmt=True))
    return dict(zip(("Retry-After", "Date"), dates, strict=True)), max(0.0, float(seconds))


# Headers, and the seconds that they ask for.
RETRY_AFTER = st.one_of(
    st.just((Headers(), 0.0)),
    st.sampled_from(["0", "-5", "soon", "", "nan", "inf"]).map(lambda text: ({"Retry-After": text}, 0.0)),
    st.floats(0, 1e9).map(lambda seconds: ({"Retry-After": str(seconds)}, min(seconds, TEN_YEARS))),
    st.integers(20, 5000).map(lambda digits: ({"Retry-After": "9" * digits}, TEN_YEARS)),
    st.integers(-1000, 1000).map(lambda seconds: ({"Retry-After": str(seconds)}, max(0.0, float(seconds)))),
    st.integers(-1000, 10**7).map(as_date),
)
# What is worth a retry: a response, or none.
RETRIABLE: st.SearchStrategy[Outcome] = st.one_of(
    st.sampled_from([*RETRIABLE_STATUSES, 200, 204]).map(lambda status: Response(status, {}, ENVELOPE, 0.0)),
    st.just(TransportError("the connection failed")),
)


def response(status: int, headers: Headers | None = None, body: bytes = ENVELOPE) -> Response:
    return Response(status, headers or {}, body, 0.0)


def failure(decision: object) -> ApiError:
    assert isinstance(decision, Fail)
    return decision.error


def retry(decision: object) -> Retry:
    assert isinstance(decision, Retry)
    return decision


def wait(decision: object) -> float:
    assert isinstance(decision, WaitForRateLimit)
    return decision.after


@given(outcomes=st.lists(RETRIABLE, min_size=11, max_size=11), max_retries=st.integers(0, 10))
def test_a_retriable_outcome_is_retried_so_often_and_no_more(
    outcomes: list[Outcome], max_retries: int
) -> None:
    retries = Retries(max_retries)
    for outcome in outcomes[:max_retries]:
        retry(retries.decide(outcome, 0))
    error = failure(retries.decide(outcomes[max_retries], 0))
    assert type(error) is ApiUnavailable
    tries = "1 try" if max_retries == 0 else f"{max_retries + 1} tries"
    assert error.cause.endswith(f"({tries})")


@given(tries=st.integers(1, 20), outcome=RETRIABLE)
def test_the_backoff_grows_up_to_a_minute(tries: int, outcome: Outcome) -> None:
    retries = Retries(max_retries=20)
    waits = [retry(retries.decide(outcome, 0)).after for _ in range(tries)]
    for number, wait in enumerate(waits):
        assert 0 <= wait <= min(60.0, 2.0**number)


@given(status=st.sampled_from([*RETRIABLE_STATUSES, 200]), asked_for=RETRY_AFTER)
def test_a_retry_waits_as_long_as_retry_after_says_and_gives_up_if_that_is_too_long(
    status: int, asked_for: tuple[Headers, float]
) -> None:
    headers, asked = asked_for
    decision = Retries(5).decide(response(status, headers), 0)
    if asked > MAX_WAIT:
        assert type(failure(decision)) is RateLimited
    else:
        assert asked <= retry(decision).after <= max(1.0, asked)


def test_a_response_that_is_not_json_is_retried_and_then_unavailable() -> None:
    retries = Retries(1)
    assert retry(retries.decide(response(200, body=b"<html>"), 0)).cause == "200: the response is not JSON"
    error = failure(retries.decide(response(200, body=b"<html>"), 0))
    assert type(error) is ApiUnavailable
    assert error.describe() == "200: the response is not JSON (2 tries)"


def test_the_cause_of_a_retry_is_the_apis_own() -> None:
    assert retry(Retries(1).decide(response(503), 0)).cause == "503 made_up: it failed (request req_1)"
    assert retry(Retries(1).decide(TransportError("cut short"), 0)).cause == "cut short"


@given(outcome=RETRIABLE, max_retries=st.integers(0, 10), unanswered=st.integers(0, 30))
def test_a_host_without_a_response_to_the_last_requests_is_not_responding(
    outcome: Outcome, max_retries: int, unanswered: int
) -> None:
    decision = Retries(max_retries).decide(outcome, unanswered)
    if unanswered >= max(3, max_retries + 1):
        error = failure(decision)
        assert type(error) is HostNotResponding
        assert error.cause.endswith(f"({unanswered} requests in a row)")
    else:
        assert not isinstance(decision, Fail) or type(decision.error) is ApiUnavailable


@given(asked_for=RETRY_AFTER, max_retries=st.integers(0, 3), unanswered=st.integers(0, 30))
def test_a_429_waits_for_the_rate_limit_unless_the_wait_is_too_long(
    asked_for: tuple[Headers, float], max_retries: int, unanswered: int
) -> None:
    headers, asked = asked_for
    decision = Retries(max_retries).decide(response(429, headers), unanswered)
    if asked > MAX_WAIT:
        error = failure(decision)
        assert type(error) is RateLimited
        assert error.status == 429
        asked_for_text = f"{asked / 60:.0f} minutes" if asked <= 2 * 86_400 else f"{asked / 86_400:.0f} days"
        assert f"the API asks for a wait of {asked_for_text}; run the tap again after 2" in error.cause
    else:
        assert isinstance(decision, WaitForRateLimit)
        assert max(1.0, asked) <= decision.after <= max(5.0, asked)


def test_the_waits_grow_while_the_same_request_is_refused() -> None:
    retries = Retries(5)
    waits = [wait(retries.decide(response(429, {"Retry-After": "0"}), 0)) for _ in range(60)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, *[60.0] * 54]


@given(asked_for=st.lists(RETRY_AFTER, min_size=1, max_size=10))
def test_the_same_request_is_not_refused_for_ever(asked_for: list[tuple[Headers, float]]) -> None:
    retries = Retries(5)
    waited = 0.0
    for headers, _ in cycle(asked_for):
        decision = retries.decide(response(429, headers), 0)
        if isinstance(decision, Fail):
            break
        waited += wait(decision)
        assert waited <= TWO_HOURS
    error = failure(decision)
    assert type(error) is RateLimited
    assert not re.search(r"\b0 (s|seconds|minutes|days|times)\b", error.cause)
    assert re.search(r"run the tap again after \d{4}-\d\d-\d\d \d\d:\d\d UTC$", error.cause)
    if all(asked <= MAX_WAIT for _, asked in asked_for):
        assert waited > TWO_HOURS - MAX_WAIT
        assert re.match(r"the rate limit refused the same request \d+ times in 1\d\d minutes;", error.cause)


def test_the_longest_wait_is_a_quarter_of_an_hour() -> None:
    assert wait(Retries(5).decide(response(429, {"Retry-After": "900"}), 0)) == 900
    headers = {"Retry-After": "86400", "Date": "Sun, 10 May 2026 14:23:00 GMT"}
    for status in (429, 503):
        error = failure(Retries(5).decide(response(status, headers), 0))
        assert error.affects_shop
        assert error.cause == (
            "the API asks for a wait of 1440 minutes; run the tap again after 2026-05-11 14:23 UTC"
        )


def test_waiting_for_the_rate_limit_does_not_count_as_a_try() -> None:
    retries = Retries(1)
    for _ in range(10):
        assert wait(retries.decide(response(429), 0)) >= 5
    retry(retries.decide(response(500), 0))
    assert wait(retries.decide(response(429), 0)) == 60
    assert type(failure(retries.decide(response(500), 0))) is ApiUnavailable


@given(status=st.sampled_from(FINAL_STATUSES), max_retries=st.integers(0, 10), unanswered=st.integers(0, 30))
def test_any_other_status_fails_at_once(status: int, max_retries: int, unanswered: int) -> None:
    error = failure(Retries(max_retries).decide(response(status), unanswered))
    kinds = {401: AuthenticationError, 403: PermissionDenied, 404: NotFound}
    assert type(error) is kinds.get(status, Redirected if status < 400 else RequestRejected)
    assert error.status == status


def test_no_redirect_is_followed() -> None:
    error = error_of(response(302))
    assert type(error) is Redirected
    assert "check `api_url`" in error.describe()


@pytest.mark.parametrize("unanswered", [0, 30])
def test_an_untrusted_host_fails_at_once(unanswered: int) -> None:
    error = failure(Retries(5).decide(UntrustedHostError("no trust"), unanswered))
    assert type(error) is UntrustedHost
    assert error.describe() == "no trust"


def test_an_error_has_the_apis_code_message_and_request_id() -> None:
    error = error_of(response(403))
    assert (error.cause, error.status, error.code, error.request_id) == ("it failed", 403, "made_up", "req_1")
    assert error.describe() == "403 made_up: it failed (request req_1)"
    assert error_of(response(422, body=b"<html>")).describe() == "422: no reason given"


def test_an_error_does_not_quote_what_was_sent() -> None:
    body = b'{"error":{"code":"copt_live_abcd","message":"s3cret: no jane here","request_id":"jane doe"}}'
    error = error_of(Response(422, {}, body, 0.0, sent=("s3cret", "jane")))
    assert error.describe() == "422: [value]: no [value] here"


def test_which_errors_affect_the_whole_shop() -> None:
    affecting = {AuthenticationError, RateLimited, UntrustedHost, HostNotResponding}
    others = {ApiError, ApiUnavailable, NotFound, PermissionDenied, RequestRejected, UnexpectedResponse}
    assert {kind for kind in affecting | others if kind.affects_shop} == affecting


def test_an_error_with_another_cause_is_about_the_same_response() -> None:
    error = error_of(response(404)).with_cause("the list of journeys failed", PermissionDenied)
    assert type(error) is PermissionDenied
    assert error.describe() == "404 made_up: the list of journeys failed (request req_1)"
    assert type(error.with_cause("again")) is PermissionDenied
