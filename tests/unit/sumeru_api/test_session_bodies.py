"""`session`: responses as they are read, whole or not at all."""

from __future__ import annotations

import asyncio
import gc
import gzip
import zlib

import aiohttp
import pytest

from sumeru_api.exchange import Exchange
from support.loopback import BODY, HEAD, Answer, Server, Then, fails, in_loop, ok, session

_RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
RAW_DEFLATE = _RAW.compress(BODY) + _RAW.flush()
PACKED = gzip.compress(b"hello", mtime=0)
LENGTH = b"Content-Length: %d\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n"


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("identity", BODY),
        ("UTF-8", BODY),
        ("aws-chunked", BODY),
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("X-GZIP", gzip.compress(BODY[:7], mtime=0) + gzip.compress(BODY[7:], mtime=0) + b"\0\0"),
        ("deflate", zlib.compress(BODY)),
        ("deflate", RAW_DEFLATE),
    ],
)
@in_loop
async def test_a_body_is_decompressed(encoding: str, sent: bytes) -> None:
    async with Server(ok(sent, f"Content-Encoding: {encoding}")) as server, session() as client:
        assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == BODY


@in_loop
async def test_a_large_body_is_decompressed_in_pieces() -> None:
    body = bytes(range(256)) * (3 << 12) + b"end"
    for encoding, sent in (("gzip", gzip.compress(body, 1)), ("deflate", zlib.compress(body, 1))):
        async with Server(ok(sent, f"Content-Encoding: {encoding}")) as server, session() as client:
            assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == body


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@in_loop
async def test_an_empty_body_needs_no_decompression(encoding: str) -> None:
    async with Server(ok(b"", f"Content-Encoding: {encoding}")) as server, session() as client:
        assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == b""


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([HEAD + LENGTH % 5 + b"hell", Then.CLOSE], "the answer was cut short"),
        ([HEAD + LENGTH % 5 + b"hell", Then.RESET], "the answer was cut short"),
        ([HEAD + b"\r\n", b"hell", 0.01, Then.RESET], "the answer was cut short"),
        (ok(gzip.compress(BODY)[:-9], "Content-Encoding: gzip"), "the answer was cut short"),
        (ok(zlib.compress(BODY)[:-9], "Content-Encoding: deflate"), "the answer was cut short"),
        (ok(b"no gzip at all", "Content-Encoding: gzip"), "the answer cannot be decompressed"),
        (ok(PACKED + b"x" * 30, "Content-Encoding: gzip"), "the answer cannot be decompressed"),
        (ok(b"no deflate at all", "Content-Encoding: deflate"), "the answer cannot be decompressed"),
        ([Then.CLOSE], "the connection was closed before an answer came"),
        ([Then.RESET], "the connection was reset before an answer came"),
        ([b"SSH-2.0-OpenSSH_9.6\r\n"], "the answer is not HTTP"),
        ([HEAD + b"Content-Length: 5\r\n" + LENGTH % 6 + b"hello!"], "the answer is not HTTP"),
        ([b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"], "the answer is not HTTP"),
    ],
)
@in_loop
async def test_an_answer_that_cannot_be_relied_on_is_an_error(answer: Answer, why: str) -> None:
    async with Server(answer, ok()) as server, session() as client:
        with fails(why):
            await client.get(f"{server.url}/a", (), "Bearer t")
        assert len(server.requests) == 1
        assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == BODY


@in_loop
async def test_a_chunk_without_a_size_fails_at_once() -> None:
    """The session finds out by itself, since aiohttp does not tell the reader of the body."""
    chunks = [HEAD + CHUNKED[:38], b"zz\r\nhello"]
    async with Server(chunks) as server, session(read_timeout=0.4) as client:
        with fails("the answer was cut short"):
            await client.get(f"{server.url}/a", (), "Bearer t")


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
@in_loop
async def test_some_answers_have_no_body_whatever_their_length_says(status: str) -> None:
    async with Server([f"HTTP/1.1 {status}\r\n".encode() + LENGTH % 5]) as server, session() as client:
        for _ in range(2):
            response = await client.get(f"{server.url}/a", (), "Bearer t")
            assert (response.status, response.body) == (int(status[:3]), b"")
        assert server.connections == 1


