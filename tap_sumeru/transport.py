"""Connections that stay open: one request, one whole answer, and nothing done that nobody asked for.

urllib3 makes them (TLS, proxies); the answer is read by the standard library, which costs a third of what
urllib3 takes for it. No redirect is followed, no cookie kept, and `.netrc` is not read.
"""

from __future__ import annotations

import gzip
import os
import threading
import time
import zlib
from http.client import HTTPConnection as PlainConnection
from http.client import HTTPException, HTTPResponse, IncompleteRead
from pathlib import Path
from ssl import SSLError
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode, urlsplit

import certifi
from requests.utils import get_auth_from_url, get_environ_proxies, select_proxy
from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError
from urllib3.util import make_headers, parse_url
from urllib3.util.ssl_ import create_urllib3_context

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from email.message import Message
    from ssl import SSLContext

_CONNECT_SECONDS = 10.0
_MOST_HOSTS = 4
"""Connections that a thread keeps open."""
_ENCODINGS = "gzip, deflate"
_LONGEST_ANSWER = 5
"""How often the timeout an answer may take as a whole: one that drips is never silent."""
_CHUNK = 1 << 20


class BrokenError(Exception):
    """There was no whole answer; says why in words that hold nothing private."""


class UntrustedError(Exception):
    """No connection may be made; says why."""


class Reply(NamedTuple):
    """What came back: status, headers found whatever their case, body, and seconds until it began."""

    status: int
    headers: Message
    body: bytes
    elapsed: float


