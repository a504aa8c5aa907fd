"""Client of one shop: what a write sends, when it sends it again, and what it returns or raises."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sumeru_api.errors import (
    ApiError,
    ApiUnavailable,
    AuthenticationError,
    HostNotResponding,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    RequestRejected,
    UnexpectedResponse,
    UntrustedHost,
)
from sumeru_api.retry import error_of
from sumeru_api.session import TransportError, UntrustedHostError
from support.client_setup import ClientSetup
from support.fake_session import FakeSession, Outcome, in_turn, raw_response, response
from support.virtual_clock import run_virtual

if TYPE_CHECKING:
    from sumeru_api.responses import Response

BODY = b'{"data":{"attributes":{"tags":["kanari"],"score":8675309.5}}}'
PATH = "customers/cus_kanari"
CREATED = response(201, {"data": {"id": "cam_1"}})
CUT = TransportError("the answer was cut short")
REFUSED_CONNECTION = TransportError("the connection was refused")
REFUSED_CONNECTION.sent = False
STALE = TransportError("the connection was closed before an answer came")
STALE.stale = True


def error(status: int, code: str = "made_up", message: str = "it failed", **headers: str) -> Outcome:
    content = {"error": {"code": code, "message": message, "request_id": "req_1"}}
    return response(status, content, **headers)


IN_PROGRESS = error(409, "conflict", "the first request with this key is still in progress")
CONFLICT = error(409, "conflict", "this key was used with a different request")
IN_DOUBT = [CUT, STALE, response(500), response(408), raw_response(200, b"<html>"), raw_response(200, b"")]
ODD = [response(status) for status in (304, 600, 999)]
"""Statuses that say nothing about the write, and that no retry changes."""


def write(session: FakeSession, *, key: str | None = "k", **options: Any) -> Response:
    """Send one write on a virtual clock."""

    async def main() -> Response:
        setup = ClientSetup(session, **options)
        return await setup.client.write("PATCH", PATH, BODY, "customers", idempotency_key=key)

    return run_virtual(main())


def failed(session: FakeSession, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        write(session, **options)
    return caught.value


def test_a_write_has_the_method_the_body_and_the_key() -> None:
    session = FakeSession(in_turn([CREATED]))
    answer = write(session)
    assert (answer.status, answer.content()[0]) == (201, {"data": {"id": "cam_1"}})
    assert not answer.in_doubt
    (request,) = session.sent
    assert (request.method, request.body, request.key) == ("PATCH", BODY, "k")
    assert request.url == f"https://api.example.com/api/v1/{PATH}"
    assert request.authorization == "Bearer s3cret"


@settings(max_examples=60)
@given(st.lists(st.sampled_from([*IN_DOUBT, REFUSED_CONNECTION, response(429), IN_PROGRESS]), max_size=5))
def test_a_repeated_write_is_the_same_to_the_byte(outcomes: list[Outcome]) -> None:
    session = FakeSession(in_turn([*outcomes, CREATED]))
    assert write(session, max_retries=6).status == 201
    assert len(session.sent) == len(outcomes) + 1
    assert {(sent.method, sent.url, sent.body, sent.key) for sent in session.sent} == {
        ("PATCH", f"https://api.example.com/api/v1/{PATH}", BODY, "k")
    }


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 412, 413, 415, 422, 423, 451])
def test_a_lasting_refusal_is_returned(status: int) -> None:
    session = FakeSession(in_turn([error(status, "not_allowed", "the field `kanari` cannot be 8675309.5")]))
    answer = write(session)
    assert (answer.status, len(session.sent), answer.in_doubt) == (status, 1, False)
    refusal = error_of(answer)
    assert (refusal.status, refusal.code, refusal.request_id) == (status, "not_allowed", "req_1")
    assert "kanari" not in refusal.describe()
    assert "8675309" not in refusal.describe()


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthenticationError), (402, RequestRejected), (403, PermissionDenied)]
)
def test_a_failure_that_is_not_about_the_content_is_raised(status: int, kind: type[ApiError]) -> None:
    session = FakeSession(in_turn([error(status)]))
    assert type(failed(session)) is kind
    assert len(session.sent) == 1


@pytest.mark.parametrize("outcome", [*IN_DOUBT, *ODD], ids=str)
def test_a_write_without_an_answer_ends_as_unknown(outcome: Outcome) -> None:
    session = FakeSession(in_turn([outcome]))
    unknown = failed(session)
    assert type(unknown) is OutcomeUnknown
    assert "the write may have been applied" in unknown.describe()


@pytest.mark.parametrize("outcome", IN_DOUBT, ids=str)
def test_a_write_without_a_key_is_not_sent_again_if_it_may_have_been_applied(outcome: Outcome) -> None:
    session = FakeSession(in_turn([REFUSED_CONNECTION, response(429), outcome]))
    assert type(failed(session, key=None)) is OutcomeUnknown
    assert len(session.sent) == 3


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (REFUSED_CONNECTION, HostNotResponding),
        (UntrustedHostError("the certificate has expired"), UntrustedHost),
        (response(429, Retry_After="1000"), RateLimited),
    ],
    ids=str,
)
def test_a_write_that_never_reached_the_server_is_not_in_doubt(
    outcome: Outcome, kind: type[ApiError]
) -> None:
    assert type(failed(FakeSession(in_turn([outcome])))) is kind


@pytest.mark.parametrize(
    "last", [REFUSED_CONNECTION, error(401), error(403), response(429, Retry_After="1000")]
)
def test_what_fails_after_a_try_in_doubt_leaves_the_outcome_unknown(last: Outcome) -> None:
    unknown = failed(FakeSession(in_turn([CUT, last])))
    assert type(unknown) is OutcomeUnknown
    assert unknown.affects_shop == (isinstance(last, Exception) or last.status != 403)


@pytest.mark.parametrize("last", [error(422), error(404), CREATED])
def test_an_answer_after_a_try_in_doubt_says_so(last: Outcome) -> None:
    assert write(FakeSession(in_turn([CUT, last]))).in_doubt


def test_a_write_whose_first_request_is_in_progress_waits_for_its_answer() -> None:
    session = FakeSession(in_turn([CUT, IN_PROGRESS, error(409, Retry_After="7"), CREATED]))
    assert write(session).status == 201
    assert session.times[-1] - session.times[-2] >= 6.99


@pytest.mark.parametrize(
    "answer",
    [
        IN_PROGRESS,
        error(409, "idempotency_key_in_use", ""),
        error(409, "concurrent_request", "try again"),
        error(409, "conflict", "A request with this key is being processed"),
    ],
)
def test_a_write_that_stays_in_progress_ends_as_unknown(answer: Outcome) -> None:
    session = FakeSession(in_turn([answer]))
    assert type(failed(session, max_retries=2)) is OutcomeUnknown
    assert len(session.sent) == 3


def test_a_conflict_after_a_try_in_doubt_is_believed_only_when_it_lasts() -> None:
    """The first request may be in progress without the 409 saying so in words that we know."""
    session = FakeSession(in_turn([CUT, CONFLICT]))
    answer = write(session, max_retries=3)
    assert (answer.status, answer.in_doubt, len(session.sent)) == (409, True, 4)
    assert write(FakeSession(in_turn([CUT, CONFLICT, CREATED]))).status == 201


def test_a_connection_that_the_server_had_closed_costs_no_wait_and_no_try() -> None:
    session = FakeSession(in_turn([*[STALE] * 9, CREATED]))
    answer = write(session, max_retries=1)
    assert (answer.status, answer.in_doubt, session.times) == (201, True, [0.0] * 10)


def test_a_server_that_closes_every_connection_is_given_up() -> None:
    session = FakeSession(in_turn([STALE]))
    assert type(failed(session)) is OutcomeUnknown
    assert len(session.sent) < 200


def test_no_content_is_a_success() -> None:
    assert write(FakeSession(in_turn([raw_response(204, b"")]))).status == 204


@pytest.mark.parametrize(("code", "status"), [("validation_failed", 422), ("conflict", 409)])
def test_a_200_that_holds_an_error_is_that_error(code: str, status: int) -> None:
    session = FakeSession(in_turn([error(200, code)]))
    assert write(session).status == status
    assert len(session.sent) == 1


def test_a_200_that_holds_an_unknown_error_may_have_been_applied() -> None:
    assert type(failed(FakeSession(in_turn([error(200, "oops")])))) is OutcomeUnknown


def test_a_partial_success_is_for_the_caller_to_read() -> None:
    content = {"data": [{"id": "inv_1"}], "errors": [{"code": "validation_failed"}]}
    answer = write(FakeSession(in_turn([response(200, content)])))
    assert (answer.status, answer.content()[0]) == (200, content)


def test_no_redirect_is_followed_and_it_may_have_been_applied() -> None:
    session = FakeSession(in_turn([response(302, Location="https://elsewhere.example")]))
    unknown = failed(session)
    assert type(unknown) is OutcomeUnknown
    assert "api_url" in unknown.describe()
    assert len(session.sent) == 1


def test_no_value_of_a_write_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = "cus_kanari: kanari is no tag, 8675309.5 no score, k no key; in progress"
    outcomes = [error(500, "made_up", echo), error(409, "conflict", echo), CUT, error(503, "x", echo)]
    unknown = failed(FakeSession(in_turn(outcomes)), max_retries=3)
    assert isinstance(unknown, OutcomeUnknown)
    text = caplog.text + unknown.describe() + repr(unknown)
    assert "PATCH customers/{id}" in text
    for private in ("kanari", "8675309", "s3cret"):
        assert private not in text


def test_unavailable_and_unknown_are_told_apart() -> None:
    assert not issubclass(OutcomeUnknown, ApiUnavailable | UnexpectedResponse)


ANYTHING = [
    *IN_DOUBT,
    *(REFUSED_CONNECTION, UntrustedHostError("no TLS"), IN_PROGRESS, CONFLICT, CREATED, response(429)),
    *(error(status) for status in (400, 401, 402, 403, 404, 413, 422, 425, 503)),
    *(response(302), raw_response(204, b""), error(200, "validation_failed"), error(200, "oops")),
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(ANYTHING), min_size=1, max_size=8), st.sampled_from(["k", None]))
def test_whatever_happens_a_write_is_applied_once_or_its_doubt_is_told(
    outcomes: list[Outcome], key: str | None
) -> None:
    """A write without a key is never sent after a try that may have been applied."""
    session = FakeSession(in_turn([*outcomes, CREATED]))
    ended: Response | ApiError
    try:
        ended = write(session, key=key)
    except ApiError as failure:
        ended = failure
    met = [*outcomes, CREATED][: len(session.sent)]
    doubts = [place for place, outcome in enumerate(met) if is_in_doubt(outcome, key)]
    assert {(sent.body, sent.key) for sent in session.sent} == {(BODY, key)}
    if isinstance(ended, ApiError):
        assert isinstance(ended, OutcomeUnknown) == bool(doubts)
    else:
        assert ended.in_doubt == bool(doubts)
    if key is None:
        assert all(place == len(met) - 1 for place in doubts)


def is_in_doubt(outcome: Outcome, key: str | None) -> bool:
    """Return whether a write may have been applied after this outcome, told by hand."""
    if isinstance(outcome, Exception):
        return outcome in (CUT, STALE)
    if outcome is IN_PROGRESS:
        return key is not None
    unreadable = outcome.status == 200 and not outcome.body.startswith(b'{"error": {"code": "valid')
    return outcome.status in (302, 408, 425, 500, 503) or unreadable
