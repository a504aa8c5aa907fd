"""HTTP session on aiohttp: verified TLS, proxies and timeouts; no redirects, cookies or `.netrc`."""

from __future__ import annotations

import asyncio
import os
import zlib
from base64 import b64encode
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus, urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakSet

import aiohttp
import certifi
from aiohttp import hdrs
from multidict import CIMultiDict
from typing_extensions import override
from yarl import URL

try:
    import resource
except ImportError:  # Windows
    _HAS_LIMITS = False
else:
    _HAS_LIMITS = True

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

MAX_BODY_BYTES = 512 << 20
"""Largest body, decompressed, that is read by default."""
_CONNECT_SECONDS = 10.0
_KEEP_ALIVE_SECONDS = 30.0
_MAX_CONNECTIONS = 1000
_MAX_HEADER_BYTES = 1 << 16
_MAX_TOTAL = 5
"""A response as a whole may take this many read timeouts: one that drips is never silent."""
_TICKS = 20
"""How often the progress of a request is checked within one read timeout."""
_INFLATE_BYTES = 1 << 20
"""A body is decompressed in pieces of this size, with other tasks running in between."""
_OTHER_FILES = 256
_PATH_SAFE = "/%:@!$&'()*+,;="
_SWITCHING_PROTOCOLS = 101


class TransportError(Exception):
    """No complete answer was received. The text says why and holds nothing private."""


class UntrustedHostError(Exception):
    """No connection may be made. The text says why and holds nothing private."""


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


_NO_LOOKUP = "the host name cannot be looked up; check `api_url`"
_NOT_HTTP = "the answer is not HTTP"
_CUT_SHORT = "the answer was cut short"
_FAILED = "the connection failed"
_CAUSES: tuple[
    tuple[type[Exception] | tuple[type[Exception], ...], type[TransportError | UntrustedHostError], str], ...
] = (
    (aiohttp.ClientConnectorCertificateError, UntrustedHostError, "the host's certificate cannot be trusted"),
    ((aiohttp.InvalidURL, UnicodeError), UntrustedHostError, _NO_LOOKUP),
    (aiohttp.ClientConnectorDNSError, TransportError, "the host name cannot be resolved"),
    (aiohttp.ConnectionTimeoutError, TransportError, "could not connect in time"),
    (TimeoutError, TransportError, "no answer within the read timeout"),
    (aiohttp.ClientHttpProxyError, TransportError, "the proxy refused the connection"),
    (aiohttp.ClientProxyConnectionError, TransportError, "the connection to the proxy failed"),
    (aiohttp.ClientResponseError, TransportError, _NOT_HTTP),
    (aiohttp.ClientPayloadError, TransportError, _CUT_SHORT),
)


def _translated(error: Exception) -> TransportError | UntrustedHostError:
    """Map an exception of aiohttp or the operating system to one of this module."""
    for low_level, kind, text in _CAUSES:
        if isinstance(error, low_level):
            return kind(text)
    # aiohttp attaches the head of the response to this error if some of it had come.
    begun = isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str)
    return TransportError(_CUT_SHORT if begun else _FAILED)


