"""`session` and `client`: writes over real connections."""

from __future__ import annotations

import asyncio
import socket

import pytest

from sumeru_api.client import Client
from sumeru_api.errors import ApiUnavailable, HostNotResponding, OutcomeUnknown
from sumeru_api.request_queue import RequestQueue
from sumeru_api.session import Session, TransportError, default_headers
from sumeru_api.shop import Shop
from sumeru_api.slots import Slots
from support.factories import rate_limiter
from support.loopback import HEAD, Answer, Server, Then, in_loop, ok, session

BODY = b'{"data":{"attributes":{"tags":["vip"]}}}'
DONE = ok(b'{"data": {"id": "cus_1"}}')


def client_of(url: str, http: Session, max_retries: int = 5) -> tuple[Client, RequestQueue]:
    queue = RequestQueue(rate_limiter(jitter=lambda: 0.0))
    slots = Slots(256, max_hold_seconds=1.0)
    return Client(Shop("acme", "t", url), http, queue, slots, max_retries), queue


async def write(client: Client, key: str | None = "my-key") -> int:
    answer = await client.write("PATCH", "customers/cus_1", BODY, "customers", idempotency_key=key)
    return answer.status


@in_loop
async def test_a_write_sends_json_and_its_key() -> None:
    async with Server(DONE) as server, session() as http:
        client, _ = client_of(server.url, http)
        assert await write(client) == 200
        assert server.bodies == [BODY]
        assert server.requests[0].startswith("PATCH /api/v1/customers/cus_1 HTTP/1.1\r\n")
        assert server.header("Content-Type") == "application/json"
        assert server.header("Idempotency-Key") == "my-key"
        assert server.header("Authorization") == "Bearer t"


@in_loop
async def test_a_write_without_a_body_or_a_key_sends_neither() -> None:
    async with Server(DONE) as server, session() as http:
        client, _ = client_of(server.url, http)
        await client.write("POST", "campaigns/cam_1/launch", b"", "campaigns", idempotency_key=None)
        assert server.header("Content-Length") == "0"
        assert server.header("Content-Type") is None
        assert server.header("Idempotency-Key") is None


@in_loop
async def test_the_headers_of_a_write_are_not_those_of_the_next_request() -> None:
    async with Server(DONE) as server, session() as http:
        client, _ = client_of(server.url, http)
        await write(client)
        await http.get(f"{server.url}/a", (), "Bearer t")
        assert server.header("Idempotency-Key") is None
        assert server.header("Content-Type") is None


@pytest.mark.parametrize("end", [Then.CLOSE, Then.RESET])
@in_loop
async def test_writes_on_connections_that_the_server_had_closed_are_sent_again_at_once(end: Then) -> None:
    async with Server([0.02, *DONE]) as server, session() as http:
        client, queue = client_of(server.url, http, max_retries=0)
        await asyncio.gather(*(write(client) for _ in range(4)))
        server.answers = [*([end] for _ in range(server.connections)), DONE]
        before = asyncio.get_running_loop().time()
        assert await write(client) == 200
        assert asyncio.get_running_loop().time() - before < 0.5
        assert set(server.bodies) == {BODY}
        assert queue.unanswered == 0


@pytest.mark.parametrize("answer", [[Then.CLOSE], [Then.RESET], [HEAD, Then.CLOSE], [Then.HANG]], ids=str)
@in_loop
async def test_a_fault_says_that_the_server_may_have_the_request(answer: Answer) -> None:
    async with Server(answer) as server, session(read_timeout=0.2) as http:
        with pytest.raises(TransportError) as caught:
            await http.write("PATCH", f"{server.url}/a", BODY, "Bearer t", "my-key")
        assert (caught.value.sent, caught.value.stale) == (True, False)


@in_loop
async def test_a_cut_answer_leaves_the_outcome_unknown() -> None:
    async with Server([HEAD, Then.CLOSE]) as server, session() as http:
        client, _ = client_of(server.url, http, max_retries=1)
        with pytest.raises(OutcomeUnknown):
            await write(client)
        assert len(server.requests) == 2
        assert len({(head, body) for head, body in zip(server.requests, server.bodies, strict=True)}) == 1


@in_loop
async def test_a_write_that_nobody_accepts_was_not_applied() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with session() as http:
            client, _ = client_of(url, http, max_retries=0)
            with pytest.raises(TransportError) as caught:
                await http.write("POST", f"{url}/a", BODY, "Bearer t", "my-key")
            assert not caught.value.sent
            for _ in range(3):
                with pytest.raises(ApiUnavailable) as failed:
                    await write(client)
            assert isinstance(failed.value, HostNotResponding)


@in_loop
async def test_no_redirect_of_a_write_is_followed() -> None:
    redirect = ok(b"", "Location: /elsewhere", status="307 Temporary Redirect")
    async with Server(redirect) as server, session() as http:
        client, _ = client_of(server.url, http)
        with pytest.raises(OutcomeUnknown):
            await write(client)
        assert len(server.requests) == 1


def test_each_program_names_itself() -> None:
    assert default_headers("me/1", "target-sumeru")["User-Agent"].startswith("target-sumeru/")