@pytest.mark.parametrize("header", [b"", b"Transfer-Encoding: identity\r\n"])
@in_loop
async def test_without_a_length_the_body_ends_with_the_connection(header: bytes) -> None:
    answer: Answer = [HEAD + header + b"\r\nhel", b"lo", Then.CLOSE]
    async with Server(answer) as server, session() as client:
        for _ in range(2):
            assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == b"hello"
        assert server.connections == 2


@pytest.mark.parametrize(
    ("text", "connections"),
    [
        (HEAD + LENGTH % 5 + b"hello", 1),
        (HEAD + CHUNKED + b"\r\n", 1),
        (HEAD + CHUNKED + b"Content-Encoding: gzip\r\n\r\n", 1),
        (HEAD + b"Content-Encoding: gzip\r\n" + LENGTH % len(PACKED) + PACKED, 1),
        (HEAD + b"Connection: close\r\n" + LENGTH % 5 + b"hello", 2),
        (HEAD.replace(b"/1.1", b"/1.0") + LENGTH % 5 + b"hello", 2),
        (HEAD + b"Upgrade: h2\r\n" + LENGTH % 5 + b"hello", 1),
        (b"HTTP/1.1 100 Continue\r\nx-limit: 1\r\n\r\n" + HEAD + LENGTH % 5 + b"hello", 1),
    ],
    ids=["length", "chunks", "trailer", "gzip", "close", "HTTP/1.0", "upgrade", "continue"],
)
@in_loop
async def test_an_answer_is_the_same_wherever_it_is_split(text: bytes, connections: int) -> None:
    single = [text[i : i + 1] for i in range(len(text))]
    splits: list[list[bytes]] = [[text], single, *([text[:i], text[i:]] for i in range(1, len(text)))]
    async with Server(*splits) as server, session() as client:
        for _ in splits:
            response = await client.get(f"{server.url}/a", (), "Bearer t")
            assert (response.status, response.body) == (200, b"hello")
            assert response.headers["x-RateLimit-Limit"] == "600"
        assert server.connections == (1 if connections == 1 else len(splits))


@pytest.mark.parametrize("text", [HEAD + LENGTH % 5 + b"hello", HEAD + CHUNKED + b"\r\n"])
@in_loop
async def test_an_answer_that_ends_early_is_an_error_wherever_it_ends(text: bytes) -> None:
    answers: list[Answer] = [[text[:i], Then.CLOSE] for i in range(1, len(text))]
    async with Server(*answers) as server, session() as client:
        for _ in answers:
            with fails("the answer was cut short"):
                await client.get(f"{server.url}/a", (), "Bearer t")
        assert len(server.requests) == len(answers)


@in_loop
async def test_of_several_headers_with_one_name_the_first_counts() -> None:
    async with Server(ok(b"", "X-Limit: 600", "x-limit: 7")) as server, session() as client:
        response = await client.get(f"{server.url}/a", (), "Bearer t")
    assert (response.headers["X-LIMIT"], response.headers.get("x-limit")) == ("600", "600")


@in_loop
async def test_the_time_of_an_answer_is_that_of_its_headers() -> None:
    """When the API made a page is computed from the date in its headers, back by this time."""
    times: list[float] = []
    now = asyncio.get_running_loop().time
    answer: Answer = [
        lambda: times.append(now()),
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n",
        0.03,
        lambda: times.append(now()),
        HEAD + LENGTH % 5,
        0.03,
        lambda: times.append(now()),
        b"hello",
    ]
    async with Server(answer) as server, session() as client:
        began = now()
        response = await client.get(f"{server.url}/a", (), "Bearer t")
    asked, headers, rest = times
    assert headers - asked <= response.elapsed < rest - began


