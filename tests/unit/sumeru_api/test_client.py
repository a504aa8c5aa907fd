"""Client of one shop: what it sends, when it sends it again, and when it gives up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from sumeru_api.errors import (
    ApiUnavailable,
    HostNotResponding,
    NotFound,
    RateLimited,
    UnexpectedResponse,
    UntrustedHost,
)
from sumeru_api.request_counts import RequestCounts
from sumeru_api.responses import parse_page, parse_resource
from sumeru_api.session import UntrustedHostError, default_headers
from support.client_setup import FAILED, OK, ClientSetup
from support.fake_session import FakeSession, in_turn, raw_response, response
from support.virtual_clock import run_virtual

if TYPE_CHECKING:
    from sumeru_api.responses import Page


def get(session: FakeSession, **options: Any) -> Page:
    """Send one request on a virtual clock."""

    async def main() -> Page:
        return await ClientSetup(session, **options).get()

    return run_virtual(main())


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each backoff last as long as it may."""
    monkeypatch.setattr("sumeru_api.retry.backoff.full_jitter", lambda seconds: seconds)


def test_a_request_has_the_path_the_parameters_and_the_token() -> None:
    session = FakeSession(in_turn([OK]))

    async def main() -> Page:
        return await ClientSetup(session).get(
            "journeys/a%2Fb/enrollments", (("limit", "100"), ("cursor", "c"))
        )

    assert run_virtual(main()).rows == [{"id": "1"}]
    (request,) = session.sent
    assert request.url == "https://api.example.com/api/v1/journeys/a%2Fb/enrollments"
    assert request.params == (("limit", "100"), ("cursor", "c"))
    assert request.authorization == "Bearer s3cret"


def test_a_429_pauses_and_does_not_count_as_a_retry() -> None:
    refused = [response(429, Retry_After=seconds) for seconds in ("30", "10", "600")]
    session = FakeSession(in_turn([*refused, OK]))
    assert get(session, max_retries=0).rows
    assert session.times == [0.0, 30.0, 40.0, 640.0]


def test_a_request_that_is_refused_is_sent_again_at_growing_intervals() -> None:
    session = FakeSession(in_turn([*[response(429, Retry_After="0")] * 60, OK]))

    async def main() -> float:
        setup = ClientSetup(session)
        assert (await setup.get()).rows
        return setup.queue.held

    held = run_virtual(main())
    assert session.times[:9] == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0, 123.0, 183.0]
    assert session.times[60] == held == 63 + 54 * 60


def test_a_success_that_is_a_refusal_is_waited_out() -> None:
    refused = response(200, {"error": {"code": "rate_limited", "message": "slow down"}})
    session = FakeSession(in_turn([refused, refused, OK]))
    assert get(session, max_retries=0).rows
    assert session.times == [0.0, 5.0, 10.0]


def test_a_long_wait_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    get(FakeSession(in_turn([response(429, Retry_After="300"), response(429, Retry_After="30"), OK])))
    assert caplog.messages == ["Shop acme: orders: the rate limit refused the request; waiting for 300 s."]


@pytest.mark.parametrize(
    "headers",
    [
        {"X_RateLimit_Limit": "600", "X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "86400"},
        {"Retry_After": "1" + "0" * 400},
    ],
)
@pytest.mark.parametrize("status", [200, 429, 503])
def test_a_limit_of_a_day_fails_the_next_request_and_says_when_to_run_again(
    status: int, headers: dict[str, str]
) -> None:
    session = FakeSession(in_turn([response(status, **headers), OK]))

    async def main() -> None:
        setup = ClientSetup(session)
        for _ in range(2):
            await setup.get()

    if status == 200 and "Retry_After" in headers:
        run_virtual(main())
        return
    with pytest.raises(RateLimited, match=r"the API asks for a wait of .*; run the tap again after 20\d\d-"):
        run_virtual(main())
    assert max(session.times) < 60


def test_a_429_with_too_long_a_wait_fails_at_once() -> None:
    session = FakeSession(in_turn([response(429, Retry_After="86400")]))
    with pytest.raises(RateLimited, match="a wait of 1440 minutes"):
        get(session)
    assert session.times == [0.0]


@pytest.mark.usefixtures("no_jitter")
def test_the_waits_before_retries_grow() -> None:
    session = FakeSession(in_turn([response(500)] * 7 + [OK]))
    assert get(session, max_retries=7).rows
    assert session.times == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0, 123.0]


@pytest.mark.usefixtures("no_jitter")
def test_a_retry_honours_retry_after() -> None:
    session = FakeSession(in_turn([response(503, Retry_After="7"), response(503, Retry_After="0"), OK]))
    assert get(session).rows
    assert session.times == [0.0, 7.0, 9.0]


def test_a_request_fails_once_its_retries_are_used_up() -> None:
    session = FakeSession(in_turn([response(500)]))
    with pytest.raises(ApiUnavailable, match=r"\(3 tries\)"):
        get(session, max_retries=2)
    assert len(session.sent) == 3


def test_a_response_that_is_not_json_is_retried() -> None:
    session = FakeSession(in_turn([raw_response(200, b"<html>"), raw_response(200, b'{"data": ['), OK]))
    assert get(session).rows
    assert len(session.sent) == 3