class _Exchange:
    """One request and its response, as an aiohttp middleware.

    Attributes:
        protocol: The connection in use; `None` until the request is sent.
        reused: Whether that connection had been used before.
        elapsed: Seconds from sending the request until the headers came.
        quiet: Ticks since the last bytes came.
        age: Ticks since the request was sent.
    """

    __slots__ = ("_loop", "_sent_at", "age", "content", "elapsed", "protocol", "quiet", "reused")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sent_at = self.elapsed = 0.0
        self.protocol: ResponseHandler | None = None
        self.content: aiohttp.StreamReader | None = None
        self.reused = False
        self.quiet = self.age = 0

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Send a request; send it again if the server had closed the kept-alive connection.

        No exception of a failed connection reaches aiohttp from here, so that it retries nothing itself.
        """
        if isinstance(request, _Request):
            request.exchange = self
        while True:
            self.protocol, self.reused = None, False
            try:
                response = await handler(request)
            except (aiohttp.ClientError, OSError, UnicodeError) as error:
                if not (self.reused and request.method == hdrs.METH_GET and _closed_before_answer(error)):
                    raise _translated(error) from None
            else:
                self.elapsed = self._loop.time() - self._sent_at
                self.content = response.content
                self.quiet = 0
                return response

    def connected(self, protocol: ResponseHandler, *, reused: bool) -> None:
        """Note the connection over which the request is about to be sent."""
        self.protocol, self.reused = protocol, reused
        self._sent_at = self._loop.time()
        self.quiet = 0

    def tick(self) -> None:
        """Give up if nothing has come within the read timeout, or not all within several."""
        if self.protocol is None:
            return
        self.quiet += 1
        self.age += 1
        if self.quiet > _TICKS or self.age > _MAX_TOTAL * _TICKS:
            self.protocol.set_exception(TimeoutError())
            if self.content is not None:
                self.content.set_exception(TimeoutError())

    async def body(self, response: aiohttp.ClientResponse, limit: int) -> bytes:
        """Read the body.

        Raises:
            TransportError: It is incomplete or larger than the limit.
        """
        parts: list[bytes] = []
        size = 0
        try:
            if response.status == _SWITCHING_PROTOCOLS:
                raise TransportError(_NOT_HTTP)
            while part := await response.content.readany():
                self.quiet = 0
                size += len(part)
                if size > limit:
                    raise _too_large(limit)
                parts.append(part)
        except (aiohttp.ClientError, OSError) as error:
            raise _translated(error) from None
        finally:
            if not response.content.is_eof() or response.status == _SWITCHING_PROTOCOLS:
                response.close()
        if self._reset_without_length(response):
            raise TransportError(_CUT_SHORT)
        if hdrs.CONTENT_ENCODING in response.headers:
            return await _decompressed(parts, response.headers[hdrs.CONTENT_ENCODING], limit)
        return b"".join(parts)

    def _reset_without_length(self, response: aiohttp.ClientResponse) -> bool:
        """Return whether a connection was reset whose end was to be that of the body."""
        failure = self.protocol.exception() if self.protocol is not None else None
        return (
            isinstance(failure, OSError)
            and hdrs.CONTENT_LENGTH not in response.headers
            and hdrs.TRANSFER_ENCODING not in response.headers
        )


def _closed_before_answer(error: Exception) -> bool:
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return isinstance(error.message, str)
    return isinstance(error, (aiohttp.ClientOSError, aiohttp.ClientConnectionResetError))


def _too_large(limit: int) -> TransportError:
    return TransportError(f"the answer is larger than {limit >> 20} MiB")


async def _decompressed(parts: list[bytes], encoding: str, limit: int) -> bytes:
    encoding = encoding.strip().lower()
    gzip = encoding in ("gzip", "x-gzip")
    if not parts or not (gzip or encoding == "deflate"):
        return b"".join(parts)
    # Some servers omit the zlib header of "deflate".
    zlib_window = zlib.MAX_WBITS if parts[0][0] & 15 == zlib.DEFLATED else -zlib.MAX_WBITS
    window = 16 + zlib.MAX_WBITS if gzip else zlib_window
    inflater = zlib.decompressobj(window)
    inflated: list[bytes] = []
    size = 0
    for part in parts:
        rest = part
        while rest:
            if inflater.eof:
                rest = rest.lstrip(b"\0") if gzip else b""
                if not rest:
                    break
                inflater = zlib.decompressobj(window)  # a gzip body may have several members
            try:
                inflated.append(inflater.decompress(rest, _INFLATE_BYTES))
            except zlib.error:
                raise TransportError("the answer cannot be decompressed") from None
            size += len(inflated[-1])
            if size > limit:
                raise _too_large(limit)
            rest = inflater.unconsumed_tail or inflater.unused_data
            if size > _INFLATE_BYTES:
                await asyncio.sleep(0)
    if not inflater.eof:
        raise TransportError(_CUT_SHORT)
    return b"".join(inflated)


class _Request(aiohttp.ClientRequest):
    """A request that knows its exchange."""

    exchange: _Exchange | None = None


class _Connector(aiohttp.TCPConnector):
    """Connection pool that tells each exchange whether its connection was used before."""

    def __init__(self) -> None:
        super().__init__(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS)
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
        self._used.add(protocol)
        if isinstance(req, _Request) and req.exchange is not None:
            req.exchange.connected(protocol, reused=reused)
        return connection


class _Origin(NamedTuple):
    """How requests to a scheme, host and port are made."""

    scheme: str
    authority: str
    ssl: SSLContext | bool
    proxy: URL | None
    proxy_headers: dict[str, str] | None


class Session:
    """Connections that all requests share; resources are made by the first request.

    Args:
        headers: Headers of every request.
        read_timeout: Seconds without a byte of a response after which it is given up.
        max_connections: Requests at the same time; fewer if the system allows fewer open files.
        max_body_bytes: Largest body, decompressed, that is read.
    """

    def __init__(
        self,
        headers: Mapping[str, str],
        read_timeout: float,
        *,
        max_connections: int = _MAX_CONNECTIONS,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._headers = {**headers, hdrs.ACCEPT_ENCODING: "gzip, deflate"}
        self._read_timeout = read_timeout
        self._max_connections = max_connections
        self._max_body_bytes = max_body_bytes
        self._client: aiohttp.ClientSession | None = None
        self._context: SSLContext | None = None
        self._origins: dict[tuple[str, str], _Origin] = {}
        self._authorized: dict[str, CIMultiDict[str]] = {}
        self._in_flight: set[_Exchange] = set()
        self._ticker: asyncio.TimerHandle | None = None

    async def get(self, url: str, params: Sequence[tuple[str, str]], authorization: str) -> RawResponse:
        """Send a GET request; see `request`."""
        return await self.request(hdrs.METH_GET, url, params, authorization)

    async def request(
        self,
        method: str,
        url: str,
        params: Sequence[tuple[str, str]],
        authorization: str,
        body: bytes | None = None,
    ) -> RawResponse:
        """Send a request once and return the response, whatever its status.

        Args:
            method: HTTP method.
            url: URL without a query string.
            params: Query parameters.
            authorization: Authorization header.
            body: JSON, if there is a body.

        Raises:
            TransportError: No complete answer was received.
            UntrustedHostError: No connection may be made to the host.
        """
        client = self._client or self._open()
        scheme, netloc, path, _, _ = urlsplit(url)
        origin = self._origins.get((scheme, netloc)) or self._origin(scheme, netloc)
        headers = self._authorized.get(authorization) or self._authorize(authorization)
        query = "&".join([f"{_quoted(name)}={_quoted(value)}" for name, value in params])
        async with self._slots:
            exchange = _Exchange(self._loop)
            self._in_flight.add(exchange)
            if self._ticker is None:
                self._tick()
            try:
                response = await client.request(
                    method,
                    URL.build(
                        scheme=origin.scheme,
                        authority=origin.authority,
                        path=quote(path, safe=_PATH_SAFE),
                        query_string=query,
                        encoded=True,
                    ),
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                    middlewares=(exchange,),
                    ssl=origin.ssl,
                    proxy=origin.proxy,
                    proxy_headers=origin.proxy_headers,
                )
                content = await exchange.body(response, self._max_body_bytes)
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
        self._slots = asyncio.Semaphore(_allow_open_files(self._max_connections))
        self._client = aiohttp.ClientSession(
            connector=_Connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=_Request,
            timeout=aiohttp.ClientTimeout(connect=_CONNECT_SECONDS),
            auto_decompress=False,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
        )
        return self._client

    def _tick(self) -> None:
        """Let the requests in flight check their progress.

        One timer serves them all. While this process is busy it does not tick, so that a busy process is
        not mistaken for a silent server.
        """
        for exchange in self._in_flight:
            exchange.tick()
        interval = self._read_timeout / _TICKS
        self._ticker = self._loop.call_later(interval, self._tick) if self._in_flight else None

    def _authorize(self, authorization: str) -> CIMultiDict[str]:
        headers = CIMultiDict({**self._headers, hdrs.AUTHORIZATION: authorization})
        self._authorized[authorization] = headers
        return headers

    def _origin(self, scheme: str, netloc: str) -> _Origin:
        try:
            url = URL(f"{scheme}://{netloc}")
        except ValueError:
            raise UntrustedHostError(_NO_LOOKUP) from None
        authority = url.host_port_subcomponent or ""
        if url.scheme == "https":
            origin = _Origin(url.scheme, authority, self._trust(), *_proxy(url))
        else:
            # For loopback only: a proxy of the environment would carry the token off this machine in clear.
            origin = _Origin(url.scheme, authority, ssl=True, proxy=None, proxy_headers=None)
        self._origins[scheme, netloc] = origin
        return origin

    def _trust(self) -> SSLContext:
        if self._context is None:
            environment = os.environ.get
            bundle = environment("REQUESTS_CA_BUNDLE") or environment("CURL_CA_BUNDLE") or certifi.where()
            folder = Path(bundle).is_dir()
            try:
                self._context = (
                    create_default_context(capath=bundle) if folder else create_default_context(cafile=bundle)
                )
            except OSError:
                raise UntrustedHostError("the CA bundle cannot be read; check REQUESTS_CA_BUNDLE") from None
            self._context.set_alpn_protocols(["http/1.1"])
        return self._context


_quoted = lru_cache(4096)(quote_plus)


def _proxy(url: URL) -> tuple[URL | None, dict[str, str] | None]:
    """Return the proxy that the environment names for a URL, and the header that opens it."""
    proxies = getproxies()
    setting = proxies.get("https") or proxies.get("all")
    if not setting or proxy_bypass(url.raw_host or "") or proxy_bypass(f"{url.raw_host}:{url.port}"):
        return None, None
    try:
        proxy = URL(setting if "://" in setting else f"http://{setting}")
        address = proxy.origin()
    except ValueError:
        raise UntrustedHostError("the proxy of the environment is not a URL") from None
    if address.scheme not in ("http", "https"):
        raise UntrustedHostError("the proxy of the environment is neither http:// nor https://")
    if not proxy.user:
        return address, None
    credentials = b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
    return address, {hdrs.PROXY_AUTHORIZATION: f"Basic {credentials}"}


def _allow_open_files(connections: int) -> int:
    """Raise the limit of open files if needed; return how many of these connections it allows."""
    if not _HAS_LIMITS:
        return connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * connections + _OTHER_FILES  # idle connections are not counted among those in use
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return connections
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    return max(1, min(connections, (soft - _OTHER_FILES) // 2))