class Connections:
    """The connections of a run: each thread has its own.

    Args:
        headers: Headers of every request.
        timeout: Seconds without a byte of an answer.
    """

    def __init__(self, headers: Mapping[str, str], timeout: float) -> None:
        self._headers = {**headers, "Accept-Encoding": _ENCODINGS}
        self._timeout = timeout
        self._local = threading.local()
        self._open: set[HTTPConnection] = set()
        self._lock = threading.Lock()
        self._context: SSLContext | None = None

    def get(self, url: str, params: Sequence[tuple[str, str]], authorization: str) -> Reply:
        """Ask once.

        Raises:
            BrokenError: There was no whole answer.
            UntrustedError: The host is not to be trusted.
        """
        parts = urlsplit(url)
        origin, target = f"{parts.scheme}://{parts.netloc}", parts.path
        if params:
            target += "?" + urlencode(params)
        connection = self._connection(origin)
        whole = False
        try:
            reply = self._exchange(connection, target, authorization)
            whole = True
        finally:
            if not whole:
                self._close(origin)
        return reply

    def _exchange(self, connection: HTTPConnection, target: str, authorization: str) -> Reply:
        began = time.perf_counter()
        try:
            connection.putrequest("GET", target, skip_accept_encoding=True)
            for name, value in self._headers.items():
                connection.putheader(name, value)
            connection.putheader("Authorization", authorization)
            connection.endheaders()
            answer = PlainConnection.getresponse(connection)
            elapsed = time.perf_counter() - began
        except TimeoutError:
            raise BrokenError("no answer in time") from None
        except (OSError, HTTPException, HTTPError):
            raise BrokenError("the connection failed") from None
        try:
            body = _decompressed(self._read(answer, began), answer.headers.get("Content-Encoding", ""))
        except TimeoutError:
            raise BrokenError("no answer in time") from None
        except (OSError, EOFError, HTTPException, zlib.error):
            raise BrokenError("the answer was cut short") from None
        return Reply(answer.status, answer.headers, body, elapsed)

    def _read(self, answer: HTTPResponse, began: float) -> bytes:
        """Return the whole body, as long as it comes in time."""
        chunks = []
        while chunk := answer.read1(_CHUNK):
            chunks.append(chunk)
            if time.perf_counter() - began > _LONGEST_ANSWER * self._timeout:
                raise TimeoutError
        body = b"".join(chunks)
        if answer.length:
            raise IncompleteRead(body, answer.length)
        answer.close()  # or the connection would not take another request
        return body

    def _connection(self, origin: str) -> HTTPConnection:
        mine: dict[str, HTTPConnection] = self._local.__dict__.setdefault("mine", {})
        connection = mine.get(origin)
        if connection is not None and connection.is_connected:
            return connection
        if connection is not None or len(mine) >= _MOST_HOSTS:
            self._close(origin if connection is not None else next(iter(mine)))
        connection = mine[origin] = self._connect(origin)
        with self._lock:
            self._open.add(connection)
        return connection

    def _connect(self, origin: str) -> HTTPConnection:
        connection = self._made(origin)
        try:
            connection.connect()
        except NameResolutionError:
            raise BrokenError("the host's name is not known") from None
        except NewConnectionError:  # one of the next kind to urllib3, though no time has passed
            raise BrokenError("the connection failed") from None
        except ConnectTimeoutError:
            raise BrokenError("no connection in time") from None
        except SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise UntrustedError("the host's certificate cannot be trusted") from None
            raise BrokenError("the connection failed") from None
        except (OSError, HTTPException, HTTPError):
            raise BrokenError("the connection failed") from None
        assert connection.sock is not None  # noqa: S101 - for the type checker: it is connected
        connection.sock.settimeout(self._timeout)
        return connection

    def _made(self, origin: str) -> HTTPConnection:
        url = parse_url(origin)
        host = (url.host or "").strip("[]")
        if url.scheme != "https":
            # For loopback only: a proxy of the environment would carry the token off this machine in clear.
            return HTTPConnection(host, url.port, timeout=_CONNECT_SECONDS)
        proxy = select_proxy(origin, get_environ_proxies(origin, no_proxy=None))
        context = self._trusted()
        if not proxy:
            return HTTPSConnection(host, url.port, timeout=_CONNECT_SECONDS, ssl_context=context)
        way = parse_url(proxy if "://" in proxy else f"http://{proxy}")
        if way.scheme not in ("http", "https"):
            raise UntrustedError("the proxy of the environment is neither http:// nor https://")
        name, password = get_auth_from_url(way.url)
        connection = HTTPSConnection(
            (way.host or "").strip("[]"),
            way.port or (443 if way.scheme == "https" else 80),
            timeout=_CONNECT_SECONDS,
            ssl_context=context,
            proxy=way,
            proxy_config=ProxyConfig(
                context, use_forwarding_for_https=False, assert_hostname=None, assert_fingerprint=None
            ),
        )
        headers = make_headers(proxy_basic_auth=f"{name}:{password}") if name else None
        connection.set_tunnel(host, url.port or 443, headers=headers, scheme=way.scheme or "http")
        return connection

    def _trusted(self) -> SSLContext:
        with self._lock:
            if self._context is None:
                bundle = (
                    os.environ.get("REQUESTS_CA_BUNDLE")
                    or os.environ.get("CURL_CA_BUNDLE")
                    or certifi.where()
                )
                folder = Path(bundle).is_dir()
                context = create_urllib3_context()
                try:
                    context.load_verify_locations(**{"capath" if folder else "cafile": bundle})
                except OSError:
                    raise UntrustedError(
                        "the file of trusted certificates cannot be read; check REQUESTS_CA_BUNDLE"
                    ) from None
                self._context = context
            return self._context

    def _close(self, origin: str) -> None:
        connection: HTTPConnection | None = self._local.mine.pop(origin, None)
        if connection is not None:
            connection.close()
            with self._lock:
                self._open.discard(connection)

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()


def _decompressed(body: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding in ("gzip", "x-gzip") and body:
        return gzip.decompress(body)
    if encoding == "deflate" and body:
        try:
            return zlib.decompress(body)
        except zlib.error:  # without the header that it should have
            return zlib.decompress(body, -zlib.MAX_WBITS)
    return body