def test_a_response_that_breaks_the_rules_is_not_retried() -> None:
    session = FakeSession(in_turn([response(200, {"rows": []})]))
    with pytest.raises(UnexpectedResponse):
        get(session)
    assert len(session.sent) == 1


def test_an_untrusted_host_is_not_tried_again() -> None:
    session = FakeSession(in_turn([UntrustedHostError("the host's certificate cannot be trusted")]))
    with pytest.raises(UntrustedHost, match="certificate"):
        get(session)
    assert len(session.sent) == 1


@pytest.mark.parametrize(("max_retries", "requests"), [(0, 1), (2, 3), (5, 6)])
def test_a_host_that_never_answers_is_not_responding(max_retries: int, requests: int) -> None:
    session = FakeSession(in_turn([FAILED]), latency=lambda: 60.0)
    kind, count = (HostNotResponding, "requests in a row") if requests >= 3 else (ApiUnavailable, "try")
    with pytest.raises(kind, match=rf"\({requests} {count}\)$"):
        get(session, max_retries=max_retries)
    assert len(session.sent) == requests


def test_a_retry_is_logged_with_the_shop_and_the_stream_and_no_id(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    session = FakeSession(in_turn([response(500, {"error": {"code": "oops", "message": "s3cret"}}), OK]))

    async def main() -> None:
        client = ClientSetup(session).client
        await client.get("journeys/jrn_1/enrollments", (), parse_page, "enrollments")

    run_virtual(main())
    assert caplog.messages == ["Shop acme: enrollments: 500 oops: [value]; retrying."]


def test_an_error_quotes_neither_the_token_nor_filters_nor_cursors() -> None:
    message = "s3cret may not filter by jane at c2, limit 100"
    session = FakeSession(in_turn([response(422, {"error": {"code": "bad", "message": message}})]))

    async def main() -> None:
        await ClientSetup(session).get(params=(("limit", "100"), ("filter[email]", "jane"), ("cursor", "c2")))

    with pytest.raises(Exception, match=r"^\[value\] may not filter by \[value\] at \[value\], limit 100$"):
        run_virtual(main())


def test_pages_and_resources_are_parsed() -> None:
    body = raw_response(200, b'{"data":{"id":"1"},"pagination":{"has_next":true,"next_cursor":"c"}}')
    session = FakeSession(in_turn([body]))

    async def main() -> tuple[Page, Page]:
        client = ClientSetup(session).client
        page = await client.get("orders", (), parse_page, "orders")
        return page, await client.get("orders/1", (), parse_resource, "orders")

    page, resource = run_virtual(main())
    assert (page.rows, page.next_cursor, resource.rows) == ([{"id": "1"}], "c", [{"id": "1"}])


def test_every_request_names_the_tap_and_accepts_json() -> None:
    headers = default_headers()
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"].startswith("tap-sumeru/")
    assert default_headers("acme-etl/2")["User-Agent"] == headers["User-Agent"] + " acme-etl/2"


def test_each_request_is_logged_at_debug_without_ids_parameters_or_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "sumeru_api.client")
    session = FakeSession(in_turn([FAILED, response(500), OK]))

    async def main() -> RequestCounts:
        counts = RequestCounts()
        client = ClientSetup(session, counts=counts).client
        params = (("filter[email]", "jane"), ("cursor", "c2"))
        await client.get("journeys/jrn_1/enrollments", params, parse_page, "enrollments")
        return counts

    counts = run_virtual(main())
    path = "journeys/{id}/enrollments"
    assert [record.getMessage() for record in caplog.records if record.levelname == "DEBUG"] == [
        f"Shop acme: GET {path}: no response (the connection failed).",
        f"Shop acme: GET {path}: 500 in 0 ms, 12 bytes.",
        f"Shop acme: GET {path}: 200 in 0 ms, 23 bytes.",
    ]
    assert counts["enrollments"].answered == 2


@pytest.mark.usefixtures("no_jitter")
def test_a_long_wait_before_a_retry_is_logged_with_its_length(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    session = FakeSession(in_turn([response(503, Retry_After="42"), OK]))
    assert get(session).rows
    assert caplog.messages[-1].endswith("; retrying in 42 s.")


def test_an_error_does_not_quote_the_id_of_a_row_in_the_path() -> None:
    body = {"error": {"code": "not_found", "message": "there is no a b1 among the runs"}}
    session = FakeSession(in_turn([response(404, body)]))
    path = "decision-intelligence/runs/a%20b1"

    async def main() -> Page:
        return await ClientSetup(session).client.get(path, (), parse_resource, "decision_intelligence_runs")

    with pytest.raises(NotFound, match=r"^there is no \[value\] among the runs$"):
        run_virtual(main())


def test_a_request_that_is_not_worth_a_retry_fails_at_once() -> None:
    session = FakeSession(in_turn([response(500, {"error": {"message": "x"}}), OK]))

    async def main() -> Page:
        client = ClientSetup(session).client
        return await client.get("orders/1", (), parse_resource, "orders", retry=lambda: False)

    with pytest.raises(ApiUnavailable):
        run_virtual(main())
    assert len(session.sent) == 1