@in_loop
async def test_a_body_may_not_be_larger_than_the_limit() -> None:
    megabyte = bytes(1 << 20)
    answers = (ok(megabyte), ok(megabyte + b"x"), ok())
    async with Server(*answers) as server, session(max_body_bytes=1 << 20) as client:
        assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == megabyte
        with fails("the answer is larger than 1 MiB"):
            await client.get(f"{server.url}/a", (), "Bearer t")
        assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == BODY


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@in_loop
async def test_a_body_may_not_be_larger_than_the_limit_once_decompressed(encoding: str) -> None:
    pieces = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    bomb = b"".join(pieces.compress(bytes(1 << 20)) for _ in range(64)) + pieces.flush()
    assert len(bomb) < 1 << 17
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    answer = ok(bomb, f"Content-Encoding: {encoding}")
    async with Server(answer) as server, session(max_body_bytes=16 << 20) as client:
        counting = asyncio.ensure_future(count())
        with fails("the answer is larger than 16 MiB"):
            await client.get(f"{server.url}/a", (), "Bearer t")
        counting.cancel()
    assert turns > 10  # other tasks had their turns in between


@in_loop
async def test_a_gzip_body_of_very_many_members_is_an_error() -> None:
    """Each costs time although it holds nothing, and the rest of the body was copied for each."""
    some, many = gzip.compress(b"") * 5_000 + PACKED, gzip.compress(b"") * 50_000
    packed = [ok(body, "Content-Encoding: gzip") for body in (some, many)]
    async with Server(*packed) as server, session() as client:
        assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == b"hello"
        with fails("the answer is compressed in too many parts"):
            await client.get(f"{server.url}/a", (), "Bearer t")


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, deflate", "compress", "\x7f"])
@in_loop
async def test_a_compression_that_was_not_requested_is_an_error_of_a_success_only(encoding: str) -> None:
    """A page in front of the API may be compressed in any way; its status says enough."""
    nested = gzip.compress(PACKED)
    refused = ok(nested, f"Content-Encoding: {encoding}", status="403 Forbidden")
    async with Server(ok(nested, f"Content-Encoding: {encoding}"), refused) as server, session() as client:
        with fails("the answer is compressed in a way that was not requested"):
            await client.get(f"{server.url}/a", (), "Bearer t")
        response = await client.get(f"{server.url}/a", (), "Bearer t")
        assert (response.status, response.body) == (403, nested)


@in_loop
async def test_the_time_of_decompression_is_not_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is back in the pool by then, and another request may be using it."""

    async def slow(parts: list[bytes], _: int, *, gzip: bool) -> bytes:
        await asyncio.sleep(0.1)
        return b"".join(parts) if gzip else b""

    monkeypatch.setattr("sumeru_api.exchange._decompressed", slow)
    packed = ok(PACKED, "Content-Encoding: gzip")
    async with Server(packed, [0.01, *ok()]) as server, session(read_timeout=0.05) as client:
        first = asyncio.ensure_future(client.get(f"{server.url}/a", (), "Bearer t"))
        await asyncio.sleep(0.02)
        while not first.done():
            assert (await client.get(f"{server.url}/a", (), "Bearer t")).body == BODY
        assert (await first).body == PACKED
        assert server.connections == 1


@in_loop
async def test_nothing_of_a_response_waits_for_the_garbage_collector() -> None:
    async with Server(ok()) as server, session() as client:
        await client.get(f"{server.url}/a", (), "Bearer t")
        gc.collect()
        gc.disable()
        try:
            await client.get(f"{server.url}/a", (), "Bearer t")
            kinds = (aiohttp.ClientResponse, aiohttp.ClientRequest, Exchange)
            assert not [one for one in gc.get_objects() if isinstance(one, kinds)]
        finally:
            gc.enable()
