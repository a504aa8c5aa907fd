"""Sessions without HTTP: the test chooses the outcome of each request."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from typing_extensions import override

from sumeru_api.session import RawResponse, Session
from support.virtual_clock import now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from support.fake_api import FakeApi

Outcome = RawResponse | Exception


def response(status: int = 200, content: object = None, **headers: str) -> RawResponse:
    """Return a response with JSON; an underscore in the name of a header stands for a hyphen."""
    body = json.dumps({"data": []} if content is None else content).encode()
    return raw_response(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def raw_response(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> RawResponse:
    """Return a response with this body."""
    return RawResponse(status, headers or {}, body, 0.0)


class SentRequest(NamedTuple):
    """A request that was sent.

    Attributes:
        at: Time of the loop's clock when it was sent.
        url: Its URL.
        params: Its query parameters.
        authorization: Its Authorization header.
        method: Its HTTP method.
        body: Its body.
        key: Its idempotency key, None if it has none.
    """

    at: float
    url: str
    params: tuple[tuple[str, str], ...]
    authorization: str
    method: str = "GET"
    body: bytes = b""
    key: str | None = None


class FakeSession(Session):
    """Records requests; each takes some time and then has an outcome.

    Args:
        outcome: Returns the outcome of a request.
        latency: Returns the duration of a request in seconds.

    Attributes:
        sent: The requests, in the order in which they were sent.
        in_flight: Requests that have no outcome yet.
        max_in_flight: Maximum of requests that were in flight at once.
    """

    def __init__(
        self, outcome: Callable[[SentRequest], Outcome], latency: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._outcome = outcome
        self._latency = latency
        self.sent: list[SentRequest] = []
        self.in_flight = 0
        self.max_in_flight = 0

    @override
    async def get(self, url: str, params: Sequence[tuple[str, str]], authorization: str) -> RawResponse:
        return await self._send(SentRequest(now(), url, tuple(params), authorization))

    @override
    async def write(
        self, method: str, url: str, body: bytes, authorization: str, idempotency_key: str | None
    ) -> RawResponse:
        return await self._send(SentRequest(now(), url, (), authorization, method, body, idempotency_key))

    async def _send(self, request: SentRequest) -> RawResponse:
        self.sent.append(request)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self._latency())
        finally:
            self.in_flight -= 1
        outcome = self._outcome(request)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    @override
    async def close(self) -> None:
        """Do nothing: there are no connections."""

    @property
    def times(self) -> list[float]:
        """The time at which each request was sent."""
        return [request.at for request in self.sent]


def in_turn(outcomes: Iterable[Outcome]) -> Callable[[Any], Outcome]:
    """Return a function that returns the outcomes in order and repeats the last one."""
    left = list(outcomes)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def of_api(api: FakeApi) -> Callable[[SentRequest], Outcome]:
    """Return a function that returns the responses of an API with a rate limit."""

    def outcome(request: SentRequest) -> RawResponse:
        status, headers = api.ask(request.at)
        return raw_response(status, b'{"data":[]}', headers)

    return outcome
