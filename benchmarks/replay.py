"""An HTTP server of pages from memory.

It serves any number of shops, each with a token of its own and all with the same rows. Optional: a rate limit
for each token with the headers that the API documents, latency, TLS, and gzip for clients that accept it.
Latency is a timer, not a thread, so that thousands of requests can wait at once.

`/requests` returns how many requests were made so far, and how many of them the rate limit refused.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import ssl
import sys
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, cast

import trustme
import uvloop
from typing_extensions import override

from benchmarks.pages import Pages
from benchmarks.sandbox import Limiter
from benchmarks.servers import REQUESTS, token

if TYPE_CHECKING:
    from collections.abc import Sequence

_AUTHORIZATION = re.compile(rb"\r\nauthorization: *bearer +(\S+)", re.IGNORECASE)
_ACCEPTS_GZIP = re.compile(rb"\r\naccept-encoding:[^\r]*\bgzip\b", re.IGNORECASE)
_OK, _UNAUTHORIZED, _TOO_MANY = 200, 401, 429


class _Responder:
    """Responses to requests: status, headers and body as one piece of bytes."""

    def __init__(self, options: argparse.Namespace) -> None:
        repeat = {name: int(times) for name, _, times in (pair.partition("=") for pair in options.repeat)}
        self._pages = Pages(options.customers, options.journeys, options.now, repeat, drift=options.drift)
        self._clock = self._pages.clock
        self._limiter = Limiter(self._clock.time)
        self._limit: int = options.limit
        self._gzip: bool = options.gzip
        self._tokens = {token(shop).encode() for shop in range(options.shops)}
        self._requests = self._refused = 0

    def respond(self, head: bytes) -> bytes:
        """Return the response to a request."""
        target = head.split(b" ", 2)[1].decode()
        if target == REQUESTS:
            return self._assemble(_OK, f"[{self._requests},{self._refused}]".encode())
        self._requests += 1
        found = _AUTHORIZATION.search(head)
        if found is None or found[1] not in self._tokens:
            return self._assemble(_UNAUTHORIZED, b"{}")
        headers = ""
        if self._limit:
            verdict = self._limiter.take(found[1].decode(), self._limit)
            headers = (
                f"x-ratelimit-limit: {verdict.limit}\r\nx-ratelimit-remaining: {verdict.remaining}\r\n"
                f"x-ratelimit-reset: {verdict.reset}\r\n"
            )
            if verdict.retry_after is not None:
                self._refused += 1
                return self._assemble(_TOO_MANY, b"{}", f"{headers}retry-after: {verdict.retry_after}\r\n")
        compressed = self._gzip and _ACCEPTS_GZIP.search(head) is not None
        headers += "content-encoding: gzip\r\n" if compressed else ""
        return self._assemble(*self._pages.answer(target, compressed=compressed), headers)

    def _assemble(self, status: int, body: bytes, headers: str = "") -> bytes:
        date = formatdate(int(self._clock.time()), usegmt=True)
        head = (
            f"HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\nx-sumeru-stability: stable\r\n"
            f"date: {date}\r\n{headers}content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class _Connection(asyncio.Protocol):
    """HTTP/1.1 for clients that wait for each response: GET, keep-alive."""

    def __init__(self, responder: _Responder, latency: float) -> None:
        self._responder = responder
        self._latency = latency
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            response = self._responder.respond(head)
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._send, response)
            else:
                self._send(response)

    def _send(self, response: bytes) -> None:
        if self._transport is not None:
            self._transport.write(response)


def _tls(authority: Path) -> ssl.SSLContext:
    """Issue a certificate for this machine, and write that of its authority into a file."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


async def _serve(options: argparse.Namespace) -> None:
    responder, latency = _Responder(options), options.latency / 1000
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(responder, latency),
        "127.0.0.1",
        0,
        ssl=_tls(options.tls) if options.tls else None,
        backlog=1024,
    )
    url = f"{'https' if options.tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    sys.stdout.write(f"replay: {url}\n  acme  {token(0)}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--customers", type=int, default=10_000)
    add("--journeys", type=int, default=10)
    add("--now", default="", help="the time that the server's clock starts at; default: the present")
    add("--repeat", action="append", default=[], metavar="STREAM=TIMES")
    add("--drift", action="store_true", help="two unknown fields and a value of the wrong type in every row")
    add("--shops", type=int, default=1, help="number of tokens that are accepted")
    add("--limit", type=int, default=0, help="requests a minute for each token; 0 for no limit")
    add("--latency", type=float, default=0, help="milliseconds that each response takes")
    add("--tls", type=Path, help="serve over TLS, and write the certificate of the authority into this file")
    add("--gzip", action="store_true", help="compress for clients that accept it")
    uvloop.run(_serve(parser.parse_args(argv)))


if __name__ == "__main__":
    main()
