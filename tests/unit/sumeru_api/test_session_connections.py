"""`session`: connections that are kept, lost, silent or too many."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from sumeru_api.client import Client
from sumeru_api.request_queue import RequestQueue
from sumeru_api.responses import parse_page
from sumeru_api.session import TransportError
from sumeru_api.shop import Shop
from sumeru_api.slots import Slots
from support.factories import rate_limiter
from support.loopback import BODY, HEAD, Answer, Server, Then, fails, in_loop, ok, session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sumeru_api.session import RawResponse, Session

SILENT = "no answer within the read timeout"
CLOSED = "the connection was closed before an answer came"
RESET = "the connection was reset before an answer came"
REFUSED = "the connection was refused; nothing listens on this port"


async def get(client: Session, server: Server) -> RawResponse:
    return await client.get(f"{server.url}/a", (), "Bearer t")


# Kept connections


@in_loop
async def test_a_connection_is_kept_and_replaced_once_it_is_closed() -> None:
    async with Server(ok(), ok(), [*ok(), Then.CLOSE], ok()) as server, session() as client:
        for _ in range(3):
            await get(client, server)
        assert server.connections == 1
        await asyncio.sleep(0.02)
        await get(client, server)
        assert server.connections == 2


@pytest.mark.parametrize("end", [Then.CLOSE, Then.RESET])
@in_loop
async def test_a_request_on_a_connection_that_was_closed_meanwhile_is_sent_again(end: Then) -> None:
    """Each connection answers once; the next request on it finds it closed, as in a race with the server."""
    answers: Sequence[Answer] = [ok(), *(50 * [[end], ok()])]
    async with Server(*answers) as server, session() as client:
        for _ in range(51):
            assert (await get(client, server)).body == BODY
        assert server.connections == 51


@in_loop
async def test_a_connection_that_was_closed_meanwhile_is_no_try_and_slows_nothing() -> None:
    limiter = rate_limiter(concurrency=4)
    queue = RequestQueue(limiter)
    page = [0.02, *ok(b'{"data": []}')]
    async with Server(page) as server, session() as http:
        shop = Shop("acme", "t", server.url)
        client = Client(shop, http, queue, Slots(256, max_hold_seconds=1.0), max_retries=0)

        async def send() -> None:
            await asyncio.gather(*(client.get("orders", (), parse_page, "orders") for _ in range(8)))

        await send()
        assert server.connections == 4
        server.answers = [*(4 * [[Then.CLOSE]]), page]
        await send()
    assert (queue.requests, queue.unanswered, limiter.free) == (16, 0, 4)


@in_loop
async def test_any_number_of_closed_connections_is_passed_over() -> None:
    async with Server([0.02, *ok()]) as server, session() as client:
        await asyncio.gather(*(get(client, server) for _ in range(5)))
        assert server.connections == 5
        server.answers = [*(5 * [[Then.CLOSE]]), ok()]
        assert (await get(client, server)).body == BODY
        assert (server.connections, len(server.requests)) == (6, 11)


@pytest.mark.parametrize(("end", "why"), [(Then.CLOSE, CLOSED), (Then.RESET, RESET)])
@in_loop
async def test_a_new_connection_that_is_closed_is_an_error_at_once(end: Then, why: str) -> None:
    """Left alone, aiohttp would send the request once more."""
    async with Server([end]) as server, session() as client:
        with fails(why):
            await get(client, server)
        assert len(server.requests) == 1


@in_loop
async def test_a_new_connection_that_is_closed_after_a_kept_one_is_an_error() -> None:
    async with Server(ok(), [Then.CLOSE], [Then.CLOSE]) as server, session() as client:
        await get(client, server)
        with fails(CLOSED):
            await get(client, server)
        assert len(server.requests) == 3


@in_loop
async def test_an_answer_that_had_begun_is_not_asked_for_again() -> None:
    async with Server(ok(), [HEAD, Then.CLOSE]) as server, session() as client:
        await get(client, server)
        with fails("the answer was cut short"):
            await get(client, server)
        assert len(server.requests) == 2


@in_loop
async def test_a_write_is_never_sent_again() -> None:
    async with Server(ok(), [Then.CLOSE]) as server, session() as client:
        await get(client, server)
        with fails(CLOSED):
            await client.request("POST", f"{server.url}/a", (), "Bearer t", b"{}")
        assert len(server.requests) == 2


@pytest.mark.parametrize("extra", [ok(b"", status="408 Request Timeout"), ok(b"hello")])
@in_loop
async def test_what_a_server_sends_unasked_is_no_answer(extra: Answer) -> None:
    async with Server([*ok(), 0.01, *extra], ok()) as server, session() as client:
        await get(client, server)
        await asyncio.sleep(0.25)
        response = await get(client, server)
        assert (response.status, response.body) == (200, BODY)
        assert server.connections == 2


@in_loop
async def test_more_than_one_answer_to_a_request_ends_the_connection() -> None:
    (answer,) = ok(b"hello")
    assert isinstance(answer, bytes)
    async with Server([answer + answer], ok()) as server, session() as client:
        assert (await get(client, server)).body == b"hello"
        assert (await get(client, server)).body == BODY
        assert server.connections == 2


@in_loop
async def test_nobody_listens() -> None:
    async with Server(ok()) as server:
        pass
    async with session() as client:
        with fails(REFUSED):
            await get(client, server)


@in_loop
async def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "secret.example")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with session() as client:
        with fails("the host name cannot be resolved"):
            await client.get("http://secret.example/a", (), "Bearer t")


def test_lookups_that_hang_hold_up_neither_others_nor_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()
    look_up = socket.getaddrinfo

    def hang(host: str, *args: Any, **options: Any) -> Any:
        if host.startswith("hanging"):
            end.wait()
        return look_up("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr("sumeru_api.session._CONNECT_SECONDS", 0.5)

    async def main() -> None:
        async with Server(ok()) as server, session() as client:
            port = server.url.rpartition(":")[2]
            urls = [f"http://hanging-{number}.example:{port}/a" for number in range(50)]
            hanging = [asyncio.create_task(client.get(url, (), "Bearer t")) for url in urls]
            await asyncio.sleep(0.01)
            assert (await client.get(f"http://other.example:{port}/a", (), "Bearer t")).body == BODY
            for outcome in await asyncio.gather(*hanging, return_exceptions=True):
                assert isinstance(outcome, TransportError)

    started_at = time.monotonic()
    timer = threading.Timer(10.0, end.set)
    timer.start()
    asyncio.run(main())
    assert time.monotonic() - started_at < 5
    timer.cancel()
    end.set()


# Silence


@pytest.mark.parametrize(
    "answer",
    [b"", HEAD, HEAD + b"Content-Length: 5\r\n\r\nhell", HEAD + b"\r\nhell"],
    ids=["nothing", "half a head", "half a body", "no end"],
)
@in_loop
async def test_a_silent_server_is_given_up(answer: bytes) -> None:
    async with Server([answer, Then.HANG], ok()) as server, session(read_timeout=0.05) as client:
        with fails(SILENT):
            await get(client, server)
        await asyncio.sleep(0.01)
        assert server.open == 0
        assert (await get(client, server)).body == BODY


@in_loop
async def test_silence_on_a_kept_connection_is_not_asked_again() -> None:
    async with Server(ok(), [Then.HANG]) as server, session(read_timeout=0.05) as client:
        await get(client, server)
        with fails(SILENT):
            await get(client, server)
        assert len(server.requests) == 2


@in_loop
async def test_a_server_that_hangs_holds_up_no_other() -> None:
    async with Server([Then.HANG]) as hanging, Server(ok()) as server, session() as client:
        waiting = asyncio.ensure_future(get(client, hanging))
        for _ in range(20):
            assert (await get(client, server)).body == BODY
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.sleep(0.01)
        assert hanging.open == 0


@in_loop
async def test_each_byte_begins_the_wait_anew() -> None:
    answer: list[bytes | float] = [HEAD + b"Content-Length: 6\r\n\r\n"]
    for byte in (b"a", b"b", b"c", b"d", b"e", b"f"):
        answer += [0.05, byte]
    async with Server(answer) as server, session(read_timeout=0.2) as client:
        assert (await get(client, server)).body == b"abcdef"


@pytest.mark.parametrize("head", [HEAD + b"\r\n", HEAD + b"Content-Length: 999\r\n\r\n"])
@in_loop
async def test_an_answer_that_drips_is_given_up(head: bytes) -> None:
    drip: Answer = [head, *(40 * (b"x", 0.02))]
    async with Server(drip) as server, session(read_timeout=0.1) as client:
        with fails("the answer took longer than five read timeouts"):
            await get(client, server)


@in_loop
async def test_a_busy_process_does_not_take_a_server_for_silent() -> None:
    async with Server([0.01, lambda: time.sleep(0.1), *ok()]) as server, session(read_timeout=0.05) as client:
        assert (await get(client, server)).body == BODY


@in_loop
async def test_the_clock_stands_still_while_nothing_is_in_flight() -> None:
    async with Server(ok()) as server, session(read_timeout=0.02) as client:
        await get(client, server)
        await asyncio.sleep(0.03)
        assert client._ticker is None  # noqa: SLF001 - nothing else shows it
        assert (await get(client, server)).body == BODY


@in_loop
async def test_a_server_that_accepts_and_says_nothing_of_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sumeru_api.session._CONNECT_SECONDS", 0.05)
    monkeypatch.setattr("sumeru_api.connection_settings.getproxies", dict)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with session() as client:
            with fails("could not connect in time"):
                await client.get(f"https://127.0.0.1:{listener.getsockname()[1]}/a", (), "Bearer t")


# Many


@in_loop
async def test_no_more_connections_are_open_than_allowed() -> None:
    async with Server([0.01, *ok()]) as server, session(max_connections=2) as client:
        responses = await asyncio.gather(*(get(client, server) for _ in range(8)))
        assert {one.body for one in responses} == {BODY}
        assert server.connections == 2


@in_loop
async def test_waiting_for_a_connection_is_not_waiting_for_an_answer() -> None:
    async with Server([0.03, *ok()]) as server, session(read_timeout=0.1, max_connections=1) as client:
        responses = await asyncio.gather(*(get(client, server) for _ in range(6)))
        assert {one.body for one in responses} == {BODY}
        assert max(one.elapsed for one in responses) < 0.1
