"""One request and its response over aiohttp: stale connections, timeouts, and the body to its end."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import hdrs

from sumeru_api.transport_errors import (
    CUT_SHORT,
    NOT_HTTP,
    NoAnswerError,
    OverallTimeoutError,
    TransportError,
    closed_before_answer,
    translated,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aiohttp.client_proto import ResponseHandler
    from yarl import URL

TICKS = 20
"""How often the progress of a request is checked within one read timeout."""
_MAX_TOTAL = 5
"""A whole response may take this many read timeouts: one that drips never exceeds a single one."""
_INFLATE_BYTES = 1 << 20
"""Bodies are decompressed in pieces of this size, so that other tasks can run in between."""
_SWITCHING_PROTOCOLS = 101
_GZIP = ("gzip", "x-gzip")
_SUCCESS = range(200, 300)
_NOT_ENCODED = ("", "identity", "none", "binary", "utf-8", "utf8", "aws-chunked")
"""Names of no compression, and what servers wrongly declare instead of it."""
_MAX_MEMBERS = 10_000
"""Parts of a gzip body that are compressed on their own: each costs time, even if it holds nothing."""
_DEFLATED_BYTES = 1 << 14
"""Compressed bodies are read in pieces of this size: the rest of a piece is copied with each member."""


class Request(aiohttp.ClientRequest):
    """A request that knows its exchange."""

    exchange: Exchange | None = None


class Exchange:
    """One request and its response, as an aiohttp middleware.

    Args:
        loop: The running loop.
        proxy: The proxy that connects to the host, None if there is none.

    Attributes:
        elapsed: Seconds from sending the request until the headers came.
    """

    __slots__ = (
        "_age",
        "_content",
        "_loop",
        "_protocol",
        "_proxy",
        "_quiet",
        "_reused",
        "_sent_at",
        "elapsed",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, proxy: URL | None = None) -> None:
        self._loop = loop
        self._proxy = proxy
        self._sent_at = self.elapsed = 0.0
        self._protocol: ResponseHandler | None = None
        self._content: aiohttp.StreamReader | None = None
        self._reused = False
        self._quiet = self._age = 0

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Send a request, and a GET again if the server had closed the kept-alive connection meanwhile.

        Each resend takes one more connection out of the pool, so that in the end a new one is used.
        aiohttp would retry on new connections too, once; it never sees the exceptions that make it do so.
        """
        if isinstance(request, Request):
            request.exchange = self
        while True:
            self._protocol, self._reused = None, False
            try:
                response = await handler(request)
            except (aiohttp.ClientError, OSError, UnicodeError) as error:
                stale = self._reused and closed_before_answer(error)
                if not (stale and request.method == hdrs.METH_GET):
                    raise self._fault(error, stale=stale) from None
            else:
                self.elapsed = self._loop.time() - self._sent_at
                self._content = response.content
                self._quiet = 0
                return response

    def _fault(self, error: Exception, *, stale: bool) -> NoAnswerError:
        fault = translated(error, self._proxy if self._protocol is None else None)
        if isinstance(fault, TransportError):
            fault.sent, fault.stale = self._protocol is not None, stale
        return fault

    def connected(self, protocol: ResponseHandler, *, reused: bool) -> None:
        """Note the connection over which the request is about to be sent."""
        self._protocol, self._reused = protocol, reused
        self._sent_at = self._loop.time()
        self._quiet = 0

    def tick(self) -> None:
        """Give up if no data came within the read timeout, or the response is incomplete after several."""
        protocol, content = self._protocol, self._content
        if protocol is None or (content is not None and content.is_eof()):
            return  # another exchange may use the connection by now
        self._quiet += 1
        self._age += 1
        if self._quiet > TICKS or self._age > _MAX_TOTAL * TICKS:
            timeout = TimeoutError() if self._quiet > TICKS else OverallTimeoutError()
            protocol.set_exception(timeout)
            if content is not None:
                content.set_exception(timeout)
        elif content is not None and content.exception() is None and protocol.exception() is not None:
            # aiohttp reports an invalid chunk size to the connection, but not to the reader of the body.
            content.set_exception(aiohttp.ClientPayloadError())

    async def body(self, response: aiohttp.ClientResponse, limit: int) -> bytes:
        """Read the body and decompress it.

        Raises:
            TransportError: It is incomplete or larger than the limit.
        """
        parts: list[bytes] = []
        size = 0
        complete = False
        try:
            if response.status == _SWITCHING_PROTOCOLS:
                raise TransportError(NOT_HTTP)
            while not response.content.at_eof():
                part = await response.content.readany()
                self._quiet = 0
                size += len(part)
                if size > limit:
                    raise _too_large(limit)
                parts.append(part)
            complete = not self._reset_at_end(response)
        except (aiohttp.ClientError, OSError) as error:
            raise translated(error) from None
        finally:
            if not complete:
                response.close()
        if not complete:
            raise TransportError(CUT_SHORT)
        encoding = response.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower()
        if parts and (encoding in _GZIP or encoding == "deflate"):
            return await _decompressed(parts, limit, gzip=encoding in _GZIP)
        if parts and encoding not in _NOT_ENCODED and response.status in _SUCCESS:
            raise TransportError("the answer is compressed in a way that was not requested")
        return b"".join(parts)

    def _reset_at_end(self, response: aiohttp.ClientResponse) -> bool:
        """Return whether the connection was reset, rather than closed, to end a body without a length."""
        return (
            self._protocol is not None
            and isinstance(self._protocol.exception(), OSError)
            and hdrs.CONTENT_LENGTH not in response.headers
            and hdrs.TRANSFER_ENCODING not in response.headers
        )


def _too_large(limit: int) -> TransportError:
    return TransportError(f"the answer is larger than {limit >> 20} MiB")


def _pieces(parts: Iterable[bytes]) -> Iterator[bytes]:
    for part in parts:
        for start in range(0, len(part), _DEFLATED_BYTES):
            yield part[start : start + _DEFLATED_BYTES]


async def _decompressed(parts: list[bytes], limit: int, *, gzip: bool) -> bytes:
    # Some servers omit the zlib header of "deflate".
    raw = -zlib.MAX_WBITS if parts[0][0] & 15 != zlib.DEFLATED else zlib.MAX_WBITS
    window = 16 + zlib.MAX_WBITS if gzip else raw
    inflater = zlib.decompressobj(window)
    inflated: list[bytes] = []
    size = read = 0
    members = 1
    for piece in _pieces(parts):
        rest = piece
        read += len(piece)
        while rest:
            if inflater.eof:
                rest = rest.lstrip(b"\0") if gzip else b""
                if not rest:
                    break
                inflater = zlib.decompressobj(window)  # a gzip body may have several members
                members += 1
            try:
                inflated.append(inflater.decompress(rest, _INFLATE_BYTES))
            except zlib.error:
                raise TransportError("the answer cannot be decompressed") from None
            size += len(inflated[-1])
            if size > limit:
                raise _too_large(limit)
            if members > _MAX_MEMBERS:
                raise TransportError("the answer is compressed in too many parts")
            rest = inflater.unconsumed_tail or inflater.unused_data
            if size + read > _INFLATE_BYTES:
                await asyncio.sleep(0)
    if not inflater.eof:
        raise TransportError(CUT_SHORT)
    return b"".join(inflated)
