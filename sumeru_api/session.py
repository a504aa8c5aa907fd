"""HTTP session on aiohttp: verified TLS, proxies and timeouts; no redirects, cookies or `.netrc`."""

from __future__ import annotations

import asyncio
from functools import lru_cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus, urlsplit
from weakref import WeakSet

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict
from typing_extensions import override
from yarl import URL

from sumeru_api.connection_settings import Origin, Origins, allow_connections
from sumeru_api.exchange import TICKS, Exchange, Request
from sumeru_api.resolver import resolver
from sumeru_api.transport_errors import NoAnswerError, TransportError, UntrustedHostError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

__all__ = [
    "MAX_BODY_BYTES",
    "RawResponse",
    "Session",
    "TransportError",
    "UntrustedHostError",
    "default_headers",
]

MAX_BODY_BYTES = 128 << 20
"""Largest body, decompressed, that is read by default: over 1 MiB for each row of a page."""
_CONNECT_SECONDS = 10.0
_KEEP_ALIVE_SECONDS = 30.0
_MAX_CONNECTIONS = 1000
_MAX_HEADER_BYTES = 1 << 16
_IDEMPOTENCY_KEY = "Idempotency-Key"
_NO_TYPE = (hdrs.CONTENT_TYPE,)
"""A write without a body has no Content-Type."""
_PATH_SAFE = "/%:@!$&'()*+,;="


