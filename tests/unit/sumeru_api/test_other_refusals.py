"""Refusals by the rate limit that have another status than 429, as other APIs send them."""

from __future__ import annotations

import pytest

from sumeru_api.errors import ApiError, PermissionDenied, RateLimited
from sumeru_api.responses import Response
from sumeru_api.retry import Fail, Retries, WaitForRateLimit, WriteRetries, is_rate_limited
from support.client_setup import OK, ClientSetup
from support.fake_session import FakeSession, in_turn, response
from support.virtual_clock import run_virtual

CODES = ("rateLimitExceeded", "user_rate_limit", "THROTTLED", "ThrottlingException", "too_many_requests")
MESSAGES = ("API rate limit exceeded for this shop", "You are being rate-limited", "Too many requests, sorry")
PLAIN = (
    ("forbidden", "the token lacks the scope orders:read"),
    ("forbidden", "your plan has no custom rate limits"),
    ("plan_limit", "your plan's limit is reached"),
    ("quota_missing", "no"),
)


def answer(status: int, code: str = "forbidden", message: str = "no", **headers: str) -> Response:
    body = f'{{"error":{{"code":"{code}","message":"{message}","request_id":"req_1"}}}}'.encode()
    return Response(status, {name.replace("_", "-"): text for name, text in headers.items()}, body, 0.0)


REFUSALS = [
    answer(420),
    Response(420, {}, b"Enhance Your Calm", 0.0),
    answer(403, Retry_After="3"),
    *[answer(status, code) for status in (400, 403) for code in CODES],
    *[answer(403, "forbidden", message) for message in MESSAGES],
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda one: f"{one.status} {one.body[:60]!r}")
def test_a_refusal_by_the_rate_limit_is_waited_out_whatever_its_status(refusal: Response) -> None:
    assert isinstance(Retries(0).decide(refusal, 0), WaitForRateLimit)
    retries = WriteRetries(0, has_key=False)
    assert not retries.settled_by(refusal)
    assert isinstance(retries.decide(refusal, 0), WaitForRateLimit)


@pytest.mark.parametrize(("code", "message"), PLAIN)
def test_a_missing_scope_or_plan_still_fails_at_once(code: str, message: str) -> None:
    for headers in ({}, {"Retry_After": "soon"}):
        refusal = answer(403, code, message, **headers)
        assert not is_rate_limited(refusal)
        decision = Retries(5).decide(refusal, 0)
        assert isinstance(decision, Fail)
        assert type(decision.error) is PermissionDenied


def test_the_whole_token_waits_as_after_a_429() -> None:
    refused = response(403, {"error": {"code": "quota_exceeded", "message": "no"}}, Retry_After="30")
    session = FakeSession(in_turn([refused, OK]))

    async def main() -> int:
        setup = ClientSetup(session, max_retries=0)
        assert (await setup.get()).rows
        return setup.queue.refused

    assert run_virtual(main()) == 1
    assert session.times == [0.0, 30.0]


def test_a_success_that_says_throttled_is_waited_out() -> None:
    refused = response(200, {"errors": [{"code": "THROTTLED", "message": "slow down"}]})
    session = FakeSession(in_turn([refused, OK]))

    async def main() -> None:
        assert (await ClientSetup(session, max_retries=0).get()).rows

    run_virtual(main())
    assert session.times == [0.0, 5.0]


def test_a_wait_that_is_too_long_fails_the_shop_and_names_the_status() -> None:
    async def main() -> None:
        session = FakeSession(in_turn([response(403, Retry_After="86400")]))
        await ClientSetup(session).get()

    with pytest.raises(RateLimited, match=r"a wait of 1440 minutes; run the tap again after") as raised:
        run_virtual(main())
    error: ApiError = raised.value
    assert (error.status, error.affects_shop) == (403, True)