class RawResponse(NamedTuple):
    """An HTTP response.

    Attributes:
        status: HTTP status.
        headers: Headers, case-insensitive; of several with the same name, the first is found.
        body: The body, decompressed.
        elapsed: Seconds from sending the request until the headers came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float


class _Connector(aiohttp.TCPConnector):
    """Connection pool that tells each exchange whether its connection was used before."""

    def __init__(self) -> None:
        super().__init__(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS, resolver=resolver())
        self._used: WeakSet[ResponseHandler] = WeakSet()

    @override
    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """Return a connection from the pool, or a new one."""
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            assert protocol is not None  # noqa: S101 - for the type checker: it is open
            reused = protocol in self._used
            if not (reused and protocol.should_close):
                break
            connection.close()  # the server sent something that was not asked for
        if not reused:
            self._used.add(protocol)
        if isinstance(req, Request) and req.exchange is not None:
            req.exchange.connected(protocol, reused=reused)
        return connection


class Session:
    """HTTP session that all requests share; the first request creates its resources.

    Args:
        headers: Headers of every request.
        read_timeout: Seconds without a byte of a response after which the request fails.
        max_connections: Requests at the same time; fewer if the system allows fewer open files.
        max_body_bytes: Largest body, decompressed, that is read.
    """

    _loop: asyncio.AbstractEventLoop
    _slots: asyncio.Semaphore

    def __init__(
        self,
        headers: Mapping[str, str],
        read_timeout: float,
        *,
        max_connections: int = _MAX_CONNECTIONS,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._headers = {**headers, hdrs.ACCEPT_ENCODING: "gzip, deflate"}
        self._tick_seconds = read_timeout / TICKS
        self._max_connections = max_connections
        self._max_body_bytes = max_body_bytes
        self._client: aiohttp.ClientSession | None = None
        self._origins = Origins()
        self._authorized: dict[str, CIMultiDict[str]] = {}
        self._in_flight: set[Exchange] = set()
        self._ticker: asyncio.TimerHandle | None = None

    async def get(self, url: str, params: Sequence[tuple[str, str]], authorization: str) -> RawResponse:
        """Send a GET request; see `request`."""
        return await self.request(hdrs.METH_GET, url, params, authorization)

    async def write(
        self, method: str, url: str, body: bytes, authorization: str, idempotency_key: str | None
    ) -> RawResponse:
        """Send a POST or PATCH request with JSON, which may be empty; see `request`."""
        return await self.request(method, url, (), authorization, body, idempotency_key)

    async def request(
        self,
        method: str,
        url: str,
        params: Sequence[tuple[str, str]],
        authorization: str,
        body: bytes = b"",
        idempotency_key: str | None = None,
    ) -> RawResponse:
        """Send a request once and return the response, whatever its status.

        Args:
            method: HTTP method.
            url: URL without a query string.
            params: Query parameters.
            authorization: Authorization header.
            body: JSON; empty if there is none.
            idempotency_key: Names the write, so that the API applies it once however often it is sent.

        Raises:
            TransportError: No complete answer was received.
            UntrustedHostError: No connection may be made to the host.
        """
        client = self._client or self._open()
        scheme, netloc, path, _, _ = urlsplit(url)
        origin = self._origins.find(scheme, netloc)
        target = _target(origin, path, params)
        headers = self._authorized.get(authorization) or self._authorize(authorization)
        if method != hdrs.METH_GET:
            headers = _of_write(headers, body, idempotency_key)
        async with self._slots:
            exchange = Exchange(self._loop, origin.proxy)
            self._watch(exchange)
            try:
                response = await client.request(
                    method,
                    target,
                    headers=headers,
                    data=body or None,
                    skip_auto_headers=None if method == hdrs.METH_GET else _NO_TYPE,
                    allow_redirects=False,
                    middlewares=(exchange,),
                    ssl=origin.ssl,
                    proxy=origin.proxy,
                    proxy_headers=origin.proxy_headers,
                )
                content = await exchange.body(response, self._max_body_bytes)
            except NoAnswerError as fault:
                origin.explain(fault)
                raise
            finally:
                self._in_flight.discard(exchange)
        return RawResponse(response.status, response.headers, content, exchange.elapsed)

    async def close(self) -> None:
        """Close all connections."""
        if self._ticker is not None:
            self._ticker.cancel()
        if self._client is not None:
            await self._client.close()

    def _open(self) -> aiohttp.ClientSession:
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(allow_connections(self._max_connections))
        self._client = aiohttp.ClientSession(
            connector=_Connector(),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=Request,
            timeout=aiohttp.ClientTimeout(connect=_CONNECT_SECONDS),
            auto_decompress=False,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
        )
        return self._client

    def _watch(self, exchange: Exchange) -> None:
        self._in_flight.add(exchange)
        if self._ticker is None:
            self._tick()

    def _tick(self) -> None:
        """Let the requests in flight check their progress.

        One timer serves them all. It does not tick while this process is busy, so that a busy process is
        not mistaken for a silent server.
        """
        for exchange in self._in_flight:
            exchange.tick()
        self._ticker = self._loop.call_later(self._tick_seconds, self._tick) if self._in_flight else None

    def _authorize(self, authorization: str) -> CIMultiDict[str]:
        headers = CIMultiDict({hdrs.AUTHORIZATION: authorization})
        self._authorized[authorization] = headers
        return headers


def default_headers(user_agent: str = "", program: str = "tap-sumeru") -> dict[str, str]:
    """Return the headers of every request.

    Args:
        user_agent: What the user adds to the User-Agent.
        program: The program that sends them.
    """
    own = f"{program}/{version('tap-sumeru')}"
    return {"User-Agent": f"{own} {user_agent}".strip(), "Accept": "application/json"}


def _of_write(headers: Mapping[str, str], body: bytes, idempotency_key: str | None) -> CIMultiDict[str]:
    complete = CIMultiDict(headers)
    if body:
        complete[hdrs.CONTENT_TYPE] = "application/json"
    if idempotency_key is not None:
        complete[_IDEMPOTENCY_KEY] = idempotency_key
    return complete


_quoted = lru_cache(4096)(quote_plus)
_quoted_path = lru_cache(4096)(partial(quote, safe=_PATH_SAFE))


def _target(origin: Origin, path: str, params: Sequence[tuple[str, str]]) -> URL:
    return URL.build(
        scheme=origin.scheme,
        authority=origin.authority,
        path=_quoted_path(path),
        query_string="&".join([f"{_quoted(name)}={_quoted(value)}" for name, value in params]),
        encoded=True,
    )
